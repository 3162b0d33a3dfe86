"""Find the trials in the events of one recording.

A trial is the interval from one `contrastTrial_start` to the next; the last one only counts if it is closed
by an `end_experiment`. Its stimulus is the first target inside. Its response is the first button press, left
or right, at or after the stimulus; earlier (premature) and later presses are ignored.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sparseeg.errors import SparseEEGError
from sparseeg.files.names import event_names
from sparseeg.files.tsv import finite_numbers, not_numbers

TRIAL_START = "contrastTrial_start"
END = "end_experiment"
STIMULI = ("left_target", "right_target")
PRESSES = ("left_buttonPress", "right_buttonPress")
FEEDBACK = {"smiley_face": True, "sad_face": False}
COLUMNS = ("trial_start", "stimulus", "stimulus_onset", "response", "response_onset", "rt", "correct")


@dataclass(frozen=True)
class TrialRule:
    """The events of a trial; the defaults are those of HBN-EEG's contrast change detection task.

    Parameters
    ----------
    stimulus, response : names of the stimulus events and of the response events.
    trial_start : names of the events that begin a trial. If empty, a trial lasts from one stimulus to the
        next, and the last one to the end of the recording.
    end : names of the events that close the last trial; an open last trial is dropped.
    column : column of events.tsv with the names, as `value` or `trial_type`.
    """

    stimulus: tuple[str, ...] = STIMULI
    response: tuple[str, ...] = PRESSES
    trial_start: tuple[str, ...] = (TRIAL_START,)
    end: tuple[str, ...] = (END,)
    column: str = "value"

    def __post_init__(self) -> None:
        for field in ("stimulus", "response", "trial_start", "end"):
            object.__setattr__(self, field, event_names(getattr(self, field)))

    @property
    def groups(self) -> tuple[tuple[str, ...], ...]:
        """Names of events, of each of which a recording with trials has at least one."""
        return tuple(group for group in (self.stimulus, self.response, self.trial_start) if group)

    @property
    def names(self) -> tuple[str, ...]:
        """All names of events."""
        return (*self.stimulus, *self.response, *self.trial_start, *self.end)


CONTRAST_CHANGE = TrialRule()


def trial_table(events: pd.DataFrame, rule: TrialRule = CONTRAST_CHANGE) -> pd.DataFrame:
    """Return one row per trial of a recording, in order of time.

    Parameters
    ----------
    events : events in any order, with the columns `onset` (seconds), `rule.column` (names), and `feedback`
        if known. Other columns are ignored.
    rule : the events of a trial.

    Returns
    -------
    DataFrame : columns `trial_start, stimulus, stimulus_onset, response, response_onset, rt, correct`. Times
        are in seconds; `rt` is response minus stimulus onset; missing values are NaN or None.

    Raises
    ------
    SparseEEGError : a column is missing, or an onset is not a finite number; the message names row and value.
    """
    onset, value, feedback = _sorted_events(events, rule.column)
    start, end = _intervals(onset, value, rule)

    stimulus = _first_inside(onset, np.isin(value, rule.stimulus), start, end)
    stimulus_onset = _take(onset, stimulus, np.nan).astype(np.float64)
    response = _first_inside(onset, np.isin(value, rule.response), stimulus_onset, end)
    response_onset = _take(onset, response, np.nan).astype(np.float64)
    shown = _take(feedback, response, None)
    columns = (
        start,
        _take(value, stimulus, None),
        stimulus_onset,
        _take(value, response, None),
        response_onset,
        response_onset - stimulus_onset,
        np.array([FEEDBACK.get(name) if isinstance(name, str) else None for name in shown], dtype=object),
    )
    # dtype object keeps None; pandas would convert names to its own string type, with NaN
    return pd.DataFrame(
        {name: pd.Series(column, dtype=column.dtype) for name, column in zip(COLUMNS, columns, strict=True)}
    )


def _sorted_events(events: pd.DataFrame, column: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    missing = [name for name in ("onset", column) if name not in events.columns]
    if missing:
        raise SparseEEGError(
            f"the events lack the column{'s' if len(missing) > 1 else ''} {', '.join(missing)}; "
            f"found: {', '.join(map(str, events.columns)) or 'no columns'}"
        )
    onset, _ = finite_numbers(events["onset"])
    wrong = np.flatnonzero(np.isnan(onset))
    if len(wrong):
        raise SparseEEGError(not_numbers(events["onset"], "onset", wrong))
    order = np.argsort(onset, kind="stable")
    value = events[column].to_numpy(dtype=object)
    feedback = (
        events["feedback"].to_numpy(dtype=object)
        if "feedback" in events.columns
        else np.full(len(events), None, dtype=object)
    )
    return onset[order], value[order], feedback[order]


def _intervals(onset: np.ndarray, value: np.ndarray, rule: TrialRule) -> tuple[np.ndarray, np.ndarray]:
    """Return start and end of each closed trial."""
    if not rule.trial_start:
        starts = onset[np.isin(value, rule.stimulus)]
        return starts, np.append(starts[1:], np.inf)[: len(starts)]
    starts = onset[np.isin(value, rule.trial_start)]
    ends = starts[1:]
    closing = onset[np.isin(value, rule.end)]
    if len(starts) and len(closing) and closing[-1] > starts[-1]:
        ends = np.append(ends, closing[-1])
    return starts[: len(ends)], ends


def _first_inside(onset: np.ndarray, chosen: np.ndarray, lower: np.ndarray, upper: np.ndarray) -> np.ndarray:
    """Return the index of the first chosen event with lower <= onset < upper; -1 if there is none."""
    candidates = np.flatnonzero(chosen)
    if not len(candidates):
        return np.full(len(lower), -1)
    position = np.searchsorted(onset[candidates], lower, side="left")
    first = candidates[np.minimum(position, len(candidates) - 1)]
    inside = (position < len(candidates)) & (onset[first] < upper)
    return np.where(inside, first, -1)


def _take(values: np.ndarray, index: np.ndarray, missing: object) -> np.ndarray:
    taken = np.full(len(index), missing, dtype=object)
    taken[index >= 0] = values[index[index >= 0]]
    return taken
