"""One writer at a time: two commands that fill one folder would mix up their files."""

import errno
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from sparseeg.errors import SparseEEGError
from sparseeg.files.atomic import remove_abandoned, unfinished_target

NAME = ".sparseeg.lock"
_NOT_SUPPORTED = (errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOLCK)  # by some cluster file systems


@contextmanager
def only_writer(folder: Path) -> Iterator[None]:
    """Hold a folder, made if it is missing, for this process until the end of the block.

    The system frees the folder when the process ends, however it ends. Unfinished files in the folder, not
    below it, are removed if their processes have ended. The lock file stays, unless the block raises an error
    and the file is new; the folder stays in any case. On a file system without locks, the only protection is
    a warning.

    Raises SparseEEGError if another process, or another block of this one, holds the folder, or if it is a
    file.
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
        remove_abandoned(folder)
        yield
    except BaseException:
        if is_new:  # what fails should not leave a file in a folder of somebody else
            with suppress(OSError):
                (folder / NAME).unlink()
        raise
    finally:
        lock.release()


def is_empty(folder: Path) -> bool:
    """Say whether a folder holds nothing but what a lock and killed processes leave."""
    return all(name == NAME or unfinished_target(name) for name in os.listdir(folder))
