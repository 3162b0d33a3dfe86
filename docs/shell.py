"""Commands in tutorials: each tutorial has a folder of its own, and shows what a user sees."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(os.environ.get("SPARSEEG_TUTORIALS", Path(__file__).parent / "_build" / "tutorials"))
_folder = ROOT


def new_folder(name: str) -> Path:
    """Return an empty folder, in which the commands that follow run."""
    global _folder
    _folder = ROOT / name
    shutil.rmtree(_folder, ignore_errors=True)
    _folder.mkdir(parents=True)
    return _folder


def shell(command: str, *, last: int | None = None) -> None:
    """Run a command of sparseeg in the folder of the tutorial, and print what a user sees.

    Parameters
    ----------
    command : as typed in a shell.
    last : number of lines to show; all by default.

    Raises
    ------
    RuntimeError : the command failed.
    """
    words = command.replace("sparseeg ", f"{sys.executable} -m sparseeg ", 1)
    environment = {**os.environ, "COLUMNS": "100", "NO_COLOR": "1", "PYTHONWARNINGS": "ignore"}
    done = subprocess.run(
        words,
        shell=True,
        cwd=_folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    lines = done.stdout.replace(f"{_folder}/", "").splitlines()
    if done.returncode:
        raise RuntimeError("\n".join([f"{command} ended with {done.returncode}", *lines]))
    print("\n".join(lines[-last:] if last else lines))
