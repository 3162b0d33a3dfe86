"""One object into one file: resumed where it was cut, verified, and renamed into place when it is whole."""

import hashlib
import os
import re
import stat
from collections.abc import Callable
from contextlib import closing
from glob import escape
from pathlib import Path
from threading import Event

from .bucket import Bucket, ChangedError, Remote
from .retry import BrokenError, Patience, RefusedError, StoppedError, persist

UNFINISHED = ".partial"
_MD5 = re.compile(r"[0-9a-f]{32}(-[0-9]+)?")
_PIECE = 1 << 20


def partial_of(target: Path, remote: Remote) -> Path:
    """Return the unfinished file of an object; the ETag is part of the name, so that versions do not mix."""
    return target.with_name(f"{target.name}.{remote.etag}{UNFINISHED}")


def size_of(path: Path) -> int | None:
    """Return the size of a file, None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_size if stat.S_ISREG(found.st_mode) else None


def bytes_there(target: Path, remote: Remote) -> int:
    """Return how many bytes are there already: all, as it seems, or those of an earlier try."""
    if size_of(target) == remote.size:
        return remote.size
    return min(size_of(partial_of(target, remote)) or 0, remote.size)


def etag_of(path: Path, part_size: int | None = None) -> str:
    """Return the ETag that S3 gives to the content of a file, uploaded whole or in parts of this size."""
    digests: list[hashlib._Hash] = []
    with path.open("rb") as file:
        while not digests or file.peek(1):
            digest, left = hashlib.md5(usedforsecurity=False), part_size
            while piece := file.read(_PIECE if left is None else min(_PIECE, left)):
                digest.update(piece)
                left = None if left is None else left - len(piece)
            digests.append(digest)
    if part_size is None:
        return digests[0].hexdigest()
    whole = hashlib.md5(b"".join(digest.digest() for digest in digests), usedforsecurity=False)
    return f"{whole.hexdigest()}-{len(digests)}"


class Download:
    """One object on its way to `target`.

    Parameters
    ----------
    moved : called with the change in bytes that are there, and the change in bytes to be there.
    stop : once set, the download leaves its partial file and raises `StoppedError`.
    """

    def __init__(
        self, bucket: Bucket, remote: Remote, target: Path, moved: Callable[[int, int], None], stop: Event
    ) -> None:
        self.bucket, self.remote, self.target = bucket, remote, target
        self._moved, self._stop = moved, stop
        self._there = bytes_there(target, remote)
        self._unchecked = size_of(target) == remote.size

    def run(self, patience: Patience) -> Remote:
        """Put the object in place, and return the version that is there then.

        Raises
        ------
        RefusedError : it can't be had; the message says why.
        StoppedError : `stop` was set.
        OSError : the disk doesn't take it.
        """
        return persist(self._attempt, patience, self._stop, self._position)

    def _attempt(self) -> Remote:
        if self._stop.is_set():
            raise StoppedError
        if not _MD5.fullmatch(self.remote.etag):
            raise RefusedError(f"the server gives no checksum of it (ETag {self.remote.etag!r})")
        try:
            if self._unchecked and self._is_whole(self.target):
                return self.remote
            self._unchecked = False
            partial = partial_of(self.target, self.remote)
            self._append(partial)
            if not self._is_whole(partial):
                partial.unlink()
                self._count(0)
                raise BrokenError("its checksum is not the server's")
            partial.replace(self.target)
            return self.remote
        except ChangedError:
            self._begin_anew(self.bucket.current(self.remote))
            raise

    def _position(self) -> int:
        return size_of(partial_of(self.target, self.remote)) or 0

    def _append(self, partial: Path) -> None:
        """Fetch what is missing at the end of the partial file, and have it on the disk."""
        self.target.parent.mkdir(parents=True, exist_ok=True)
        self._remove_other_partials(partial)
        if self._position() > self.remote.size:
            partial.unlink()
        with partial.open("ab") as file:
            self._count(file.tell())
            with closing(self.bucket.pieces(self.remote, self._there)) as pieces:
                for piece in pieces if self._there < self.remote.size else ():
                    file.write(piece)
                    self._count(self._there + len(piece))
                    if self._stop.is_set():
                        raise StoppedError
            file.flush()
            os.fsync(file.fileno())

    def _remove_other_partials(self, own: Path) -> None:
        """Remove what was begun of other versions of this file, but not of `NAME.md` beside `NAME`."""
        for path in self.target.parent.glob(f"{escape(self.target.name)}.*{UNFINISHED}"):
            etag = path.name.removeprefix(f"{self.target.name}.").removesuffix(UNFINISHED)
            if path != own and _MD5.fullmatch(etag):
                path.unlink()

    def _is_whole(self, path: Path) -> bool:
        part_size = self.bucket.part_size(self.remote) if "-" in self.remote.etag else None
        return size_of(path) == self.remote.size and etag_of(path, part_size) == self.remote.etag

    def _count(self, there: int) -> None:
        self._moved(there - self._there, 0)
        self._there = there

    def _begin_anew(self, remote: Remote) -> None:
        self._count(0)
        self._moved(0, remote.size - self.remote.size)
        self.remote = remote
