"""Another sampling rate, with every sample where it belongs."""

from fractions import Fraction

import numpy as np
from scipy.signal import resample_poly

from sparseeg.errors import SparseEEGError

SAME = 1e-6  # of a rate, to which it is known: 4 ms in an hour
LOWEST, HIGHEST = 0.1, 1000.0  # of a file's rate over the wanted one; beyond, its header is damaged


def same_rate(first: float, second: float) -> bool:
    """Say whether two sampling rates are the same to rounding."""
    return abs(first - second) <= SAME * second


def rate_ratio(sfreq: float, new: float) -> Fraction:
    """Return new samples per old one, as the simplest fraction that is the same to rounding; 1 for one rate.

    An effective rate such as 512.0347 Hz would need filters of many millions of samples otherwise.

    Raises SparseEEGError for a rate that nobody records at.
    """
    if not LOWEST * new <= sfreq <= HIGHEST * new:
        raise SparseEEGError(
            f"it says that it is sampled at {sfreq:g} Hz; what can be resampled to {new:g} Hz is sampled at "
            f"{LOWEST * new:g} to {HIGHEST * new:g} Hz"
        )
    ratio = Fraction(new) / Fraction(sfreq)
    largest = 1
    while abs((simple := ratio.limit_denominator(largest)) / ratio - 1) > SAME:
        largest *= 2
    return simple


def resample(data: np.ndarray, sfreq: float, new: float) -> np.ndarray:
    """Return `data` (..., time) at `new` instead of `sfreq` Hz: sample k of the result is at k / new seconds.

    A zero-phase polyphase filter (scipy's default Kaiser window) with an exact ratio. MNE's FFT resampling is
    not used: it rounds its padding to whole new samples, which can move the signal by half a sample.
    """
    ratio = rate_ratio(sfreq, new)
    if ratio == 1:
        return data
    return resample_poly(data, ratio.numerator, ratio.denominator, axis=-1, padtype="reflect")
