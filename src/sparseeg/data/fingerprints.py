"""Fingerprints of windows: they tell whether other files hold the same samples, when these are long gone."""

import hashlib

import numpy as np

from sparseeg.data.windows import WindowSet

# Few and coarse values, so that rounding on another processor changes few fingerprints.
_VALUES, _CHANNELS, _STEPS = 128, 8, 8
# A pulse, a step or a straight line has one shape in two people.
_FEWEST = 8  # different samples
_STRAIGHT = 0.01  # standard deviation around straight lines, as a share of the whole one


def fingerprints(windows: WindowSet, rows: np.ndarray | None = None, steps: int = _STEPS) -> list[str]:
    """Return the fingerprint of each window, or of some rows; empty for constant channels and straight lines.

    It is the hash of some samples in the middle of the window, in steps of an eighth of their standard
    deviation, from the first channels by name: it doesn't depend on the order of the channels, on their
    means, on the unit and on the sign.

    steps : per standard deviation. With fewer, rounding changes fewer fingerprints, but different windows may
        have the same one.
    """
    order = sorted(range(windows.n_chans), key=lambda number: windows.ch_names[number].lower())
    chosen = order[:_CHANNELS]
    length = min(windows.n_times, _VALUES // len(chosen))
    begin = (windows.n_times - length) // 2
    table = windows.table if rows is None else windows.table.iloc[rows]
    return [
        _fingerprint(
            np.asarray(windows.signals[recording][start + begin : start + begin + length])[:, chosen], steps
        )
        for recording, start in zip(table["recording"].to_numpy(), table["start"].to_numpy(), strict=True)
    ]


def _fingerprint(samples: np.ndarray, steps: int) -> str:
    varying = samples.astype(np.float64)
    varying -= varying.mean(axis=0)
    spread = float(varying.std())
    if (samples == samples[0]).all() or spread == 0:
        return ""
    varying /= spread
    few = len({row.tobytes() for row in _rounded(varying, _STEPS)}) < min(_FEWEST, len(varying))
    if few or _curved(varying) < _STRAIGHT:
        return ""
    rounded = _rounded(varying, steps)
    signs = rounded[rounded != 0]
    if len(signs) and signs[0] < 0:  # one sign for a signal and its inverse
        rounded = -rounded
    return hashlib.blake2b(rounded.tobytes(), digest_size=8).hexdigest()


def _curved(samples: np.ndarray) -> float:
    """Return the standard deviation of samples (time, channel) without their linear trends."""
    times = np.linspace(-1.0, 1.0, len(samples))
    return float((samples - np.outer(times, times @ samples / (times @ times))).std())


def _rounded(samples: np.ndarray, steps: int) -> np.ndarray:
    return np.rint(samples * steps).astype("<i4")
