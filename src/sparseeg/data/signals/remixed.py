"""A view of a signal with its channels selected, reordered and re-referenced when it is read."""

from collections.abc import Sequence

import numpy as np

from sparseeg.data.signals.signal_file import SignalFile


class RemixedSignal:
    """A view of a signal (time, channel); nothing is copied until a slice is read.

    Parameters
    ----------
    signal : array or file.
    columns : column of the signal for each channel of the view.
    reference : columns of the signal whose mean is subtracted from all channels; None for none.
    """

    ndim = 2

    def __init__(
        self,
        signal: "np.ndarray | SignalFile | RemixedSignal",
        columns: Sequence[int],
        reference: Sequence[int] | None = None,
    ) -> None:
        self.signal = signal
        self.columns = list(columns)
        self.reference = None if reference is None else list(reference)
        self.shape = (len(signal), len(self.columns))
        self.dtype = np.dtype(np.float32)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, part: slice) -> np.ndarray:
        """Return the samples of a slice, (time, channel), float32."""
        samples = np.asarray(self.signal[part], dtype=np.float32)
        chosen = samples[:, self.columns]
        if self.reference is not None:
            mean = samples[:, self.reference].mean(axis=1, keepdims=True, dtype=np.float64)
            chosen = (chosen - mean).astype(np.float32)
        return chosen

    def __array__(self, dtype: np.dtype | None = None, copy: bool | None = None) -> np.ndarray:
        whole = self[:]
        return whole if dtype is None else whole.astype(dtype)
