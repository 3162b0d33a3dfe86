"""One continuous recording, read block by block: filtered, resampled, re-referenced, in microvolts."""

from typing import Any

import mne
import numpy as np
from scipy.signal import oaconvolve

from sparseeg.data.bids.layout import BidsFile
from sparseeg.data.problems import Problem
from sparseeg.data.provenance import Processing
from sparseeg.data.signals.raw import open_raw
from sparseeg.data.signals.resample import rate_ratio, resample
from sparseeg.errors import SparseEEGError, nearest
from sparseeg.files.tsv import read_tsv

# BIDS channel types that are EEG; the reference electrode of HBN (Cz) belongs to its 129 channels
EEG_TYPES = ("EEG", "REF")
AVERAGE = "average"
_BLOCK = 4_000_000  # values read at once, 32 MB


class Continuous:
    """The EEG channels of one file at the wanted rate.

    Raises
    ------
    SparseEEGError : a link to nothing, a reference that isn't there, a filter that doesn't fit the rate.
    Exception : whatever the reader raises for a damaged file.
    """

    def __init__(self, file: BidsFile, processing: Processing, problems: list[Problem]) -> None:
        if not file.path.exists():
            raise SparseEEGError("it is a link to a file that is not there; fetch the content first")
        self._raw = open_raw(file.path)
        wanted = _eeg_channels(self._raw, file)
        if wanted != self._raw.ch_names:  # choosing all of them takes a tenth of the time of reading them
            self._raw.pick(wanted, exclude=())
        if processing.channels is not None and sorted(processing.channels) == sorted(self._raw.ch_names):
            self._raw.reorder_channels(list(processing.channels))
        self._processing = processing
        self._own_rate = float(self._raw.info["sfreq"])
        self._ratio = rate_ratio(self._own_rate, processing.sfreq)
        self.ch_names: tuple[str, ...] = tuple(self._raw.ch_names)
        self.n_samples = -(-self._raw.n_times * self._ratio.numerator // self._ratio.denominator)
        self._kernel = filter_kernel(self._own_rate, processing.low_cut, processing.high_cut)
        self._reference = reference_rows(self.ch_names, processing.reference)
        if self._ratio != 1:
            reason = f"sampled at {self._own_rate:g} Hz instead of {processing.sfreq:g} Hz"
            problems.append(Problem(file.path, reason, f"resampled to {processing.sfreq:g} Hz", "nothing"))

    @property
    def block(self) -> int:
        """Samples that are best read at once: enough to be quick, few enough for little memory."""
        return max(1, int(_BLOCK / len(self.ch_names) * min(1.0, float(self._ratio))))

    def microvolts(self, first: int, last: int) -> np.ndarray:
        """Return the samples from `first` to before `last`, (time, channel); the same in any blocks."""
        volts = self._resampled(first, last)
        if self._reference is not None:
            volts = volts - volts[self._reference].mean(axis=0)
        with np.errstate(over="ignore"):  # beyond float16 is infinite, and found as such
            return (volts * 1e6).astype(self._processing.dtype).T

    def _resampled(self, first: int, last: int) -> np.ndarray:
        if self._ratio == 1:
            return self._filtered(first, last)
        up, down = self._ratio.numerator, self._ratio.denominator
        # scipy's filter reaches 10 max(up, down) upsampled samples to either side
        reach = -(-10 * max(up, down) // up) + 2
        begin = max(0, first * down // up - reach) // down * down
        end = min(self._raw.n_times, -(-last * down // up) + reach)
        result = resample(self._filtered(begin, end), self._own_rate, self._processing.sfreq)
        offset = begin // down * up
        return result[:, first - offset : last - offset]

    def _filtered(self, first: int, last: int) -> np.ndarray:
        if self._kernel is None:
            return self._raw.get_data(start=first, stop=last)
        reach = len(self._kernel) // 2
        begin, end = max(0, first - reach), min(self._raw.n_times, last + reach)
        volts = self._raw.get_data(start=begin, stop=end)
        return filtered(volts, self._kernel, begin - (first - reach), last + reach - end)


def filtered(
    signal: np.ndarray, kernel: np.ndarray, before: int | None = None, after: int | None = None
) -> np.ndarray:
    """Return a signal (channel, time) filtered, mirrored at its ends by so many samples; half the filter."""
    reach = len(kernel) // 2
    around = ((0, 0), (reach if before is None else before, reach if after is None else after))
    return oaconvolve(np.pad(signal, around, mode="reflect"), kernel[None], mode="valid", axes=1)


def filter_kernel(sfreq: float, low: float | None, high: float | None) -> np.ndarray | None:
    """Return the zero-phase FIR filter (MNE's design) between two edges in Hz; None without any.

    Raises SparseEEGError for an edge that doesn't fit the rate.
    """
    if low is None and high is None:
        return None
    for edge in (low, high):
        if edge is not None and not 0 < edge < sfreq / 2:
            raise SparseEEGError(
                f"a filter edge of {edge:g} Hz doesn't fit a signal sampled at {sfreq:g} Hz; "
                f"it must lie between 0 and {sfreq / 2:g} Hz"
            )
    return mne.filter.create_filter(None, sfreq, low, high, verbose="error")


def reference_rows(ch_names: tuple[str, ...], names: tuple[str, ...] | None) -> list[int] | None:
    """Return which channels' mean is subtracted; None for none. SparseEEGError for one that isn't there."""
    if names is None:
        return None
    if names == (AVERAGE,):
        return list(range(len(ch_names)))
    for name in names:
        if name not in ch_names:
            raise SparseEEGError(f"there is no channel {name!r} to refer to.{nearest(name, ch_names)}")
    return [ch_names.index(name) for name in names]


def _eeg_channels(raw: Any, file: BidsFile) -> list[str]:
    kinds = dict(zip(raw.ch_names, raw.get_channel_types(), strict=True))
    names = [name for name, kind in kinds.items() if kind == "eeg"]
    try:
        table = read_tsv(file.sidecar("channels.tsv"))
        types = dict(zip(table["name"], table["type"].fillna("EEG").str.upper(), strict=True))
    except (SparseEEGError, KeyError):
        return names  # channels.tsv only refines what the signal file says itself
    return [name for name in names if types.get(name, "EEG") in EEG_TYPES]
