"""Resampling that keeps the times of samples exact."""

from fractions import Fraction

import numpy as np
from scipy.signal import resample_poly

from sparseeg.errors import SparseEEGError

SAME = 1e-6  # relative precision of a sampling rate: 4 ms in an hour
LOWEST, HIGHEST = 0.1, 1000.0  # ratio of a file's rate to the wanted one; beyond, its header is damaged


def same_rate(first: float, second: float) -> bool:
    """Return whether two sampling rates are equal to rounding."""
    return abs(first - second) <= SAME * second


def rate_ratio(sfreq: float, new: float) -> Fraction:
    """Return the number of new samples per old sample, as the simplest fraction that is equal to rounding.

    With the exact ratio, an effective rate such as 512.0347 Hz would need filters of millions of samples.

    Parameters
    ----------
    sfreq, new : old and new sampling rate in Hz.

    Raises
    ------
    SparseEEGError : the old rate is implausible for EEG.
    """
    if not LOWEST * new <= sfreq <= HIGHEST * new:
        raise SparseEEGError(
            f"it is sampled at {sfreq:g} Hz according to its header; only {LOWEST * new:g} to "
            f"{HIGHEST * new:g} Hz can be resampled to {new:g} Hz"
        )
    ratio = Fraction(new) / Fraction(sfreq)
    largest = 1
    while abs((simple := ratio.limit_denominator(largest)) / ratio - 1) > SAME:
        largest *= 2
    return simple


def resample(data: np.ndarray, sfreq: float, new: float) -> np.ndarray:
    """Return `data` (..., time) resampled from `sfreq` to `new` Hz; sample k is at k / new seconds.

    This is a zero-phase polyphase filter (scipy's default Kaiser window) with an exact ratio. MNE's FFT
    resampling rounds its padding to whole new samples, which can move the signal by half a sample.
    """
    ratio = rate_ratio(sfreq, new)
    if ratio == 1:
        return data
    return resample_poly(data, ratio.numerator, ratio.denominator, axis=-1, padtype="reflect")
