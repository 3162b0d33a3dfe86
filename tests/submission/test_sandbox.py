"""What somebody's code may do wrong ends in one line; what it does right comes back."""

import re
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from helpers.patience import SAFETY_NET, wait_until
from helpers.processes import has_ended
from sparseeg.errors import SparseEEGError
from sparseeg.submission import sandbox
from sparseeg.submission.sandbox import Limits, run_submission

HEAD = """
import torch
class Model:
    def eval(self): pass
    def forward(self, x): return {answer}
class Submission:
    def __init__(self, SFREQ, DEVICE): self.sfreq = SFREQ
    def get_model_challenge_1(self): return Model()
"""


def submission(tmp_path: Path, source: str) -> Path:
    folder = tmp_path / "unpacked"
    folder.mkdir()
    (folder / "submission.py").write_text(textwrap.dedent(source))
    return folder


def batches(*sizes: int) -> list[np.ndarray]:
    return [np.full((size, 3, 4), number + 1.0, np.float32) for number, size in enumerate(sizes)]


@contextmanager
def not_at_the_limit() -> Iterator[Limits]:
    """Give a limit, and fail where it was waited for."""
    begin = time.monotonic()
    yield Limits(seconds=2 * SAFETY_NET)
    assert time.monotonic() - begin < SAFETY_NET


def failure(tmp_path: Path, source: str, **options) -> str:
    with pytest.raises(SparseEEGError) as error:
        run_submission(submission(tmp_path, source), 1, batches(1, 1), name="a.zip", **options)
    assert "\n" not in str(error.value)
    assert str(error.value).startswith("a.zip: ")
    return str(error.value)


def test_answers_come_back_in_order_with_what_they_took(tmp_path: Path) -> None:
    folder = submission(tmp_path, HEAD.format(answer="x.mean((1, 2))[:, None] * 2"))
    answers = run_submission(folder, 1, batches(1, 3), name="a.zip")
    assert answers.values.tolist() == [2, 4, 4, 4]
    assert answers.seconds > 0
    assert answers.peak_bytes > 10**7
    assert run_submission(folder, 1, [], name="a.zip").values.shape == (0,)


def test_limits_that_the_system_does_not_enforce_are_said(tmp_path: Path, monkeypatch) -> None:
    folder = submission(tmp_path, HEAD.format(answer="x.mean((1, 2))[:, None] * 2"))
    # As on Windows, where Python has no module `resource`, and as on a system without network namespaces.
    elsewhere = tmp_path / "worker.py"
    elsewhere.write_text(
        sandbox.WORKER.read_text()
        .replace("import resource", "raise ImportError")
        .replace('sys.platform.startswith("linux")', "False")
        .replace("/proc/self/status", "/proc/self/no-such-file")
    )
    monkeypatch.setattr(sandbox, "WORKER", elsewhere)
    result = run_submission(folder, 1, batches(1, 3), name="a.zip")
    assert result.values.tolist() == [2, 4, 4, 4]
    assert result.peak_bytes is None
    assert result.not_enforced == (
        "the memory of the submission was not limited",
        "programs that the submission starts could use the network",
    )


def test_windows_that_cannot_be_read_are_said_at_once(tmp_path: Path) -> None:
    def breaking():
        yield from batches(1)
        raise OSError("the disk is gone")

    folder = submission(tmp_path, HEAD.format(answer="x.mean((1, 2))[:, None]"))
    with not_at_the_limit() as limits, pytest.raises(OSError, match="the disk is gone"):
        run_submission(folder, 1, breaking(), name="a.zip", limits=limits)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("x = 1", "no class Submission"),
        ("import nowhere", "can't be imported: ModuleNotFoundError: No module named 'nowhere'"),
        ("def f(:", "can't be imported: SyntaxError"),
        ("import sparseeg", "No module named 'sparseeg'"),
        ("import sys; sys.exit(0)", "can't be imported: SystemExit"),
        ("import os; os._exit(3)", "ended without a result (exit code 3)"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "SIGSEGV"),
        ("import os; os.kill(os.getpid(), 40)", "killed by signal 40"),
        ("open('../status.json', 'w').write('null')\nimport os; os._exit(0)", "without a result"),
        ("open('../status.json', 'w').write('{}')\nimport os; os._exit(0)", "without a result"),
        ("class Submission: pass", "fails: TypeError"),
        ("class Submission:\n def __init__(self, a, b): pass", "no method get_model_challenge_1"),
        (HEAD.format(answer="1 / 0"), "forward() fails: ZeroDivisionError"),
        (HEAD.format(answer="1.5"), "returns a float, not a tensor"),
        (HEAD.format(answer="x.new_zeros(len(x))"), "the shape (1,) for a batch of 1, expected (1, 1)"),
        (HEAD.format(answer="x.new_zeros(1, 1, 2)"), "the shape (1, 1, 2) for a batch of 1"),
        (HEAD.format(answer="x.new_zeros(0, 1)"), "the shape (0, 1) for a batch of 1"),
        (HEAD.replace("def forward", "def backward"), "which has no forward()"),
        (HEAD.format(answer="torch.zeros(1, 1, device='meta')"), "Cannot copy out of meta tensor"),
        (HEAD.format(answer="torch.zeros(10**11)[:1, None]"), "out of memory"),
        (
            "import socket\nsocket.create_connection(('127.0.0.1', 9))\n",
            "can't be imported: OSError: a submission has no network",
        ),
    ],
)
def test_failures_are_one_line(source: str, words: str, tmp_path: Path) -> None:
    assert words in failure(tmp_path, source)


@pytest.mark.parametrize("shape", ["1, 2", "1, 1, 1", "3, 1"])
def test_shapes_that_the_challenge_reads_are_read_with_a_note(shape: str, tmp_path: Path) -> None:
    folder = submission(tmp_path, HEAD.format(answer=f"x.mean() + torch.zeros({shape}).cumsum(-1)"))
    result = run_submission(folder, 1, batches(1, 1), name="a.zip")
    assert result.values.tolist() == [1, 2]
    assert result.notes == (
        f"forward() returns the shape ({shape}) for one window instead of (1, 1); [0][0] was read",
    )
    with pytest.raises(SparseEEGError, match=re.escape(f"the shape ({shape}) for a batch of 2")):
        run_submission(folder, 1, batches(2), name="a.zip")


def test_the_device_and_the_mode_are_those_of_the_challenge(tmp_path: Path) -> None:
    source = HEAD.replace("self.sfreq = SFREQ", "assert isinstance(DEVICE, torch.device) and SFREQ == 100")
    answer = "x.new_full((1, 1), torch.is_inference_mode_enabled())"
    folder = submission(tmp_path, source.format(answer=answer))
    assert run_submission(folder, 1, batches(1), name="a.zip").values.tolist() == [1]


def test_all_differing_tensors_are_named(tmp_path: Path) -> None:
    source = HEAD.format(answer="x") + (
        "network = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.Linear(2, 1))\n"
        "weights = {'0.weight': torch.zeros(4, 3), '0.bias': torch.zeros(2), 'a': torch.ones(1)}\n"
        "network.load_state_dict(weights)\n"
    )
    message = failure(tmp_path, source)
    for words in (
        'Missing key(s) in state_dict: "1.weight", "1.bias"',
        'Unexpected key(s) in state_dict: "a"',
    ):
        assert words in message
    assert "size mismatch for 0.weight" in message


def test_a_submission_that_never_ends_is_ended(tmp_path: Path) -> None:
    message = failure(tmp_path, "while True: pass", limits=Limits(seconds=1))
    assert "not finished within the limit of 1 s" in message


def test_what_it_started_ends_with_it(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    source = HEAD.format(answer="x.new_zeros(len(x), 1)") + (
        "import subprocess, sys\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(3600)'])\n"
        f"open({str(mark)!r}, 'w').write(str(child.pid))\n"
    )
    assert run_submission(submission(tmp_path, source), 1, batches(1), name="a.zip").values.tolist() == [0]
    wait_until(lambda: has_ended(int(mark.read_text())))


@pytest.mark.parametrize(
    "start",
    [
        "import os, time\nif os.fork() == 0: time.sleep(3600)\n",
        "import subprocess, sys\nsubprocess.Popen([sys.executable, '-c', 'import time; time.sleep(3600)'])\n",
    ],
)
def test_what_it_started_keeps_nobody_waiting(start: str, tmp_path: Path) -> None:
    folder = submission(tmp_path, start + "raise ValueError('the reason')")
    with not_at_the_limit() as limits, pytest.raises(SparseEEGError, match="ValueError: the reason"):
        run_submission(folder, 1, batches(*[50] * 100), name="a.zip", limits=limits)


def test_what_it_starts_reads_no_windows(tmp_path: Path) -> None:
    source = HEAD.format(answer="x.mean((1, 2))[:, None]") + "import subprocess\nsubprocess.run(['cat'])\n"
    assert run_submission(submission(tmp_path, source), 1, batches(1, 1), name="a.zip").values.tolist() == [
        1,
        2,
    ]


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere it counts from the start of the process")
def test_memory_is_its_own_and_not_the_parents(tmp_path: Path) -> None:
    folder = submission(tmp_path, HEAD.format(answer="x.new_zeros(len(x), 1)"))
    before = run_submission(folder, 1, batches(1), name="a.zip").peak_bytes
    held = np.ones(10**8)
    after = run_submission(folder, 1, batches(1), name="a.zip").peak_bytes
    assert held.nbytes > after
    assert abs(after - before) < 0.2 * before


@pytest.mark.skipif(sys.platform != "linux", reason="limits of Linux")
def test_a_limit_of_this_machine_is_no_obstacle(tmp_path: Path) -> None:
    folder = submission(tmp_path, HEAD.format(answer="x.new_zeros(len(x), 1)"))
    program = (
        "import numpy as np, resource\n"
        "resource.setrlimit(resource.RLIMIT_AS, (12 * 2**30,) * 2)\n"
        "from pathlib import Path\n"
        "from sparseeg.submission.sandbox import run_submission\n"
        f"folder, x = Path({str(folder)!r}), np.zeros((1, 3, 4), np.float32)\n"
        "print(run_submission(folder, 1, [x], name='a.zip').values.tolist())\n"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[0.0]"


@pytest.mark.skipif(sys.platform != "linux", reason="signals of Linux")
def test_it_ends_where_its_limits_end(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    source = HEAD.format(answer="x.new_zeros(len(x), 1)") + (
        f"import os, time\nopen({str(mark)!r}, 'w').write(str(os.getpid()))\ntime.sleep(3600)\n"
    )
    program = (
        "import numpy as np\nfrom pathlib import Path\n"
        "from sparseeg.submission.sandbox import run_submission\n"
        f"folder, x = Path({str(submission(tmp_path, source))!r}), np.zeros((1, 3, 4), np.float32)\n"
        "run_submission(folder, 1, [x], name='a.zip')\n"
    )
    with subprocess.Popen([sys.executable, "-c", program]) as parent:
        wait_until(lambda: parent.poll() is not None or (mark.exists() and mark.read_text()))
        assert parent.poll() is None
        parent.terminate()
    wait_until(lambda: has_ended(int(mark.read_text())))


def test_it_works_in_an_empty_folder_of_its_own(tmp_path: Path) -> None:
    source = HEAD.format(answer="x.new_zeros(len(x), 1)") + (
        "import os, pathlib, tempfile\n"
        "assert os.listdir() == []\n"
        "assert str(pathlib.Path.home()) == tempfile.gettempdir() != '/root'\n"
        "open('left-behind', 'w')\n"
    )
    before = set(Path().iterdir())
    run_submission(submission(tmp_path, source), 1, batches(1), name="a.zip")
    assert set(Path().iterdir()) == before
