"""Fingerprints of windows: they tell whether other files hold the same samples, when these are long gone."""

import hashlib

import numpy as np

from sparseeg.data.windows import WindowSet

# Few and coarse values, so that rounding on another processor changes few fingerprints.
_VALUES, _CHANNELS, _STEPS = 128, 8, 8
_FEWEST = 8  # different samples: with fewer, as of a pulse or a step, two people may have the same ones


def fingerprints(windows: WindowSet, rows: np.ndarray | None = None, steps: int = _STEPS) -> list[str]:
    """Return the fingerprint of each window, or of some rows; empty where its channels hardly ever change.

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
    if len({row.tobytes() for row in _rounded(varying, _STEPS)}) < min(_FEWEST, len(varying)):
        return ""
    rounded = _rounded(varying, steps)
    signs = rounded[rounded != 0]
    if len(signs) and signs[0] < 0:  # one sign for a signal and its inverse
        rounded = -rounded
    return hashlib.blake2b(rounded.tobytes(), digest_size=8).hexdigest()


def _rounded(samples: np.ndarray, steps: int) -> np.ndarray:
    return np.rint(samples * steps).astype("<i4")
