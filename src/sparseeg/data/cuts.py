"""Where the windows of a recording lie: around its trials, or on a grid over all of it."""

import random
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pandas as pd

from sparseeg.data.bids.layout import BidsFile
from sparseeg.data.bids.trials import TrialRule, trial_table
from sparseeg.data.problems import LEFT_OUT, Problem
from sparseeg.errors import SparseEEGError, one_line
from sparseeg.files.tsv import read_tsv

DROPPED = "these windows dropped"
OFFICIAL_SEED = 42  # of the challenge's scoring script, one generator per recording


class Cut(Protocol):
    """A way to cut windows of `n_times` samples at `sfreq` Hz, `tmin` seconds after what they are locked to.

    `events` says what a recording's sidecars tell, before its signal is opened; `place` returns one row per
    window with `start`, `earliest` and `latest`: its first sample, and between which it may be moved.
    """

    @property
    def n_times(self) -> int: ...
    @property
    def sfreq(self) -> float: ...
    @property
    def tmin(self) -> float: ...
    def events(self, file: BidsFile) -> pd.DataFrame | Problem: ...
    def place(
        self, events: pd.DataFrame, n_samples: int, file: BidsFile, problems: list[Problem]
    ) -> pd.DataFrame | Problem: ...


@dataclass(frozen=True)
class TrialCut:
    """One window per answered trial, locked to its stimulus.

    Parameters
    ----------
    rule : which events make a trial.
    tmin : seconds from the stimulus to the window's first sample.
    n_times, sfreq : samples per window, Hz.
    margin : samples by which a window may be moved to either side, less at the ends of a recording.
    """

    rule: TrialRule
    tmin: float
    n_times: int
    sfreq: float
    margin: int = 0

    def events(self, file: BidsFile) -> pd.DataFrame | Problem:
        """Return the trials with a response time."""
        path = file.sidecar("events.tsv")
        try:
            trials = trial_table(read_tsv(path), self.rule)
        except SparseEEGError as error:
            return Problem(path, one_line(error), f"{file.path.name} {LEFT_OUT}")
        answered = trials.dropna(subset=["rt"]).reset_index(names="trial")
        if answered.empty:
            reason = f"none of its {len(trials)} trials has both a stimulus and a response"
            return Problem(path, reason, f"{file.path.name} {LEFT_OUT}")
        return answered.rename(columns={"rt": "target", "stimulus_onset": "onset"})

    def place(
        self, events: pd.DataFrame, n_samples: int, file: BidsFile, problems: list[Problem]
    ) -> pd.DataFrame | Problem:
        """Return the windows inside the recording; those outside become a problem."""
        starts = event_samples(events["onset"].to_numpy(), self.tmin, self.sfreq)
        last = n_samples - self.n_times
        fits = (starts >= 0) & (starts <= last)
        problem = lost(fits, f"reach outside the recording of {n_samples / self.sfreq:g} s", file, problems)
        if problem is not None:
            return problem
        starts = starts[fits]
        return events[fits].assign(
            start=starts,
            earliest=np.maximum(starts - self.margin, 0),
            latest=np.minimum(starts + self.margin, last),
        )


def event_samples(onset: np.ndarray, tmin: float, sfreq: float) -> np.ndarray:
    """Return the first sample of each window that begins `tmin` seconds after an event at `onset` seconds.

    The onset is rounded to the microsecond, the event put at the nearest sample, halves at the even one, and
    the offset added in whole samples: as MNE does in `set_annotations` and `events_from_annotations`, and
    with it braindecode's `create_windows_from_events`.
    """
    event = np.round(np.round(onset, 6) * sfreq)
    return event.astype(np.int64) + round(tmin * sfreq)


@dataclass(frozen=True)
class GridCut:
    """A window every `stride` samples, of which the network gets a crop of `n_times` samples.

    The crop that counts is the challenge's own: its scoring script draws one per window, in order, from
    `random.Random(42)`. A last window that isn't whole is dropped.
    """

    n_times: int
    sfreq: float
    length: int
    stride: int
    tmin: float = 0.0

    def events(self, file: BidsFile) -> pd.DataFrame | Problem:
        """Return an empty table: a grid needs no events."""
        return pd.DataFrame()

    def place(
        self, events: pd.DataFrame, n_samples: int, file: BidsFile, problems: list[Problem]
    ) -> pd.DataFrame | Problem:
        """Return the windows of the whole recording."""
        first = np.arange(0, n_samples - self.length + 1, self.stride, dtype=np.int64)
        if not len(first):
            reason = (
                f"{n_samples / self.sfreq:g} s are shorter than a window of {self.length / self.sfreq:g} s"
            )
            return Problem(file.path, reason, LEFT_OUT)
        room = self.length - self.n_times
        generator = random.Random(OFFICIAL_SEED)
        start = first + np.array([generator.randint(0, room) for _ in first], dtype=np.int64)
        return pd.DataFrame(
            {
                "trial": np.arange(len(first)),
                "onset": start / self.sfreq,
                "start": start,
                "earliest": first,
                "latest": first + room,
            }
        )


def lost(good: np.ndarray, what: str, file: BidsFile, problems: list[Problem]) -> Problem | None:
    """Note the windows that are not good; return the problem instead where none is."""
    count = int(np.sum(~good))
    reason = f"{count} of {len(good)} windows {what}"
    if not good.any():
        return Problem(file.path, reason, LEFT_OUT)
    if count:
        problems.append(Problem(file.path, reason, DROPPED, "windows", count))
    return None
