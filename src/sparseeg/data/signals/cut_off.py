"""Recordings that end before their header says, as after an interrupted copy."""

import mne

from sparseeg.errors import SparseEEGError


def shorter(there: int, stated: int, what: str = "samples") -> str:
    """Return the note on a file with fewer samples or records than its header states."""
    return f"it is shorter than its header says: {there} of {stated} {what} are there"


def longer(there: int, stated: int, what: str = "samples") -> str:
    """Return the note on a file with more samples or records than its header states."""
    return f"it is longer than its header says: {there} {what} instead of {stated}"


def cropped(raw: mne.io.BaseRaw, there: int) -> mne.io.BaseRaw:
    """Return a recording with its first samples, those that are there."""
    if there < 1:
        raise SparseEEGError("it is cut off before its first sample; copy it again")
    return raw.crop(tmax=float(raw.times[there - 1]))
