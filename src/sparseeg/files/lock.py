"""One writer at a time: two commands that fill one folder would mix up their files."""

import errno
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from sparseeg.errors import SparseEEGError
from sparseeg.files.atomic import unfinished_target

NAME = ".sparseeg.lock"
_NOT_SUPPORTED = (errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOLCK)  # by some cluster file systems


@contextmanager
def only_writer(folder: Path) -> Iterator[None]:
    """Hold a folder, made if it is missing, for this process until the end of the block.

    The system frees the folder when the process ends, however it ends. What killed processes left of files
    that they were writing is removed. On a file system without locks, a warning is all there is.
    Raises SparseEEGError where another process holds the folder, or where it is a file.
    """
    if folder.exists() and not folder.is_dir():
        raise SparseEEGError(f"{folder} is a file; --out takes a folder")
    folder.mkdir(parents=True, exist_ok=True)
    is_new = not (folder / NAME).exists()
    # Not one per thread: another thread may be the one that frees it.
    lock = FileLock(folder / NAME, timeout=0, thread_local=False)
    try:
        lock.acquire()
    except Timeout as error:
        raise SparseEEGError(
            f"another command is writing to {folder}: wait for it, end it, or choose another folder"
        ) from error
    except (OSError, NotImplementedError) as error:
        if isinstance(error, OSError) and error.errno not in _NOT_SUPPORTED:
            raise
        warnings.warn(
            f"{folder}: this file system has no locks; run one command at a time there", stacklevel=3
        )
    try:
        if lock.is_locked:
            _remove_unfinished(folder)
        yield
    except BaseException:
        if is_new:  # a command that is refused leaves a folder as it was
            with suppress(OSError):
                (folder / NAME).unlink()
        raise
    finally:
        lock.release()


def is_empty(folder: Path) -> bool:
    """Say whether a folder holds nothing but what a lock and killed processes leave."""
    return all(name == NAME or unfinished_target(name) for name in os.listdir(folder))


def _remove_unfinished(folder: Path) -> None:
    """Remove unfinished files in a folder and below it, except where another lock guards them."""
    for place, folders, names in os.walk(folder):
        if NAME in names and Path(place) != folder:
            folders.clear()
            continue
        for name in names:
            if unfinished_target(name):
                (Path(place) / name).unlink(missing_ok=True)
