"""Cut windows from a recording: one per trial, or on a regular grid."""

import math
import random
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import pandas as pd

from sparseeg.data.bids.events import NO_EVENTS, TABLE, Events
from sparseeg.data.bids.layout import BidsFile
from sparseeg.data.bids.no_event import absent, present
from sparseeg.data.bids.trials import TrialRule, trial_table
from sparseeg.data.problems import LEFT_OUT, Problem

DROPPED = "these windows dropped"
OFFICIAL_SEED = 42  # the challenge's scoring script seeds one generator per recording with it


class Cut(Protocol):
    """How windows of `n_times` samples at `sfreq` Hz are cut, `tmin` seconds after the event of each.

    `trials` chooses among the named events of a recording. `windows` returns one row per window with `start`
    (its first sample) and `earliest` and `latest` (the limits of `start` if it is moved).
    """

    @property
    def n_times(self) -> int:
        """Samples per window."""

    @property
    def sfreq(self) -> float:
        """Sampling rate in Hz."""

    @property
    def tmin(self) -> float:
        """Seconds from the event to the first sample of a window."""

    @property
    def rule(self) -> TrialRule | None:
        """Events of a trial; None for windows without an event."""

    def trials(self, events: Events, file: BidsFile, problems: list[Problem]) -> pd.DataFrame | Problem:
        """Return the events of a recording that have a window, or a problem if there are none."""

    def windows(
        self, events: pd.DataFrame, n_samples: int, file: BidsFile, problems: list[Problem]
    ) -> pd.DataFrame | Problem:
        """Return the windows of a recording of `n_samples` samples, or a problem if there are none."""


@dataclass(frozen=True)
class TrialCut:
    """One window per trial with a response, locked to its stimulus.

    Parameters
    ----------
    rule : the events of a trial.
    tmin : seconds from the stimulus to the first sample of a window.
    n_times : samples per window.
    sfreq : sampling rate in Hz.
    margin : samples by which a window may be moved in either direction, less at the ends of a recording.
    max_rt : longest response time in seconds; trials with a longer one are left out.
    """

    rule: TrialRule
    tmin: float
    n_times: int
    sfreq: float
    margin: int = 0
    max_rt: float = math.inf

    def trials(self, events: Events, file: BidsFile, problems: list[Problem]) -> pd.DataFrame | Problem:
        """Return the trials with a response time."""
        path, named = file.sidecar(TABLE), events.named
        if named.empty and events.content is None:
            return Problem(path, f"{path.name} {NO_EVENTS}", f"{file.path.name} {LEFT_OUT}")
        trials = trial_table(named, replace(self.rule, column="name"))
        answered = trials.dropna(subset=["rt"]).reset_index(names="trial")
        if answered.empty:
            lacking = absent(named["name"], self.rule.groups)
            what = lacking or f"none of its {len(trials)} trials has both a stimulus and a response"
            there = present(named["name"], events.content, self.rule.groups, self.rule.column)
            return Problem(path, f"{what}; {there}", f"{file.path.name} {LEFT_OUT}", kind=f"with {what}")
        kept = self._believable(answered, trials, named, file, problems)
        if isinstance(kept, Problem):
            return kept
        return kept.rename(columns={"rt": "target", "stimulus_onset": "onset"})

    def _believable(
        self,
        answered: pd.DataFrame,
        trials: pd.DataFrame,
        events: pd.DataFrame,
        file: BidsFile,
        problems: list[Problem],
    ) -> pd.DataFrame | Problem:
        """Return the trials whose response time is sure and not too long, and note the others."""
        begins = trials["trial_start"].to_numpy()
        unsure = np.searchsorted(begins, events.loc[~events["known"], "onset"], side="right") - 1
        long = f"have response times longer than {self.max_rt:g} s; --max-rt sets the limit"
        for chosen, what in (
            (~answered["trial"].isin(unsure), "hold an event without an onset"),
            (answered["rt"] > 0, "have a response at the time of their stimulus"),
            (answered["rt"] <= self.max_rt, long),
        ):
            good = chosen[answered.index].to_numpy(dtype=bool)
            problem = note_lost(good, what, file, problems)
            if problem is not None:
                return problem
            answered = answered[good]
        return answered.reset_index(drop=True)

    def windows(
        self, events: pd.DataFrame, n_samples: int, file: BidsFile, problems: list[Problem]
    ) -> pd.DataFrame | Problem:
        """Return the windows inside the recording, and note those that are not."""
        starts = event_samples(events["onset"].to_numpy(), self.tmin, self.sfreq)
        last = n_samples - self.n_times
        fits = (starts >= 0) & (starts <= last)
        kind = "reach outside the recording"
        what = f"{kind} of {n_samples / self.sfreq:g} s"
        problem = note_lost(fits, what, file, problems, kind)
        if problem is not None:
            return problem
        starts = starts[fits]
        return events[fits].assign(
            start=starts,
            earliest=np.maximum(starts - self.margin, 0),
            latest=np.minimum(starts + self.margin, last),
        )


def event_samples(onset: np.ndarray, tmin: float, sfreq: float) -> np.ndarray:
    """Return the first sample of windows that begin `tmin` seconds after events at `onset` seconds.

    As in MNE (`set_annotations`, `events_from_annotations`) and braindecode (`create_windows_from_events`),
    onsets are rounded to the microsecond, then to the nearest sample (halves to the even one), and the offset
    is added in whole samples.
    """
    event = np.round(np.round(onset, 6) * sfreq)
    return event.astype(np.int64) + round(tmin * sfreq)


@dataclass(frozen=True)
class GridCut:
    """A window of `length` samples every `stride` samples; the network sees a crop of `n_times` samples.

    The default crop is that of the challenge's scoring script, which draws one per window, in order, from
    `random.Random(42)`. An incomplete last window is dropped.
    """

    n_times: int
    sfreq: float
    length: int
    stride: int
    tmin: float = 0.0
    rule: None = None

    def trials(self, events: Events, file: BidsFile, problems: list[Problem]) -> pd.DataFrame | Problem:
        """Return an empty table: a grid needs no events."""
        return pd.DataFrame()

    def windows(
        self, events: pd.DataFrame, n_samples: int, file: BidsFile, problems: list[Problem]
    ) -> pd.DataFrame | Problem:
        """Return the windows of the whole recording."""
        first = np.arange(0, n_samples - self.length + 1, self.stride, dtype=np.int64)
        if not len(first):
            reason = (
                f"it lasts {n_samples / self.sfreq:g} s, less than a window of {self.length / self.sfreq:g} s"
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


def note_lost(
    good: np.ndarray, what: str, file: BidsFile, problems: list[Problem], kind: str | None = None
) -> Problem | None:
    """Add a problem for the windows that are not good; if none is good, return the problem instead.

    `kind` is `what` without what differs between recordings.
    """
    count, kind = int(np.sum(~good)), what if kind is None else kind
    reason = f"{count} of {len(good)} windows {what}"
    if not good.any():
        return Problem(file.path, reason, LEFT_OUT, kind=f"because all windows {kind}")
    if count:
        problems.append(Problem(file.path, reason, DROPPED, "windows", count, kind))
    return None
