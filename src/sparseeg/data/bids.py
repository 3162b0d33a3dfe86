"""BIDS folders (HBN-EEG and its like): from files to stimulus-locked windows with their response times."""

from collections import Counter
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from sparseeg.data import hbn, layout
from sparseeg.data.channels import channel_difference, channel_order, expected_channels
from sparseeg.data.parallel import Progress, read_each
from sparseeg.data.participants import Subjects, is_simulated
from sparseeg.data.problems import LEFT_OUT, Problem, one_line, summarise
from sparseeg.data.recording import Recording, Span, read_recording
from sparseeg.data.trials import trial_table
from sparseeg.data.tsv import read_tsv
from sparseeg.data.windows import WindowSet
from sparseeg.errors import SparseEEGError

TASK = "response-time"
TMIN, TMAX = 0.5, 2.5  # seconds after the stimulus, as the challenge cuts its windows
ABOUT = ("release", "age", "sex", "task", "run")


def read_bids(
    path: Path | str,
    *,
    tmin: float = TMIN,
    tmax: float = TMAX,
    sfreq: float = hbn.SFREQ,
    releases: Sequence[str] | None = None,
    keep_excluded: bool = False,
    n_jobs: int = 1,
    progress: Progress | None = None,
) -> WindowSet:
    """Return the stimulus-locked response-time windows of a BIDS folder, or of a folder of BIDS folders.

    Parameters
    ----------
    path : the folder with `sub-*/[ses-*/]eeg/*_task-contrastChangeDetection*_eeg.{bdf,set,edf,vhdr}`.
    tmin, tmax : seconds after the stimulus; a window holds round((tmax - tmin) * sfreq) samples.
    sfreq : Hz; a recording at another rate is resampled, with a note among the problems.
    releases : HBN releases to read, as `["R1", "R5"]`; all by default.
    keep_excluded : also read the nine subjects the challenge leaves out.
    n_jobs : processes that read; the result does not depend on it.
    progress : called as `progress(done, total)` after each recording.

    Returns
    -------
    WindowSet : targets in seconds; `problems` has an entry for each file that was not read as it should be.

    Raises
    ------
    SparseEEGError : no recording of the task, an unknown release, or no window left.
    """
    path = Path(path)
    span = _span(tmin, tmax, sfreq)
    files = _recordings(path)
    subjects = Subjects(files)
    problems = [*subjects.problems, *_without_signal(path, files)]
    if releases is not None:
        files = _of_releases(files, subjects, {hbn.release(name) for name in releases}, path, problems)
    if not keep_excluded:
        files = _not_excluded(files, problems)
    read = read_each(partial(read_recording, span=span), files, n_jobs, progress)
    ch_names = expected_channels([result.ch_names for result in read if isinstance(result, Recording)])
    kept = _alike(files, read, ch_names, problems)
    if not kept:
        raise SparseEEGError(f"{path}: no window left of {len(read)} recordings; {summarise(problems)}")
    return WindowSet(
        signals=[recording.signal for _, recording in kept],
        table=_table(kept, subjects, path),
        n_times=span.n_times,
        sfreq=span.sfreq,
        ch_names=ch_names,
        task=TASK,
        target_name="rt",
        target_unit="s",
        source=str(path),
        simulated=any(is_simulated(root) for root in {file.root for file in files}),
        tmin=span.tmin,
        problems=tuple(problems),
    )


def read_trials(path: Path | str) -> tuple[pd.DataFrame, tuple[Problem, ...]]:
    """Return every trial of the contrast task's events files, without looking at signals.

    Returns
    -------
    DataFrame : the columns of `trial_table` and `subject, release, age, sex, task, run, file`; a trial
        without stimulus or response has no `rt`. No subject is excluded.
    problems : one for each events file that could not be used.

    Raises
    ------
    SparseEEGError : there is no events file of the task, or no usable one.
    """
    path = Path(path)
    files = [file for root in layout.roots(path) for file in layout.events_files(root, hbn.CONTRAST_TASK)]
    if not files:
        raise SparseEEGError(f"{path}: no events file of the task {hbn.CONTRAST_TASK}{_other_tasks(path)}")
    subjects = Subjects(files)
    problems = list(subjects.problems)
    tables = []
    for file in files:
        try:
            tables.append(_described(trial_table(read_tsv(file.path)), file, subjects, path))
        except SparseEEGError as error:
            problems.append(Problem(file.path, one_line(error), LEFT_OUT))
    if not tables:
        raise SparseEEGError(f"{path}: no trial in {len(files)} events files; {summarise(problems)}")
    return pd.concat(tables, ignore_index=True), tuple(problems)


def _span(tmin: float, tmax: float, sfreq: float) -> Span:
    if not (np.isfinite([tmin, tmax, sfreq]).all() and sfreq > 0 and round((tmax - tmin) * sfreq) >= 1):
        raise SparseEEGError(
            f"no window from {tmin:g} to {tmax:g} s at {sfreq:g} Hz: tmax must lie after tmin"
        )
    return Span(float(tmin), round((tmax - tmin) * sfreq), float(sfreq))


def _recordings(path: Path) -> list[layout.BidsFile]:
    files = [file for root in layout.roots(path) for file in layout.recordings(root, hbn.CONTRAST_TASK)]
    if not files:
        raise SparseEEGError(
            f"{path}: no recording of the task {hbn.CONTRAST_TASK}, from which {TASK} is read"
            f"{_other_tasks(path)}"
        )
    return files


def _other_tasks(path: Path) -> str:
    there: Counter[str] = sum((layout.tasks(root) for root in layout.roots(path)), Counter())
    if there:
        return "; tasks there: " + ", ".join(f"{name} ({count})" for name, count in sorted(there.items()))
    endings = ", ".join(layout.EXTENSIONS)
    return f"; there is no EEG recording at all ({endings}) in sub-*/eeg or sub-*/ses-*/eeg"


def _without_signal(path: Path, files: Sequence[layout.BidsFile]) -> list[Problem]:
    """Return a problem for each events file of the task that has no recording beside it."""
    known = {file.sidecar("events.tsv") for file in files}
    alone = [
        file.path
        for root in layout.roots(path)
        for file in layout.events_files(root, hbn.CONTRAST_TASK)
        if file.path not in known
    ]
    return [Problem(events, "there is no recording beside this events file", LEFT_OUT) for events in alone]


def _of_releases(
    files: list[layout.BidsFile], subjects: Subjects, chosen: set[str], path: Path, problems: list[Problem]
) -> list[layout.BidsFile]:
    of = {file: subjects.of(file)["release"] for file in files}
    if not chosen & set(of.values()):
        known = sorted({str(name) for name in of.values() if name is not None})
        raise SparseEEGError(
            f"{path}: no recording of release {', '.join(sorted(chosen))}; participants.tsv names "
            f"{', '.join(known) or 'no release'}"
        )
    for file, release in of.items():
        if release is None:
            problems.append(Problem(file.path, "its release is not known", LEFT_OUT))
    return [file for file in files if of[file] in chosen]


def _not_excluded(files: list[layout.BidsFile], problems: list[Problem]) -> list[layout.BidsFile]:
    for file in files:
        if file.subject in hbn.EXCLUDED_SUBJECTS:
            reason = f"{file.subject} is one of the nine subjects the challenge excludes"
            problems.append(Problem(file.path, reason, f"{LEFT_OUT}; keep_excluded=True reads it"))
    return [file for file in files if file.subject not in hbn.EXCLUDED_SUBJECTS]


def _alike(
    files: Sequence[layout.BidsFile],
    read: Sequence[Recording | Problem],
    ch_names: tuple[str, ...],
    problems: list[Problem],
) -> list[tuple[layout.BidsFile, Recording]]:
    """Return the recordings with the expected channels, in their order; the others become problems."""
    kept = []
    for file, result in zip(files, read, strict=True):
        if isinstance(result, Problem):
            problems.append(result)
            continue
        order = channel_order(result.ch_names, ch_names)
        if order is None:
            problems.append(Problem(file.path, channel_difference(result.ch_names, ch_names), LEFT_OUT))
            continue
        problems += result.problems
        kept.append((file, result.reordered(order)))
    return kept


def _table(kept: Sequence[tuple[layout.BidsFile, Recording]], subjects: Subjects, path: Path) -> pd.DataFrame:
    tables = [
        _described(recording.trials, file, subjects, path).assign(recording=number)
        for number, (file, recording) in enumerate(kept)
    ]
    table = pd.concat(tables, ignore_index=True)
    table = table.rename(columns={"rt": "target", "stimulus_onset": "onset"})
    return table[["recording", "start", "target", "subject", *ABOUT, "trial", "onset", "correct", "file"]]


def _described(trials: pd.DataFrame, file: layout.BidsFile, subjects: Subjects, path: Path) -> pd.DataFrame:
    """Return the trials with what is known about their recording and its subject."""
    about = subjects.of(file) | {"task": file.entities.get("task"), "run": file.run}
    described = trials.copy()
    described["subject"] = file.subject
    for name in ABOUT:
        kind = np.float64 if name == "age" else object
        described[name] = pd.Series([about[name]] * len(trials), index=trials.index, dtype=kind)
    described["file"] = file.path.relative_to(path).as_posix()
    return described
