"""Breaks in a recording: cuts, where time jumps, and stretches that somebody marked as bad."""

import re
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from fractions import Fraction

import mne
import numpy as np
import pandas as pd

from sparseeg.data.bids.layout import BidsFile
from sparseeg.data.cuts import note_lost
from sparseeg.data.problems import Problem
from sparseeg.data.signals.intervals import segments
from sparseeg.errors import SparseEEGError, one_line
from sparseeg.files.names import event_name
from sparseeg.files.tsv import finite_numbers, not_numbers

# Of BrainVision, EEGLAB and BIDS, and MNE (concatenated recordings, skipped acquisition)
_CUT = re.compile(
    r"(?i:new segment\b|lost ?samples\b|buffer overflow\b|((bad|edge)[ _:-])?boundary$|discontinuity$|edge$|"
    r"bad_acq_skip)|EDGE"
)
# Type of a BrainVision marker, which MNE writes before its description
_TYPE = re.compile(r"^(comment|userdefined|stimulus|response|syncstatus|toggle|optic|marker)/", re.IGNORECASE)
_BAD = re.compile(r"bad(?!ge|minton|land)", re.IGNORECASE)  # as in MNE, where a badge is bad, too
_SKIP = "bad_acq_skip"
_ROUNDING = 0.3  # samples by which the onset of a cut may be rounded up
_NAMES = ("trial_type", "value")  # columns of events.tsv


def _no_samples() -> np.ndarray:
    return np.empty(0, dtype=np.int64)


@dataclass(frozen=True)
class Breaks:
    """Cuts and bad stretches of a recording, in samples.

    Parameters
    ----------
    cuts : first sample after each cut, in order.
    bad_first, bad_last : bad stretches [first, last), in order and apart from each other.
    names : what the bad stretches are called, the most frequent one first.
    """

    cuts: np.ndarray = field(default_factory=_no_samples)
    bad_first: np.ndarray = field(default_factory=_no_samples)
    bad_last: np.ndarray = field(default_factory=_no_samples)
    names: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(len(self.cuts) or len(self.bad_first))

    def resampled(self, ratio: Fraction) -> "Breaks":
        """Return the breaks in samples of another rate, `ratio` times the present one."""
        up, down = ratio.numerator, ratio.denominator
        first, last = self.bad_first * up // down, -(-self.bad_last * up // down)
        return Breaks(np.unique(-(-self.cuts * up // down)), *segments(first, last), self.names)

    def cut_inside(self, first: np.ndarray, last: np.ndarray) -> np.ndarray:
        """Return for each interval [first, last) whether a cut separates two of its samples."""
        after = np.append(self.cuts, np.iinfo(np.int64).max)[np.searchsorted(self.cuts, first, side="right")]
        return after < last

    def bad_inside(self, first: np.ndarray, last: np.ndarray) -> np.ndarray:
        """Return for each interval [first, last) whether it overlaps a bad stretch."""
        following = np.searchsorted(self.bad_last, first, side="right")
        return np.append(self.bad_first, np.iinfo(np.int64).max)[following] < last

    def room(self, first: np.ndarray, last: np.ndarray, keep_bad: bool) -> tuple[np.ndarray, np.ndarray]:
        """Return how far intervals without breaks inside may reach to either side without touching one.

        Parameters
        ----------
        first, last : the intervals [first, last).
        keep_bad : whether they may reach into bad stretches.
        """
        ends = self.cuts if keep_bad else np.union1d(self.cuts, self.bad_last)
        begins = self.cuts if keep_bad else np.union1d(self.cuts, self.bad_first)
        lowest = np.append(np.iinfo(np.int64).min, ends)[np.searchsorted(ends, first, side="right")]
        highest = np.append(begins, np.iinfo(np.int64).max)[np.searchsorted(begins, last, side="left")]
        return lowest, highest


def find_breaks(
    raw: mne.io.BaseRaw,
    events: pd.DataFrame | None = None,
    own: Collection[str] = (),
    column: str | None = None,
) -> Breaks:
    """Return the breaks of a recording, in its samples.

    Parameters
    ----------
    raw : the recording, with its annotations.
    events : content of its events.tsv, if it has one.
    own : names of events that are no breaks, whatever they are called.
    column : column of `events` with the names of `own`, besides those of BIDS.

    Raises
    ------
    SparseEEGError : the duration of a bad stretch is not a number.
    """
    sfreq, n_times = float(raw.info["sfreq"]), int(raw.n_times)
    marks = [*_annotated(raw), *(() if events is None else _listed(events, column))]
    cuts: list[float] = []
    bad: list[tuple[int, int]] = []
    names: Counter[str] = Counter()
    for onset, duration, name, is_cut, is_bad in marks:
        if name in own or _untyped(name) in own:
            continue
        first, last = onset * sfreq, (onset + duration) * sfreq
        skipped = _untyped(name).lower().startswith(_SKIP)
        if is_cut:
            cuts += [first, last] if skipped else [first]
        if is_bad and (duration or not is_cut):
            begin = int(np.floor(first + 1e-3))
            bad.append((max(0, begin), min(n_times, max(begin + 1, int(np.ceil(last - 1e-3))))))
            names[name] += 1
    inside = [pair for pair in bad if pair[0] < pair[1]]
    first, last = (np.array([pair[i] for pair in inside], dtype=np.int64) for i in (0, 1))
    after = np.unique(np.ceil(np.array(cuts) - _ROUNDING).astype(np.int64))
    after = after[(after > 0) & (after < n_times)]
    return Breaks(after, *segments(first, last), tuple(name for name, _ in names.most_common()))


def unmarked(file: BidsFile, breaks: Breaks) -> list[Problem]:
    """Return a problem without loss if eeg.json says that a recording has cuts, but none is found in it."""
    try:
        kind = str(file.metadata("eeg.json").get("RecordingType")).lower()
    except SparseEEGError as error:
        return [Problem(file.sidecar("eeg.json"), one_line(error), "read without it", "nothing")]
    if kind not in ("discontinuous", "epoched") or len(breaks.cuts):
        return []
    reason = f"eeg.json says that it is {kind}, but no cut is marked in it or in its events"
    return [Problem(file.path, reason, "read as a continuous recording", "nothing")]


def break_kinds(name: str) -> tuple[bool, bool]:
    """Return whether the name of an annotation or of an event of BIDS says a cut, and a bad stretch."""
    name = _untyped(name)
    return _CUT.match(name) is not None, _BAD.match(name) is not None


def _untyped(name: str) -> str:
    return _TYPE.sub("", name)


_Mark = tuple[float, float, str, bool, bool]
"""(onset, duration, name, whether it is a cut, whether it is bad); seconds from the first sample."""


def _annotated(raw: mne.io.BaseRaw) -> Iterator[_Mark]:
    found = raw.annotations
    for onset, duration, name in zip(found.onset, found.duration, found.description, strict=True):
        name = event_name(str(name))
        # In a cropped recording, MNE's onsets count from before its first sample, dated or not.
        yield (
            float(onset) - raw.first_time,
            float(duration) if np.isfinite(duration) else 0.0,
            name,
            *break_kinds(name),
        )


def _listed(events: pd.DataFrame, column: str | None) -> Iterator[_Mark]:
    columns = [name for name in dict.fromkeys((*_NAMES, column)) if name in events.columns]
    onset, _ = finite_numbers(events["onset"])
    lengths = events.get("duration", pd.Series(None, events.index, dtype=object))
    duration, text = finite_numbers(lengths)
    for column_name in columns:
        names = events[column_name].tolist()
        for row in np.flatnonzero(np.isfinite(onset) & events[column_name].notna()):
            name = event_name(str(names[row]))
            is_cut, is_bad = break_kinds(name)
            if is_bad and row in text:
                raise SparseEEGError(not_numbers(lengths, "duration", np.array([row])))
            if is_cut or is_bad:
                yield float(onset[row]), max(0.0, np.nan_to_num(duration[row])), name, is_cut, is_bad


def without_breaks(
    windows: pd.DataFrame,
    breaks: Breaks,
    n_times: int,
    sfreq: float,
    file: BidsFile,
    problems: list[Problem],
    *,
    keep_bad: bool = False,
) -> pd.DataFrame | Problem:
    """Return the windows that no break touches, and note the others; a problem if none is left.

    No window that is left can be moved into a break between its `earliest` and `latest` start.

    Parameters
    ----------
    windows : columns `start`, `earliest` and `latest` in samples; `onset` and, for trials with a response,
        `target` in seconds.
    breaks : in the samples of the windows.
    n_times, sfreq : samples per window, and their rate in Hz.
    file, problems : the recording, and where windows that are left out are noted.
    keep_bad : whether windows in bad stretches are kept. Windows with a cut inside never are.
    """
    if not breaks:
        return windows
    start = windows["start"].to_numpy()
    bad = breaks.bad_inside(start, start + n_times)
    names = ", ".join(breaks.names[:3])
    if keep_bad and bad.any():
        reason = f"{int(bad.sum())} of {len(bad)} windows overlap a stretch marked as bad ({names})"
        problems.append(Problem(file.path, reason, "kept, as --keep-bad says", "nothing"))
    cut = breaks.cut_inside(start, start + n_times)
    first, last = _whole_trials(windows, n_times, sfreq)
    marked = "overlap a stretch marked as bad"
    reasons = {
        f"{marked} ({names}); --keep-bad keeps them": bad & (not keep_bad),
        "have a cut of the recording inside": cut,
        "have a cut of the recording between their stimulus and their response or end": breaks.cut_inside(
            first, last
        ),
    }
    left = np.full(len(windows), True)
    for reason, touched in reasons.items():
        kind = marked if reason.startswith(marked) else reason
        problem = note_lost(~touched[left], reason, file, problems, kind)
        if problem is not None:
            return problem
        left &= ~touched
    kept, start = windows[left], start[left]
    lowest, highest = breaks.room(start, start + n_times, keep_bad)
    return kept.assign(
        earliest=np.maximum(kept["earliest"], lowest), latest=np.minimum(kept["latest"], highest - n_times)
    )


def _whole_trials(windows: pd.DataFrame, n_times: int, sfreq: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the samples [first, last) from the stimulus or the start of each window to the later end."""
    first = windows["start"].to_numpy()
    last = first + n_times
    if "target" in windows.columns:
        onset = windows["onset"].to_numpy()
        response = np.round((onset + windows["target"].to_numpy()) * sfreq).astype(np.int64)
        first = np.minimum(first, np.round(onset * sfreq).astype(np.int64))
        last = np.maximum(last, response + 1)
    return first, last
