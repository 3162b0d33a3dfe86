"""Survey a BIDS folder: which recordings of which people are read, before any is opened."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sparseeg.data.bids import hbn, layout
from sparseeg.data.bids.description import any_simulated
from sparseeg.data.bids.participants import NAME, Subjects, number_columns
from sparseeg.data.bids.trials import CONTRAST_CHANGE
from sparseeg.data.people import Person, dataset_name, name_people, person_of
from sparseeg.data.problems import LEFT_OUT, Problem, listed
from sparseeg.data.tasks import TASKS, Task
from sparseeg.errors import SparseEEGError, command, counted, nearest

Names = dict[tuple[Path, str], Person]  # by data set and subject


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


def _recordings(path: Path, task: Task) -> list[layout.BidsFile]:
    files = [file for root in layout.roots(path) for file in layout.recordings(root, task.bids_tasks)]
    if not files:
        wanted = " or ".join(task.bids_tasks) or "any name"
        own = ""
        if task.rule is not None and any(layout.tasks(root) for root in layout.roots(path)):
            events = ["--stimulus", "NAME", "--response", "NAME"]
            if task.rule != CONTRAST_CHANGE:
                events = ["--bids-task", "NAME", *events]
            again = command("prepare", path, "--out", "STORE", *events)
            own = f". For events of your own, make a store: {again}"
        raise SparseEEGError(
            f"{path}: no recording of the BIDS task {wanted}, which {task.name} needs{other_tasks(path)}{own}"
        )
    return files


def other_tasks(path: Path) -> str:
    """Return which BIDS tasks a folder has, as the end of a message."""
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
    """Keep each recording of a person in the first data set that has one of its name.

    Raises SparseEEGError where one data set holds it in two versions.
    """
    first_files: dict[tuple[str, str], layout.BidsFile] = {}
    kept = []
    for file in files:
        key = names[file.root, file.subject].name, layout.without_version(file.stem)
        first = first_files.setdefault(key, file)
        if first.root == file.root:
            if first.stem != file.stem:
                raise SparseEEGError(
                    f"{file.root}: {first.stem} and {file.stem} are versions of one recording, whose trials "
                    "would count twice; move one of them out of the folder"
                )
            kept.append(file)
            continue
        reason = (
            f"{key[1]} of the same person is already in {first.root.name}; if it is another recording, give "
            "it another run or session"
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
        action = f"their {counted(len(names), 'recording')} {LEFT_OUT}"
        kind = f"without a number in the column {task.target}"
        problems.append(Problem(root / NAME, reason, action, count=len(names), kind=kind))
    return [file for file in files if not np.isnan(subjects.target(file))]
