"""Read labelled windows from BIDS folders, of HBN-EEG and of other data sets."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from sparseeg.arguments import Length, checked
from sparseeg.data.bids import hbn, layout
from sparseeg.data.bids.events import TABLE, events_of_table
from sparseeg.data.bids.named_events import notes_on_events
from sparseeg.data.bids.participants import Subjects
from sparseeg.data.bids.trials import CONTRAST_CHANGE, trial_table
from sparseeg.data.copies import noting_same_targets, without_copies
from sparseeg.data.cuts import Cut
from sparseeg.data.problems import LEFT_OUT, Problem, noted, summarise
from sparseeg.data.provenance import Processing
from sparseeg.data.signals.channels import ChannelPlan, WantedChannels, plan_channels
from sparseeg.data.signals.recording import Recording, read_recording
from sparseeg.data.survey import Survey, other_tasks, survey_bids
from sparseeg.data.tasks import RESPONSE_TIME, TASKS, Task
from sparseeg.data.windows import WindowSet
from sparseeg.engines import Progress, read_each
from sparseeg.errors import SparseEEGError, counted, one_line
from sparseeg.files.tsv import read_tsv

AS_RECORDED = Processing()
ABOUT = ("release", "age", "sex", "task", "run")
COLUMNS = (
    "recording",
    "start",
    "target",
    "subject",
    "dataset",
    "release",
    "age",
    "sex",
    "task",
    "run",
    "trial",
    "onset",
    "stimulus",
    "correct",
    "file",
    "recording_hash",
    "earliest",
    "latest",
)
"""Columns of the window table, as far as they are known."""


@checked
def read_bids(
    path: Path | str,
    *,
    task: Task = TASKS[RESPONSE_TIME],
    processing: Processing = AS_RECORDED,
    releases: Sequence[str] | None = None,
    every_release: bool = True,
    keep_excluded: bool = False,
    keep_bad: bool = False,
    margin: Length = 0.0,
    wanted: WantedChannels | None = None,
    n_jobs: int = 1,
    progress: Progress | None = None,
) -> WindowSet:
    """Return the labelled windows of a BIDS folder, or of a folder of BIDS folders, held in memory.

    Parameters
    ----------
    path : the folder with `sub-*/[ses-*/]eeg/*_task-*_eeg.{bdf,set,edf,vhdr}`.
    task : what is decoded, and how windows are cut.
    processing : how signals are processed. By default, recordings are only resampled to 100 Hz.
    releases : HBN releases to read, as `["R1", "R5"]`; all by default.
    every_release : whether each of `releases` must have a recording, or any of them is enough.
    keep_excluded : also read the nine subjects that the challenge excludes.
    keep_bad : keep windows in stretches that are marked as bad.
    margin : seconds of signal kept around windows that are locked to an event, by which they may be moved.
    wanted : the channels that every recording should have, as those of a network; by default, recordings are
        made alike as `processing.channels` says.
    n_jobs : number of processes; the result does not depend on it.
    progress : called as `progress(done, total)` after each recording.

    Returns
    -------
    WindowSet : `problems` has an entry for each file that was not read as expected.

    Raises
    ------
    SparseEEGError : there is no recording of the task or of a release, a release or target is unknown, or no
        window is left.
    """
    cut = task.cut(processing.sfreq, margin)
    survey = survey_bids(Path(path), task, releases, keep_excluded, every_release)
    reader = partial(read_recording, cut=cut, processing=processing, keep_bad=keep_bad)
    if wanted is not None:
        read = read_each(partial(reader, wanted=wanted), survey.files, n_jobs, progress)
        return assemble(survey, cut, processing, read, ChannelPlan(wanted, processing.channels))
    read = read_each(reader, survey.files, n_jobs, progress)
    plan = plan_channels(
        [result.found for result in read if isinstance(result, Recording)], processing.channels
    )
    again: list[int] = []
    for number, (file, result) in enumerate(zip(survey.files, read, strict=True)):
        if isinstance(result, Recording):
            fit = plan.fit(result.found, file.path, processing.reference)
            if isinstance(fit, Problem):
                read[number] = fit
            elif fit.keeps_all:
                read[number] = replace(result, ch_names=fit.ch_names)
            else:
                again.append(number)
    files = [survey.files[number] for number in again]
    made_alike = read_each(partial(reader, wanted=plan.wanted), files, n_jobs, None) if again else []
    for number, result in zip(again, made_alike, strict=True):
        read[number] = result
    return assemble(survey, cut, processing, read, plan)


def assemble(
    survey: Survey,
    cut: Cut,
    processing: Processing,
    read: Sequence[Recording | Problem],
    plan: ChannelPlan,
) -> WindowSet:
    """Return the windows of recordings that were read.

    Parameters
    ----------
    survey : the recordings.
    cut, processing : how they were read.
    read : what was read, in the order of `survey.files`.
    plan : the channels that all of them have.

    Raises
    ------
    SparseEEGError : no recording is left.
    """
    problems = [*survey.problems]
    if plan.note is not None:
        problems.insert(0, Problem(survey.path, *plan.note, "nothing"))
    kept: list[tuple[layout.BidsFile, Recording]] = []
    for file, result in zip(survey.files, read, strict=True):
        if isinstance(result, Problem):
            problems.append(result)
        else:
            problems += result.problems
            kept.append((file, result))
    if not kept:
        raise SparseEEGError(
            f"{survey.path}: no usable window in {counted(len(read), 'recording')}; {summarise(problems)}"
        )
    table = _table(kept, survey)
    if survey.task.rule is not None:
        events = [(file.sidecar(TABLE), recording.events) for file, recording in kept]
        problems += notes_on_events(survey.path, survey.task.rule, events)
    windows = WindowSet(
        signals=[recording.signal for _, recording in kept],
        table=table,
        n_times=cut.n_times,
        ch_names=plan.wanted.ch_names,
        task=survey.task,
        processing=replace(processing, channels=plan.choice),
        source=str(survey.path),
        simulated=survey.simulated,
        tmin=cut.tmin,
        problems=tuple(problems),
        people="sub-XX in the names",
        unanswered=sum(sum(recording.events.unanswered.values()) for _, recording in kept),
    )
    return noting_same_targets(without_copies(windows)).noting_outside()


def read_trials(path: Path | str) -> tuple[pd.DataFrame, tuple[Problem, ...]]:
    """Return all trials in the events files of the contrast change detection task, without reading signals.

    Returns
    -------
    DataFrame : the columns of `trial_table` and `subject, release, age, sex, task, run, file`. A trial
        without stimulus or response has no `rt`. No subject is excluded.
    problems : one for each events file that could not be used.

    Raises
    ------
    SparseEEGError : there is no usable events file of the task.
    """
    path = Path(path)
    wanted = (hbn.CONTRAST_TASK,)
    files = [file for root in layout.roots(path) for file in layout.events_files(root, wanted)]
    if not files:
        raise SparseEEGError(f"{path}: no events file of the task {hbn.CONTRAST_TASK}{other_tasks(path)}")
    subjects = Subjects(files)
    problems = list(subjects.problems)
    tables = []
    for file in files:
        try:
            tables.append(_described(_trials(file, problems), file, subjects, path))
        except SparseEEGError as error:
            problems.append(Problem(file.path, one_line(error), LEFT_OUT))
    if not tables:
        raise SparseEEGError(
            f"{path}: no trials in {counted(len(files), 'events file')}; {summarise(problems)}"
        )
    return pd.concat(tables, ignore_index=True), tuple(problems)


def _trials(file: layout.BidsFile, problems: list[Problem]) -> pd.DataFrame:
    """Return the trials of an events file, whose recording isn't needed."""
    notes: list[str] = []
    content = read_tsv(file.path, ("onset", CONTRAST_CHANGE.column, "feedback"), notes)
    problems += noted(file.path, notes)
    rule = CONTRAST_CHANGE
    events = events_of_table(content, file.path, rule.column, rule.groups, problems)
    return trial_table(events.named, replace(rule, column="name"))


def _table(kept: Sequence[tuple[layout.BidsFile, Recording]], survey: Survey) -> pd.DataFrame:
    tables = []
    for number, (file, recording) in enumerate(kept):
        person = survey.names[file.root, file.subject]
        table = _described(recording.windows, file, survey.subjects, survey.path)
        table = table.assign(
            recording=number,
            subject=person.name,
            dataset=person.dataset,
            recording_hash=recording.hash or None,
        )
        if not survey.task.locked:
            table["target"] = 0.0 if survey.task.column is None else survey.subjects.target(file)
        tables.append(table)
    table = pd.concat(tables, ignore_index=True)
    return table[[name for name in COLUMNS if name in table.columns]]


def _described(trials: pd.DataFrame, file: layout.BidsFile, subjects: Subjects, path: Path) -> pd.DataFrame:
    """Return trials with the columns about their recording and its subject."""
    about = subjects.of(file) | {"task": file.entities.get("task"), "run": file.run}
    described = trials.copy()
    described["subject"] = file.subject
    for name in ABOUT:
        kind = np.float64 if name == "age" else object
        described[name] = pd.Series([about[name]] * len(trials), index=trials.index, dtype=kind)
    described["file"] = file.path.relative_to(path).as_posix()
    return described
