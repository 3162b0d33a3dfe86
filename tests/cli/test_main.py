"""The command as a whole: its commands, and how quickly it starts."""

import errno
import os
import subprocess
import sys

import pytest

from sparseeg.cli import COMMANDS


def test_help_of_the_root_lists_every_command(sparseeg) -> None:
    _, text = sparseeg("--help")
    names = {command.__name__ for commands in COMMANDS.values() for command in commands}
    assert len(names) == 14
    assert all(name in text for name in {*names, "bench"})
    assert all(group in text for group in COMMANDS)


def test_start_is_quick_because_torch_is_imported_late() -> None:
    code = "import sys, sparseeg.cli; sys.exit(bool({'torch', 'mne', 'numpy'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.EACCES, "error: a.bdf can't be read or written: Permission denied; check its permissions"),
        (
            errno.EPERM,
            "error: a.bdf can't be read or written: Operation not permitted; check its permissions",
        ),
        (errno.ENOTDIR, "error: a.bdf can't be read or written: a part of its path is a file"),
        (errno.ENOSPC, "error: can't write (a.bdf): No space left on device; finished files are kept; free"),
    ],
)
def test_a_file_that_cannot_be_read_is_not_a_full_disk(
    number: int, words: str, sparseeg, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise OSError(number, os.strerror(number), "a.bdf")

    monkeypatch.setattr("sparseeg.report.score_table.read_metrics", fails)
    code, text = sparseeg("report", "run")
    assert code == 1
    assert text.startswith(words)
