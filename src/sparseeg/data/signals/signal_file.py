"""A signal in a .npy file that is read stretch by stretch: nothing of it stays in memory."""

from pathlib import Path

import numpy as np

from sparseeg.errors import SparseEEGError


class SignalFile:
    """A signal (time, channel) in a .npy file, of which stretches are read when they are wanted.

    It holds no file open, so that a store may have any number of recordings, and no pages: all that is read
    through a memory map counts as resident memory of the process from then on.

    Raises
    ------
    ValueError : no .npy file of a signal, or one that is shorter or longer than its header says.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with path.open("rb") as file:
            if np.lib.format.read_magic(file) != (1, 0):
                raise ValueError(f"{path}: not a .npy file of version 1.0")
            self.shape, in_columns, self.dtype = np.lib.format.read_array_header_1_0(file)
            self._offset = file.tell()
            found = file.seek(0, 2) - self._offset
        if in_columns or self.ndim != 2 or self.dtype.kind != "f":
            raise ValueError(f"{path}: not a signal (time, channel)")
        self._row = self.shape[1] * self.dtype.itemsize
        if found != len(self) * self._row:
            raise ValueError(f"{path}: {found} bytes of signal instead of {len(self) * self._row}")

    @property
    def ndim(self) -> int:
        return len(self.shape)

    def __len__(self) -> int:
        return self.shape[0]

    def read(self, start: int, stretch: np.ndarray) -> np.ndarray:
        """Fill `stretch` (time, channel), contiguous and of the signal's dtype, from sample `start` on.

        Raises
        ------
        SparseEEGError : the file is gone, or shorter than it was.
        """
        try:
            with open(self.path, "rb", buffering=0) as file:
                file.seek(self._offset + start * self._row)
                found = file.readinto(stretch.data)
        except FileNotFoundError:
            found = 0
        if found != stretch.nbytes:
            raise SparseEEGError(f"{self.path} is not what it was; prepare the store again")
        return stretch

    def __getitem__(self, stretch: slice) -> np.ndarray:
        """Return the samples of a slice, (time, channel)."""
        start, stop, _ = stretch.indices(len(self))
        return self.read(start, np.empty((max(0, stop - start), self.shape[1]), dtype=self.dtype))

    def __array__(self, dtype: np.dtype | None = None, copy: bool | None = None) -> np.ndarray:
        whole = np.fromfile(self.path, self.dtype, offset=self._offset).reshape(self.shape)
        return whole if dtype is None else whole.astype(dtype)
