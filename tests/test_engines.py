"""Work in parallel: each process has its share of the machine, and what ends one ends all."""

import os
import signal
import subprocess
import sys
import threading
import time
from functools import partial
from pathlib import Path

import joblib
import pytest

from helpers.patience import SAFETY_NET, wait_until
from helpers.processes import has_ended
from sparseeg.engines import in_any_order, read_each
from sparseeg.errors import SparseEEGError
from sparseeg.training.memory import keep_freed_memory

posix = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")


def threads_and_memory(_: int) -> tuple[int, str | None]:
    import torch

    return torch.get_num_threads(), os.environ.get("THP_MEM_ALLOC_ENABLE")


def wait_for_the_end(folder: Path, number: int) -> None:
    (folder / str(os.getpid())).touch()
    time.sleep(2 * SAFETY_NET)


def end(with_signal: int, number: int) -> int:
    if number == 1:
        os.kill(os.getpid(), with_signal)
    return number


@pytest.fixture
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "THP_MEM_ALLOC_ENABLE"):
        monkeypatch.delenv(name, raising=False)


def test_processes_share_the_processors_and_are_set_up_before_torch(no_settings: None) -> None:
    found = set(in_any_order(threads_and_memory, range(2), 2, start=keep_freed_memory))
    assert found == {(max(1, joblib.cpu_count() // 2), "1")}


def test_one_job_is_done_here_and_in_order() -> None:
    assert list(in_any_order(lambda number: (number, os.getpid()), range(3), 1, start=keep_freed_memory)) == [
        (number, os.getpid()) for number in range(3)
    ]


@posix
def test_a_process_that_is_killed_is_one_line() -> None:
    with pytest.raises(SparseEEGError, match="a worker process was killed, probably because"):
        list(in_any_order(partial(end, signal.SIGKILL), range(4), 2))
    with pytest.raises(SparseEEGError, match="a worker process was killed, probably because"):
        read_each(partial(end, signal.SIGKILL), range(4), 2, None)


@posix
def test_an_interrupted_process_interrupts_all() -> None:
    with pytest.raises(KeyboardInterrupt):
        list(in_any_order(partial(end, signal.SIGINT), range(4), 2))


@posix
def test_ctrl_c_ends_all_processes_at_once(tmp_path: Path) -> None:
    def interrupt() -> None:
        wait_until(lambda: len(list(tmp_path.iterdir())) == 2)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt, daemon=True)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        list(in_any_order(partial(wait_for_the_end, tmp_path), range(8), 2))
    processes = [int(path.name) for path in tmp_path.iterdir()]
    assert len(processes) == 2
    wait_until(lambda: all(map(has_ended, processes)))


STARTING = """
import os, pathlib, sys, time
if any("popen_loky" in word for word in sys.orig_argv):  # a worker process that is still being started
    (pathlib.Path(os.environ["FOLDER"]) / f"started-{os.getpid()}").touch()
    while True:
        time.sleep(0.01)
"""
MAIN = """
import os
from sparseeg.engines import in_any_order, read_each
try:
    if os.environ["WHICH"] == "any":
        list(in_any_order(abs, range(4), 2))
    else:
        read_each(abs, range(4), 2, None)
except KeyboardInterrupt:
    print("interrupted")
"""


@posix
@pytest.mark.parametrize("which", ["any", "each"])
def test_ctrl_c_while_processes_start_prints_no_traceback(tmp_path: Path, which: str) -> None:
    (tmp_path / "sitecustomize.py").write_text(STARTING)
    paths = os.pathsep.join([str(tmp_path), *filter(None, sys.path)])
    process = subprocess.Popen(
        [sys.executable, "-c", MAIN],
        env={**os.environ, "PYTHONPATH": paths, "FOLDER": str(tmp_path), "WHICH": which},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    wait_until(lambda: len(list(tmp_path.glob("started-*"))) == 2)
    os.killpg(process.pid, signal.SIGINT)
    said, errors = process.communicate()
    assert said == "interrupted\n"
    assert "Traceback" not in errors, errors
