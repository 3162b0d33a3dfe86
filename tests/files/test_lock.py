"""Two commands can't fill one folder; one that was killed leaves it free."""

import subprocess
import sys
from pathlib import Path

import pytest

from sparseeg.errors import SparseEEGError
from sparseeg.files.lock import only_writer

pytest.importorskip("fcntl")

HOLD = """
import sys
from pathlib import Path
from sparseeg.files.lock import only_writer
with only_writer(Path(sys.argv[1])):
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
        first.kill()
    with only_writer(folder):
        assert list(folder.iterdir()) == []


def test_an_error_inside_frees_it(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), only_writer(tmp_path):
        raise ZeroDivisionError
    with only_writer(tmp_path):
        pass


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SparseEEGError, match="is a file; --out takes"), only_writer(tmp_path / "file"):
        pass
