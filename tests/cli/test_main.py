"""The command as a whole: its commands, and how quickly it starts."""

import subprocess
import sys

from sparseeg.cli import COMMANDS


def test_help_of_the_root_lists_every_command(sparseeg) -> None:
    _, text = sparseeg("--help")
    names = {command.__name__ for commands in COMMANDS.values() for command in commands}
    assert len(names) == 14
    assert all(name in text for name in {*names, "bench"})
    assert all(group in text for group in COMMANDS)


def test_start_is_quick_because_torch_is_imported_late() -> None:
    code = "import sys, sparseeg.cli; sys.exit('torch' in sys.modules or 'mne' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
