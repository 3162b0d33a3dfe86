"""Read labelled windows from BIDS folders, of HBN-EEG and of other data sets."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from sparseeg.data.bids import hbn, layout
from sparseeg.data.bids.description import any_simulated
from sparseeg.data.bids.events import events_of_table
from sparseeg.data.bids.participants import NAME, Subjects, number_columns
from sparseeg.data.bids.trials import CONTRAST_CHANGE, trial_table
from sparseeg.data.copies import without_copies
from sparseeg.data.cuts import Cut
from sparseeg.data.people import Person, dataset_name, name_people, person_of
from sparseeg.data.problems import LEFT_OUT, Problem, listed, summarise
from sparseeg.data.provenance import Processing
from sparseeg.data.signals.channels import ChannelPlan, WantedChannels, plan_channels
from sparseeg.data.signals.recording import Recording, read_recording
from sparseeg.data.tasks import RESPONSE_TIME, TASKS, Task
from sparseeg.data.windows import WindowSet
from sparseeg.engines import Progress, read_each
from sparseeg.errors import SparseEEGError, nearest, one_line
from sparseeg.files.tsv import read_tsv

AS_RECORDED = Processing()
Names = dict[tuple[Path, str], Person]  # by data set and subject
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
    "earliest",
    "latest",
)
"""Columns of the window table, as far as they are known."""


def read_bids(
    path: Path | str,
    *,
    task: Task = TASKS[RESPONSE_TIME],
    processing: Processing = AS_RECORDED,
    releases: Sequence[str] | None = None,
    every_release: bool = True,
    keep_excluded: bool = False,
    keep_bad: bool = False,
    margin: float = 0.0,
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


@dataclass(frozen=True)
class Survey:
    """The recordings of a task and their subjects; `problems` says what was left out and why."""

    path: Path
    task: Task
    files: list[layout.BidsFile]
    subjects: Subjects
    names: Names
    problems: list[Problem]
    simulated: bool


def survey_bids(
    path: Path, task: Task, releases: Sequence[str] | None, keep_excluded: bool, every_release: bool = True
) -> Survey:
    """Return the recordings of a task without opening them; arguments and errors as in `read_bids`."""
    files = _recordings(path, task)
    subjects = Subjects(files, task.column)
    simulated, damaged = any_simulated({file.root for file in files})
    problems = [*damaged, *subjects.problems, *(_without_signal(path, task, files) if task.locked else ())]
    problems += _other_formats(path, task, files)
    if releases is not None:
        chosen = {hbn.release(name) for name in releases}
        files = _of_releases(files, subjects, chosen, every_release, path, problems)
    if not keep_excluded:
        files = _not_excluded(files, problems)
    names = _names(path, files, subjects, problems)
    files = _once(files, names, problems)
    if task.column is not None:
        files = _with_target(path, files, subjects, task, problems)
    return Survey(path, task, files, subjects, names, problems, simulated)


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
            f"{survey.path}: no usable window in {len(read)} recordings; {summarise(problems)}"
        )
    windows = WindowSet(
        signals=[recording.signal for _, recording in kept],
        table=_table(kept, survey),
        n_times=cut.n_times,
        ch_names=plan.wanted.ch_names,
        task=survey.task,
        processing=replace(processing, channels=plan.choice),
        source=str(survey.path),
        simulated=survey.simulated,
        tmin=cut.tmin,
        problems=tuple(problems),
        people="sub-XX in the names",
    )
    return without_copies(windows).noting_outside()


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
        raise SparseEEGError(f"{path}: no events file of the task {hbn.CONTRAST_TASK}{_other_tasks(path)}")
    subjects = Subjects(files)
    problems = list(subjects.problems)
    tables = []
    for file in files:
        try:
            tables.append(_described(_trials(file, problems), file, subjects, path))
        except SparseEEGError as error:
            problems.append(Problem(file.path, one_line(error), LEFT_OUT))
    if not tables:
        raise SparseEEGError(f"{path}: no trials in {len(files)} events files; {summarise(problems)}")
    return pd.concat(tables, ignore_index=True), tuple(problems)


def _trials(file: layout.BidsFile, problems: list[Problem]) -> pd.DataFrame:
    """Return the trials of an events file, whose recording isn't needed."""
    notes: list[str] = []
    content = read_tsv(file.path, ("onset", CONTRAST_CHANGE.column, "feedback"), notes)
    problems += [Problem(file.path, note, "read nevertheless", "nothing") for note in notes]
    rule = CONTRAST_CHANGE
    events = events_of_table(content, file.path, rule.column, rule.groups, problems)
    return trial_table(events, replace(rule, column="name"))


def _recordings(path: Path, task: Task) -> list[layout.BidsFile]:
    files = [file for root in layout.roots(path) for file in layout.recordings(root, task.bids_tasks)]
    if not files:
        wanted = " or ".join(task.bids_tasks) or "any name"
        raise SparseEEGError(
            f"{path}: no recording of the BIDS task {wanted}, which {task.name} needs{_other_tasks(path)}"
        )
    return files


def _other_tasks(path: Path) -> str:
    found: Counter[str] = sum((layout.tasks(root) for root in layout.roots(path)), Counter())
    if found:
        return "; tasks found: " + ", ".join(f"{name} ({count})" for name, count in sorted(found.items()))
    extensions = ", ".join((*layout.EXTENSIONS, *layout.OTHERS))
    return f"; no EEG recording of any task was found ({extensions}) in sub-*/eeg or sub-*/ses-*/eeg"


def _without_signal(path: Path, task: Task, files: Sequence[layout.BidsFile]) -> list[Problem]:
    """Return a problem for each events file of the task without a recording."""
    known = {file.sidecar("events.tsv") for file in files}
    alone = [
        file.path
        for root in layout.roots(path)
        for file in layout.events_files(root, task.bids_tasks)
        if file.path not in known
    ]
    return [Problem(events, "this events file has no recording", LEFT_OUT) for events in alone]


def _other_formats(path: Path, task: Task, files: Sequence[layout.BidsFile]) -> list[Problem]:
    """Return a problem for each format that BIDS doesn't have for EEG, and each file that isn't read."""
    by_ending = Counter(
        (file.root, layout.extension(file.path))
        for file in files
        if layout.extension(file.path) in layout.OTHERS
    )
    problems = [
        Problem(
            root,
            f"{count} of {len(files)} recordings end in {ending}, a format that BIDS has not for EEG",
            "read nevertheless",
            "nothing",
        )
        for (root, ending), count in by_ending.items()
    ]
    known = {file.stem for file in files}
    reason = "its format is not read in a BIDS folder; convert it to EDF or BrainVision"
    return problems + [
        Problem(file.path, reason, LEFT_OUT)
        for root in layout.roots(path)
        for file in layout.unread(root, task.bids_tasks)
        if file.stem not in known
    ]


def _of_releases(
    files: list[layout.BidsFile],
    subjects: Subjects,
    chosen: set[str],
    every: bool,
    path: Path,
    problems: list[Problem],
) -> list[layout.BidsFile]:
    releases = {file: subjects.of(file)["release"] for file in files}
    missing = hbn.missing_releases(chosen, releases.values(), every)
    if missing:
        known = sorted({str(name) for name in releases.values() if name is not None})
        raise SparseEEGError(
            f"{path}: no recording of release {', '.join(missing)}; participants.tsv names "
            f"{', '.join(known) or 'no release'}"
        )
    for file, release in releases.items():
        if release is None:
            problems.append(Problem(file.path, "its release is not known", LEFT_OUT))
    return [file for file in files if releases[file] in chosen]


def _not_excluded(files: list[layout.BidsFile], problems: list[Problem]) -> list[layout.BidsFile]:
    for file in files:
        if file.subject in hbn.EXCLUDED_SUBJECTS:
            reason = f"{file.subject} is one of the nine subjects the challenge excludes"
            problems.append(Problem(file.path, reason, f"{LEFT_OUT}; keep_excluded=True reads it"))
    return [file for file in files if file.subject not in hbn.EXCLUDED_SUBJECTS]


def _names(
    path: Path, files: Sequence[layout.BidsFile], subjects: Subjects, problems: list[Problem]
) -> Names:
    """Return a person for each subject of each data set, with a name that tells them apart."""
    datasets = {root: dataset_name(root) for root in dict.fromkeys(file.root for file in files)}
    people: dict[tuple[Path, str], Person] = {}
    for file in files:
        row = {**subjects.of(file), "subject": file.subject, "dataset": datasets[file.root]}
        people.setdefault((file.root, file.subject), person_of(row))
    named, notes = name_people(people.values())
    problems += [Problem(path, note, "see the names of the subjects", "nothing") for note in notes]
    return dict(zip(people, named, strict=True))


def _once(files: list[layout.BidsFile], names: Names, problems: list[Problem]) -> list[layout.BidsFile]:
    """Keep each person in the first data set that has them."""
    first_roots: dict[str, Path] = {}
    kept = []
    for file in files:
        first = first_roots.setdefault(names[file.root, file.subject].name, file.root)
        if first == file.root:
            kept.append(file)
            continue
        reason = (
            f"{file.subject} is already in {first.name}; the same person in two data sets is read from one"
        )
        problems.append(Problem(file.path, reason, LEFT_OUT))
    return kept


def _with_target(
    path: Path, files: list[layout.BidsFile], subjects: Subjects, task: Task, problems: list[Problem]
) -> list[layout.BidsFile]:
    """Keep the recordings of subjects with a target; note the others as one problem per data set."""
    missing: dict[Path, list[str]] = {}
    for file in files:
        if np.isnan(subjects.target(file)):
            missing.setdefault(file.root, []).append(file.subject)
    if files and sum(map(len, missing.values())) == len(files):
        columns = sorted({name for root in missing for name in number_columns(root)})
        first = "".join(f"{NAME}: {problem.reason}; " for problem in subjects.problems[:3])
        numeric = ", ".join(columns) or "there is none"
        raise SparseEEGError(
            f"{path}: {first}no subject with recordings has a number in the column {task.target!r} of "
            f"{NAME}. Tasks: {', '.join(TASKS)}, or a column of numbers: {numeric}."
            f"{nearest(task.name, [*TASKS, *columns])}"
        )
    for root, names in missing.items():
        reason = f"no number in column {task.target} for {listed(names, 'subject')}"
        problems.append(Problem(root / NAME, reason, f"their {len(names)} recordings {LEFT_OUT}"))
    return [file for file in files if not np.isnan(subjects.target(file))]


def _table(kept: Sequence[tuple[layout.BidsFile, Recording]], survey: Survey) -> pd.DataFrame:
    tables = []
    for number, (file, recording) in enumerate(kept):
        person = survey.names[file.root, file.subject]
        table = _described(recording.windows, file, survey.subjects, survey.path)
        table = table.assign(recording=number, subject=person.name, dataset=person.dataset)
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
