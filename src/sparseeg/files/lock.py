"""One writer at a time: two commands that fill one folder would mix up their checkpoints."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sparseeg.errors import SparseEEGError


@contextmanager
def only_writer(folder: Path) -> Iterator[None]:
    """Hold a folder, made if it is missing, for this process until the end of the block.

    It is free again when the process ends, however it ends. Systems and file systems without `flock` go
    unguarded. Raises SparseEEGError where another process holds the folder, or where it is a file.
    """
    if folder.exists() and not folder.is_dir():
        raise SparseEEGError(f"{folder} is a file; --out takes a folder")
    folder.mkdir(parents=True, exist_ok=True)
    try:
        import fcntl
    except ImportError:  # Windows
        yield
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno == errno.EWOULDBLOCK:
                raise SparseEEGError(
                    f"another command is writing to {folder}: wait for it, end it, or choose another --out"
                ) from error
        yield
    finally:
        os.close(handle)
