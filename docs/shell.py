"""Commands in tutorials: each tutorial has a folder of its own, and shows what a user sees."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(os.environ.get("SPARSEEG_TUTORIALS", Path(__file__).parent / "_build" / "tutorials"))


def new_folder(name: str) -> Path:
    """Return an empty folder, which is the current one of this process from now on."""
    folder = ROOT / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    os.chdir(folder)
    return folder


def shell(command: str, *, last: int | None = None) -> None:
    """Run a command of sparseeg in the current folder, and print what a user sees.

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
        words, shell=True, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    lines = done.stdout.replace(f"{Path.cwd()}/", "").splitlines()
    if done.returncode:
        raise RuntimeError("\n".join([f"{command} ended with {done.returncode}", *lines]))
    print("\n".join(lines[-last:] if last else lines))
