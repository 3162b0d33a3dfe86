"""Two commands can't fill one folder; one that was killed leaves it free, and nothing of its own behind."""

import errno
import os
import platform
import subprocess
import sys
import threading
from contextlib import ExitStack
from pathlib import Path

import pytest

from sparseeg.errors import SparseEEGError
from sparseeg.files import lock
from sparseeg.files.atomic import whole_file
from sparseeg.files.lock import is_empty, only_writer

HOLD = """
import sys
from pathlib import Path
from sparseeg.files.atomic import whole_file
from sparseeg.files.lock import only_writer
with only_writer(Path(sys.argv[1])), whole_file(Path(sys.argv[1]) / "table.tsv") as unfinished:
    unfinished.write_text("half")
    print("held", flush=True)
    sys.stdin.read()
"""


def test_the_second_is_refused_until_the_first_ends(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "run"
    command = [sys.executable, "-c", HOLD, str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == "held\n"
        with (
            pytest.raises(SparseEEGError, match=f"another command is writing to {folder}"),
            only_writer(folder),
        ):
            pass
        assert len(list(folder.iterdir())) == 2
        first.kill()
    assert is_empty(folder)
    with only_writer(folder):
        assert [path.name for path in folder.iterdir()] == [lock.NAME]
    assert is_empty(folder)


def test_an_error_inside_frees_it(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), only_writer(tmp_path):
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []
    with only_writer(tmp_path):
        pass


def test_another_thread_may_free_it(tmp_path: Path) -> None:
    held = ExitStack()
    held.enter_context(only_writer(tmp_path))
    thread = threading.Thread(target=held.close)
    thread.start()
    thread.join()
    with only_writer(tmp_path):
        pass


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SparseEEGError, match="is a file; --out takes"), only_writer(tmp_path / "file"):
        pass


def unfinished_of(process: str) -> str:
    return f".table.tsv.{process}0123456789ab.partial"


def test_only_what_nobody_writes_any_more_is_removed_and_only_in_the_folder(tmp_path: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    here = platform.node()
    old, new = tmp_path / ".x.npy.0123456789ab.partial", tmp_path / ".y.npy.0123456789ab.partial"
    dead = tmp_path / unfinished_of(f"{ended.pid}@{here}.")
    fetched = "data.bdf.0123456789abcdef0123456789abcdef.partial"
    others = [
        *(tmp_path / name for name in ("table.tsv.partial", ".mine.partial", fetched)),
        tmp_path / unfinished_of(f"{os.getpid()}@{here}."),
        tmp_path / unfinished_of(f"{ended.pid}@another-host."),
        tmp_path / "below" / dead.name,
    ]
    for path in (old, new, dead, *others):
        path.parent.mkdir(exist_ok=True)
        path.touch()
    os.utime(old, (0, 0))
    with only_writer(tmp_path):
        assert not old.exists()
        assert not dead.exists()
        assert all(path.exists() for path in (new, *others))


def test_a_file_that_is_being_written_outside_a_lock_stays(tmp_path: Path) -> None:
    """As `export` writes RUN/model.onnx for a run that `evaluate` holds."""
    with whole_file(tmp_path / "model.onnx") as unfinished:
        unfinished.write_text("half")
        with only_writer(tmp_path):
            pass
        with whole_file(tmp_path / "model.onnx") as other:
            other.write_text("other")
    assert (tmp_path / "model.onnx").read_text() == "half"


def test_a_file_system_without_locks_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unable(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(lock.FileLock, "acquire", unable)
    with whole_file(tmp_path / "other.txt") as unfinished:
        unfinished.touch()
        with (
            pytest.warns(UserWarning, match="has no locks; run one command"),
            only_writer(tmp_path),
        ):
            assert unfinished.exists()
