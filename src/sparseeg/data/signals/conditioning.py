"""Conditioning of a signal in volts: filter, resample, re-reference, convert to microvolts."""

from collections.abc import Callable, Sequence
from itertools import pairwise

import mne
import numpy as np
from scipy.signal import oaconvolve

from sparseeg.data.provenance import Processing
from sparseeg.data.signals.resample import rate_ratio, resample
from sparseeg.errors import SparseEEGError, nearest

AVERAGE = "average"

ReadFunction = Callable[[int, int], np.ndarray]
"""(first, last) -> the samples from `first` to before `last`, (channel, time) in volts."""


class Conditioning:
    """The steps of a `Processing`, for signals of one recording.

    Parameters
    ----------
    sfreq : rate of the recording in Hz.
    ch_names : channels of the signals, in their order.
    processing : the steps; `channels` is not used.

    Raises
    ------
    SparseEEGError : a rate that can't be resampled, a filter edge that doesn't fit the rate, or a reference
        channel that is missing.
    """

    def __init__(self, sfreq: float, ch_names: Sequence[str], processing: Processing) -> None:
        self.sfreq = sfreq
        self.processing = processing
        self.ratio = rate_ratio(sfreq, processing.sfreq)
        self.kernel = filter_kernel(sfreq, processing.low_cut, processing.high_cut)
        self.reference = reference_rows(ch_names, processing.reference)

    def n_samples(self, n_times: int) -> int:
        """Return how many samples `n_times` samples of the recording become."""
        return -(-n_times * self.ratio.numerator // self.ratio.denominator)

    def whole(self, volts: np.ndarray, cuts: Sequence[int] = ()) -> np.ndarray:
        """Return a signal (channel, time) in microvolts at the new rate; `cuts` as in `block`."""
        n_times = volts.shape[1]
        return self.block(lambda first, last: volts[:, first:last], n_times, 0, self.n_samples(n_times), cuts)

    def block(
        self, read: ReadFunction, n_times: int, first: int, last: int, cuts: Sequence[int] = ()
    ) -> np.ndarray:
        """Return a part of a conditioned recording, (channel, time) in microvolts.

        Each block equals the same samples of the whole signal to rounding: what filter and resampling need
        around it is read as well.

        Parameters
        ----------
        read : reads samples of the recording.
        n_times : samples in the recording.
        first, last : the part, in samples at the new rate.
        cuts : first samples of the recording after cuts, in order. Each side of a cut is filtered and
            resampled on its own, mirrored at the cut as at the ends of the recording.
        """
        volts = self._in_pieces(read, n_times, first, last, cuts)
        if self.reference is not None:
            volts = volts - volts[self.reference].mean(axis=0)
        with np.errstate(over="ignore"):  # too large for the dtype becomes infinite, which callers look for
            return (volts * 1e6).astype(self.processing.dtype)

    def _in_pieces(
        self, read: ReadFunction, n_times: int, first: int, last: int, cuts: Sequence[int]
    ) -> np.ndarray:
        parts = []
        for piece in pairwise((0, *map(int, cuts), n_times)):
            begin, end = max(first, self.n_samples(piece[0])), min(last, self.n_samples(piece[1]))
            if begin < end:
                parts.append(self._resampled(read, piece, begin, end))
        return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)

    def _resampled(self, read: ReadFunction, piece: tuple[int, int], first: int, last: int) -> np.ndarray:
        if self.ratio == 1:
            return self._filtered(read, piece, first, last)
        up, down = self.ratio.numerator, self.ratio.denominator
        # scipy's filter reaches 10 max(up, down) upsampled samples to either side
        reach = -(-10 * max(up, down) // up) + 2
        begin = first * down // up - reach
        if (
            piece[0] % down == 0
        ):  # scipy mirrors there; elsewhere no new sample lies at the start of the piece
            begin = max(piece[0], begin)
        begin = begin // down * down
        end = min(piece[1], -(-last * down // up) + reach)
        result = resample(self._filtered(read, piece, begin, end), self.sfreq, self.processing.sfreq)
        offset = begin // down * up
        return result[:, first - offset : last - offset]

    def _filtered(self, read: ReadFunction, piece: tuple[int, int], first: int, last: int) -> np.ndarray:
        if self.kernel is None:
            return _mirrored(read, piece, first, last)
        reach = len(self.kernel) // 2
        padded = _mirrored(read, piece, first - reach, last + reach)
        return oaconvolve(padded, self.kernel[None], mode="valid", axes=1)


def _mirrored(read: ReadFunction, piece: tuple[int, int], first: int, last: int) -> np.ndarray:
    """Return samples that may lie outside of a piece, which is mirrored at its ends."""
    begin, end = max(piece[0], first), min(piece[1], last)
    volts = read(begin, end)
    if (begin, end) == (first, last):
        return volts
    return np.pad(volts, ((0, 0), (begin - first, last - end)), mode="reflect")


def filter_kernel(sfreq: float, low: float | None, high: float | None) -> np.ndarray | None:
    """Return a zero-phase FIR filter (MNE's design), or None without edges.

    Parameters
    ----------
    sfreq : sampling rate in Hz.
    low, high : edges in Hz; None leaves that side unfiltered.

    Raises
    ------
    SparseEEGError : an edge is not between 0 and half the sampling rate, or `low` is not below `high`.
    """
    if low is None and high is None:
        return None
    for edge in (low, high):
        if edge is not None and not 0 < edge < sfreq / 2:
            raise SparseEEGError(
                f"a filter edge of {edge:g} Hz doesn't fit a signal sampled at {sfreq:g} Hz; "
                f"it must lie between 0 and {sfreq / 2:g} Hz"
            )
    if low is not None and high is not None and low >= high:
        # MNE would design a band-stop filter.
        raise SparseEEGError(
            f"the high-pass edge of {low:g} Hz must be below the low-pass edge of {high:g} Hz; swap "
            "--low-cut and --high-cut"
        )
    return mne.filter.create_filter(None, sfreq, low, high, verbose="error")


def reference_rows(ch_names: Sequence[str], names: tuple[str, ...] | None) -> list[int] | None:
    """Return the rows of the reference channels, whose mean is subtracted; None without a reference.

    Parameters
    ----------
    ch_names : channels of the signal, in their order.
    names : `("average",)` for all channels, or names of channels.

    Raises
    ------
    SparseEEGError : a reference channel is not among `ch_names`.
    """
    if names is None:
        return None
    if names == (AVERAGE,):
        return list(range(len(ch_names)))
    for name in names:
        if name not in ch_names:
            raise SparseEEGError(f"there is no reference channel {name!r}.{nearest(name, ch_names)}")
    return [list(ch_names).index(name) for name in names]
