"""A view of a signal with its channels chosen, interpolated and re-referenced when it is read."""

import numpy as np

from sparseeg.data.signals.fit_channels import ChannelFit
from sparseeg.data.signals.signal_file import SignalFile


class RemixedSignal:
    """A view of a signal (time, channel); nothing is copied until a slice is read.

    Parameters
    ----------
    signal : array or file.
    fit : how the channels of the view are made of those of the signal.
    reference : channels whose mean is subtracted from all channels; None for none.
    """

    ndim = 2

    def __init__(
        self,
        signal: "np.ndarray | SignalFile | RemixedSignal",
        fit: ChannelFit,
        reference: ChannelFit | None = None,
    ) -> None:
        self.signal = signal
        self.fit = fit
        self.reference = reference
        self.shape = (len(signal), len(fit.ch_names))
        self.dtype = np.dtype(np.float32)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, part: slice) -> np.ndarray:
        """Return the samples of a slice, (time, channel), float32."""
        samples = np.asarray(self.signal[part], dtype=np.float32)
        chosen = self.fit.apply(samples.T).T
        if self.reference is not None:
            mean = self.reference.apply(samples.T).T.mean(axis=1, keepdims=True, dtype=np.float64)
            chosen = (chosen - mean).astype(np.float32)
        return chosen

    def __array__(self, dtype: np.dtype | None = None, copy: bool | None = None) -> np.ndarray:
        whole = self[:]
        return whole if dtype is None else whole.astype(dtype)
