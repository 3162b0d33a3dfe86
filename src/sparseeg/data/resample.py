"""Another sampling rate, with every sample where it belongs."""

from fractions import Fraction

import numpy as np
from scipy.signal import resample_poly


def same_rate(first: float, second: float) -> bool:
    """Say whether two sampling rates are the same to rounding."""
    return abs(first - second) <= 1e-6 * second


def rate_ratio(sfreq: float, new: float) -> Fraction:
    """Return new samples per old one, as an exact fraction of sensible size; 1 for the same rate."""
    if same_rate(sfreq, new):
        return Fraction(1)
    return Fraction(new).limit_denominator(10_000) / Fraction(sfreq).limit_denominator(10_000)


def resample(data: np.ndarray, sfreq: float, new: float) -> np.ndarray:
    """Return `data` (..., time) at `new` instead of `sfreq` Hz: sample k of the result is at k / new seconds.

    A zero-phase polyphase filter (scipy's default Kaiser window) with an exact ratio. MNE's FFT resampling is
    not used: it rounds its padding to whole new samples, which can move the signal by half a sample.
    """
    ratio = rate_ratio(sfreq, new)
    return resample_poly(data, ratio.numerator, ratio.denominator, axis=-1, padtype="reflect")
