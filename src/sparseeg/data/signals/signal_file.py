"""A signal in a .npy file that is read slice by slice and never held in memory."""

import hashlib
import os
from pathlib import Path
from typing import BinaryIO

import numpy as np

from sparseeg.errors import SparseEEGError

_BLOCKS, _BLOCK = 16, 4096  # and bytes of each


class SignalFile:
    """A signal (time, channel) in a .npy file, read slice by slice on demand.

    The file is not kept open, so that a store can have any number of recordings. It is not memory-mapped
    either: pages read through a map would count as resident memory of the process.

    Raises
    ------
    ValueError : the file is not a .npy file of a signal, or is shorter or longer than its header says.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with path.open("rb") as file:
            if np.lib.format.read_magic(file) != (1, 0):
                raise ValueError(f"{path}: not a .npy file of version 1.0")
            self.shape, in_columns, self.dtype = np.lib.format.read_array_header_1_0(file)
            self._offset = file.tell()
            found = file.seek(0, 2) - self._offset
            self._state = _state(file)
        if in_columns or self.ndim != 2 or self.dtype.kind != "f":
            raise ValueError(f"{path}: not a signal (time, channel) of floating-point numbers")
        self._row = self.shape[1] * self.dtype.itemsize
        if found != len(self) * self._row:
            raise ValueError(f"{path}: {found} bytes of signal instead of {len(self) * self._row}")

    @property
    def ndim(self) -> int:
        """Number of dimensions, 2."""
        return len(self.shape)

    def __len__(self) -> int:
        return self.shape[0]

    def read(self, start: int, out: np.ndarray) -> np.ndarray:
        """Fill an array with the samples from `start` on, and return it.

        Parameters
        ----------
        start : first sample.
        out : (time, channel), contiguous and of the signal's dtype.

        Raises
        ------
        SparseEEGError : the file was removed, changed or replaced after it was opened.
        """
        try:
            with open(self.path, "rb", buffering=0) as file:
                file.seek(self._offset + start * self._row)
                whole = file.readinto(out.data) == out.nbytes and _state(file) == self._state
        except FileNotFoundError:
            whole = False
        if not whole:
            raise SparseEEGError(
                f"{self.path} was changed or removed while it was in use; prepare the store again"
            )
        return out

    def checksum(self) -> str:
        """Return a hash of some blocks from all over the file, which tells it from another signal's file.

        It is quick for files of any length, and may miss damage between these blocks.
        """
        found = hashlib.blake2b(digest_size=16)
        with self.path.open("rb") as file:
            last = max(0, file.seek(0, 2) - _BLOCK)
            for number in range(_BLOCKS):
                file.seek(last * number // (_BLOCKS - 1))
                found.update(file.read(_BLOCK))
        return found.hexdigest()

    def __getitem__(self, part: slice) -> np.ndarray:
        """Return the samples of a slice, (time, channel)."""
        start, stop, _ = part.indices(len(self))
        return self.read(start, np.empty((max(0, stop - start), self.shape[1]), dtype=self.dtype))

    def __array__(self, dtype: np.dtype | None = None, copy: bool | None = None) -> np.ndarray:
        whole = self[:]
        return whole if dtype is None else whole.astype(dtype)


def _state(file: BinaryIO) -> tuple[int, int]:
    """Return what changes when a file is written to or another one takes its name."""
    found = os.fstat(file.fileno())
    return found.st_ino, found.st_mtime_ns
