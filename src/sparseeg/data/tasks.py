"""Decoding tasks: a time in every trial, a number per subject, or none, for pretraining."""

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
NOTHING = "nothing"  # the target of windows for pretraining
NO_UNIT = "a.u."
MAX_RT = 10.0  # seconds; a longer response usually belongs to no stimulus, but to a break or another block


@dataclass(frozen=True)
class Task:
    """What is decoded, and how windows are cut for it.

    Parameters
    ----------
    name : name on the command line and in a store.
    target, unit : name and unit of the target.
    bids_tasks : BIDS tasks whose recordings are read; all if empty.
    rule : the events of a trial, if known. None for MNE epochs, for a target that is a column of
        participants.tsv (one number per subject), and for the target `NOTHING` (0 everywhere).
    locked : whether the target is a time, measured from the event that the windows are locked to.
    tmin, tmax : first and last time of a window in seconds from that event, for tasks with a rule.
    window, stride, crop : seconds, for tasks without a rule: there is a window every `stride` seconds, and
        the network sees a crop of it.
    max_rt : longest response time in seconds; trials with a longer one are left out. By default 10 s, or
        `tmax` if that is more.
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
    max_rt: float | None = None

    @property
    def column(self) -> str | None:
        """Column of participants.tsv with the target; None for tasks with another target."""
        return None if self.locked or self.target == NOTHING else self.target

    def cut(self, sfreq: float, margin: float = 0.0) -> Cut:
        """Return how windows are cut for this task.

        Parameters
        ----------
        sfreq : sampling rate in Hz.
        margin : seconds by which windows that are locked to an event may be moved.

        Raises
        ------
        SparseEEGError : the times or the rate give no window.
        """
        check_numbers(sfreq, margin, self.max_rt)
        if self.rule is not None:
            if not np.isfinite([self.tmin, self.tmax]).all() or round((self.tmax - self.tmin) * sfreq) < 1:
                raise SparseEEGError(
                    f"no window from {self.tmin:g} to {self.tmax:g} s at {sfreq:g} Hz: "
                    "tmax must be greater than tmin"
                )
            n_times = round((self.tmax - self.tmin) * sfreq)
            longest = max(MAX_RT, self.tmax) if self.max_rt is None else self.max_rt
            return TrialCut(
                self.rule, float(self.tmin), n_times, float(sfreq), round(margin * sfreq), float(longest)
            )
        seconds = np.array([self.window, self.stride, self.crop])
        length, stride, crop = (
            round(value * sfreq) for value in np.where(np.isfinite(seconds), seconds, 0.0)
        )
        if min(length, stride, crop) < 1 or crop > length:
            raise SparseEEGError(
                f"no windows of {self.window:g} s every {self.stride:g} s with crops of {self.crop:g} s at "
                f"{sfreq:g} Hz: all must be positive, and a crop at most as long as its window"
            )
        return GridCut(crop, float(sfreq), length, stride)


def check_numbers(sfreq: float | None, margin: float, max_rt: float | None) -> None:
    """Raise SparseEEGError for a rate, a margin or a longest response time that is not possible.

    None stands for the default.
    """
    if sfreq is not None and not (np.isfinite(sfreq) and sfreq > 0):
        raise SparseEEGError(f"a sampling rate of {sfreq:g} Hz is not possible; it is more than 0 Hz")
    if not (np.isfinite(margin) and margin >= 0):
        raise SparseEEGError(f"a margin of {margin:g} s is not possible; it is 0 s or more")
    if max_rt is not None and not (np.isfinite(max_rt) and max_rt > 0):
        raise SparseEEGError(f"a longest response time of {max_rt:g} s is not possible; it is more than 0 s")


_OF_TRIALS = ("trial_start", "end", "events_column")
_FACTORS = ("externalizing", "internalizing", "attention", "p_factor")
TASKS = {
    RESPONSE_TIME: Task(RESPONSE_TIME, "rt", "s", (hbn.CONTRAST_TASK,), CONTRAST_CHANGE, locked=True),
    **{name: Task(name, name, "factor") for name in _FACTORS},
    PRETRAINING: Task(PRETRAINING, NOTHING, NO_UNIT),
}


class TaskFile(BaseModel):
    """A YAML file that describes a task; fields that are not given keep the defaults of `Task`."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

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
    max_rt: float | None = Field(default=None, gt=0)

    @classmethod
    def read(cls, path: Path) -> "TaskFile":
        """Read a task from YAML.

        Raises
        ------
        SparseEEGError : the file can't be read, or a field is not valid; the message names both.
        """
        # BaseLoader keeps every value as text: an event may be called 12, on or 1:30.
        return read_yaml(path, cls, yaml.BaseLoader)

    def with_options(self, options: Mapping[str, Any]) -> "TaskFile":
        """Return a copy in which options that are not None replace the fields of the same name.

        Raises
        ------
        SparseEEGError : an option is not valid.
        """
        given = {name: value for name, value in options.items() if value is not None}
        try:
            return self.model_validate(self.model_dump() | given)
        except ValidationError as error:
            raise SparseEEGError(describe(error)) from error


def find_task(name: str, changes: TaskFile | None = None) -> Task:
    """Return the task with a name, changed as a task file or options say.

    Parameters
    ----------
    name : "response-time"; a column of numbers in participants.tsv, as "externalizing" or "age"; or
        "pretraining" for windows of whole recordings without a target.
    changes : fields that replace those of the task. With a stimulus and a response, a task of a new name
        decodes response times.

    Raises
    ------
    SparseEEGError : only one of stimulus and response is given, or a target that differs from the task's; a
        change that has no effect, or a stimulus or response for a known task that has none.
    """
    changes = changes or TaskFile()
    timed = changes.stimulus is not None or changes.response is not None
    known = TASKS.get(name)
    if timed and known is not None and not known.locked:
        raise SparseEEGError(
            f"the task {name} decodes {known.target}, which has no stimulus or response; give a task with "
            "these events another name"
        )
    column = changes.target or name
    task = known or Task(name, column, "years" if column == "age" else NO_UNIT)
    if timed or (task.rule is not None and (changes.trial_start or changes.end or changes.events_column)):
        task = replace(task, target="rt", unit="s", rule=_rule(task.rule, changes), locked=True)
        if changes.bids_tasks is None and changes.stimulus is not None:
            task = replace(task, bids_tasks=())  # in a data set with other events, tasks have other names
    if changes.target not in (None, task.target):
        raise SparseEEGError(
            f"the task {name} decodes {task.target}, not {changes.target}; leave the target out, or name the "
            f"task {changes.target} to decode that column of participants.tsv"
        )
    _check_used(task, changes)
    changed = {"unit", "bids_tasks", "tmin", "tmax", "window", "stride", "crop", "max_rt"}
    values = changes.model_dump(include=changed)
    return replace(task, **{key: value for key, value in values.items() if value is not None})


def _check_used(task: Task, changes: TaskFile) -> None:
    """Raise SparseEEGError for a change that has no effect on the windows of a task."""
    unused = ("window", "stride", "crop") if task.locked else ("tmin", "tmax", "max_rt", *_OF_TRIALS)
    kind = "start at an event" if task.locked else "do not start at an event"
    for name in unused:
        if getattr(changes, name) is not None:
            raise SparseEEGError(
                f"{name} has no effect: windows of the task {task.name} {kind}; leave it out"
            )
    if task.locked and changes.unit not in (None, task.unit):
        raise SparseEEGError(
            f"the task {task.name} decodes a time in seconds; leave out the unit {changes.unit!r}"
        )


def _rule(own: TrialRule | None, changes: TaskFile) -> TrialRule:
    if changes.stimulus is None and own is not None:
        base = own
    elif not changes.stimulus or not changes.response:
        raise SparseEEGError("a response time needs both the stimulus events and the response events")
    else:
        base = TrialRule(changes.stimulus, changes.response, (), (), "value")
    return TrialRule(
        base.stimulus,
        changes.response or base.response,
        base.trial_start if changes.trial_start is None else changes.trial_start,
        base.end if changes.end is None else changes.end,
        changes.events_column or base.column,
    )
