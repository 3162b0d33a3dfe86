"""Leave nothing of a command that failed before it had anything to keep."""

import os
import shutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sparseeg.files.atomic import unfinished_target
from sparseeg.files.lock import NAME, only_writer


@contextmanager
def undone_on_failure(folder: Path, start: Collection[str] = ()) -> Iterator[None]:
    """Hold a folder as `only_writer` does; if the block fails before it has a result, undo what it made.

    Files of results, and what was there before, always stay. Ctrl-C undoes nothing: the same command goes on.

    Parameters
    ----------
    folder : the folder, made if it is missing.
    start : names of files that are written to it before there is any result.
    """
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    before = set() if missing else set(os.listdir(folder))
    try:
        with only_writer(folder):
            try:
                yield
            except Exception:
                _undo(folder, before, start)
                raise
    except Exception:
        for path in missing:
            if path.is_dir() and not os.listdir(path):
                path.rmdir()
        raise


def _undo(folder: Path, before: set[str], start: Collection[str]) -> None:
    """Remove what is new in a folder, if none of it is a result."""
    new = [path for path in folder.iterdir() if path.name not in {*before, NAME}]
    files = [path for path in new if not path.is_dir()]
    folders = [path for path in new if path.is_dir()]
    if any(path.name not in start and not unfinished_target(path.name) for path in files):
        return
    if any(found for path in folders for _, _, found in os.walk(path)):
        return
    with suppress(OSError):  # the error of the block counts
        for path in files:
            path.unlink()
        for path in folders:
            shutil.rmtree(path)
