"""What can be decoded: a time in every trial, a number that belongs to the subject, or nothing yet."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sparseeg.data.bids import hbn
from sparseeg.data.bids.trials import CONTRAST_CHANGE, TrialRule
from sparseeg.data.cuts import Cut, GridCut, TrialCut
from sparseeg.errors import SparseEEGError
from sparseeg.files.yaml import describe, read_yaml

RESPONSE_TIME = "response-time"
PRETRAINING = "pretraining"
NOTHING = "nothing"  # the target of windows that are there for their signal alone
NO_UNIT = "a.u."


@dataclass(frozen=True)
class Task:
    """A target, and where its windows lie.

    Parameters
    ----------
    name : as on the command line and in a store.
    target, unit : of what is predicted.
    bids_tasks : the BIDS tasks whose recordings are read; all if empty.
    rule : the events that make a trial, where they are known: not for MNE epochs, and not for a target that
        is a column of participants.tsv, the same for all windows of a subject, or `NOTHING`, 0 for all.
    locked : whether the target is a time, counted from the event that the windows are locked to.
    tmin, tmax : seconds from that event.
    window, stride, crop : seconds; a window every `stride`, of which the network sees a crop.
    """

    name: str
    target: str
    unit: str
    bids_tasks: tuple[str, ...] = ()
    rule: TrialRule | None = None
    locked: bool = False
    tmin: float = 0.5
    tmax: float = 2.5
    window: float = 4.0
    stride: float = 2.0
    crop: float = 2.0

    @property
    def column(self) -> str | None:
        """Column of participants.tsv that holds the target, for tasks that have it from there."""
        return None if self.locked or self.target == NOTHING else self.target

    def cut(self, sfreq: float, margin: float = 0.0) -> Cut:
        """Return the way to cut its windows at a rate; `margin` in seconds, for windows that are locked.

        Raises
        ------
        SparseEEGError : no window is left by these times.
        """
        if not (np.isfinite(sfreq) and sfreq > 0):
            raise SparseEEGError(f"a sampling rate of {sfreq:g} Hz is not possible")
        if self.rule is not None:
            if not np.isfinite([self.tmin, self.tmax]).all() or round((self.tmax - self.tmin) * sfreq) < 1:
                raise SparseEEGError(
                    f"no window from {self.tmin:g} to {self.tmax:g} s at {sfreq:g} Hz: "
                    "tmax must lie after tmin"
                )
            n_times = round((self.tmax - self.tmin) * sfreq)
            return TrialCut(self.rule, float(self.tmin), n_times, float(sfreq), round(margin * sfreq))
        length, stride, crop = (round(part * sfreq) for part in (self.window, self.stride, self.crop))
        if min(length, stride, crop) < 1 or crop > length:
            raise SparseEEGError(
                f"no windows of {self.window:g} s every {self.stride:g} s with crops of {self.crop:g} s at "
                f"{sfreq:g} Hz: all must be positive, and a crop no longer than its window"
            )
        return GridCut(crop, float(sfreq), length, stride)


_FACTORS = ("externalizing", "internalizing", "attention", "p_factor")
TASKS = {
    RESPONSE_TIME: Task(RESPONSE_TIME, "rt", "s", (hbn.CONTRAST_TASK,), CONTRAST_CHANGE, locked=True),
    **{name: Task(name, name, "factor") for name in _FACTORS},
    PRETRAINING: Task(PRETRAINING, NOTHING, NO_UNIT),
}


class TaskFile(BaseModel):
    """The YAML file that describes a laboratory's own task; what it leaves out is as in `Task`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str | None = None
    target: str | None = None
    unit: str | None = None
    bids_tasks: tuple[str, ...] | None = None
    stimulus: tuple[str, ...] | None = None
    response: tuple[str, ...] | None = None
    trial_start: tuple[str, ...] | None = None
    end: tuple[str, ...] | None = None
    events_column: str | None = None
    tmin: float | None = None
    tmax: float | None = None
    window: float | None = Field(default=None, gt=0)
    stride: float | None = Field(default=None, gt=0)
    crop: float | None = Field(default=None, gt=0)

    @classmethod
    def read(cls, path: Path) -> "TaskFile":
        """Read from YAML; SparseEEGError names the file and what doesn't fit."""
        # Every value as the text that was written: an event may be called 12, on or 1:30.
        return read_yaml(path, cls, yaml.BaseLoader)

    def with_options(self, options: Mapping[str, Any]) -> "TaskFile":
        """Return this with the options that are not None in place of its own."""
        given = {name: value for name, value in options.items() if value is not None}
        try:
            return self.model_validate(self.model_dump() | given)
        except ValidationError as error:
            raise SparseEEGError(describe(error)) from error


def find_task(name: str, changes: TaskFile | None = None) -> Task:
    """Return the task of a name, with what a file or options change.

    "response-time", any column of numbers in participants.tsv, as "externalizing" or "age", or "pretraining",
    windows of whole recordings without a target. A stimulus and a response make every task one of response
    times.

    Raises
    ------
    SparseEEGError : a stimulus without a response, or the other way round; a target other than the task's.
    """
    changes = changes or TaskFile()
    timed = changes.stimulus is not None or changes.response is not None
    column = changes.target or name
    task = TASKS.get(name) or Task(name, column, "years" if column == "age" else NO_UNIT)
    if timed or (task.rule is not None and (changes.trial_start or changes.end or changes.events_column)):
        task = replace(task, target="rt", unit="s", rule=_rule(task.rule, changes), locked=True)
        if changes.bids_tasks is None and changes.stimulus is not None:
            task = replace(task, bids_tasks=())  # another laboratory's events: its tasks have other names
    if changes.target not in (None, task.target):
        raise SparseEEGError(
            f"the task {name} decodes {task.target}, not {changes.target}; leave the target out; for a "
            f"column of participants.tsv, name the task {changes.target}"
        )
    values = changes.model_dump(include={"unit", "bids_tasks", "tmin", "tmax", "window", "stride", "crop"})
    return replace(task, **{key: value for key, value in values.items() if value is not None})


def _rule(own: TrialRule | None, changes: TaskFile) -> TrialRule:
    if changes.stimulus is None and own is not None:
        base = own
    elif not changes.stimulus or not changes.response:
        raise SparseEEGError("a response time needs both: the events of the stimulus and of the response")
    else:
        base = TrialRule(changes.stimulus, changes.response, (), (), "value")
    return TrialRule(
        base.stimulus,
        changes.response or base.response,
        base.trial_start if changes.trial_start is None else changes.trial_start,
        base.end if changes.end is None else changes.end,
        changes.events_column or base.column,
    )
