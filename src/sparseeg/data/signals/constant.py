"""Signals in which nothing changes, as those of electrodes without contact or of a gap filled with zeros."""

import numpy as np

_FLAT = 1e-9  # microvolts


def changes_from_before(block: np.ndarray, before: np.ndarray | None) -> np.ndarray:
    """Return for each sample whether any channel differs from the sample before it, by more than rounding.

    Parameters
    ----------
    block : (time, channel), in microvolts.
    before : (1, channel), the sample before the block; without it, the first sample counts as different.
    """
    changed = np.full(len(block), True)
    changed[1:] = _differ(block[1:, :1], block[:-1, :1])  # nearly always the first channel tells
    rest = 1 + np.flatnonzero(~changed[1:])
    changed[rest] = _differ(block[rest], block[rest - 1])
    if before is not None:
        changed[:1] = _differ(block[:1], before)
    return changed


def _differ(now: np.ndarray, before: np.ndarray) -> np.ndarray:
    """Return which samples differ by more than the rounding of their dtype, and of a filter around zero."""
    with np.errstate(invalid="ignore", over="ignore"):
        return (np.abs(now - before) > 2 * np.finfo(now.dtype).eps * np.abs(now) + _FLAT).any(axis=1)


def is_constant(windows: np.ndarray) -> np.ndarray:
    """Return for each window (window, channel, time) whether every channel is constant."""
    return np.array([not changes_from_before(window.T, None)[1:].any() for window in windows], dtype=bool)


def constant_notes(count: int, total: int, noun: str = "windows") -> list[str]:
    """Return a note on the windows in which every channel is constant, if there are any.

    Parameters
    ----------
    count, total : number of such windows, and of all.
    noun : what they are, as "epochs".
    """
    return [f"{count} of {total} {noun} hold a constant signal in every channel"] if count else []
