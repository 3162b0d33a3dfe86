"""Write a simulated data set: a BIDS folder in the form of the HBN-EEG challenge copies, marked as such."""

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from sparseeg.errors import SparseEEGError
from sparseeg.files.atomic import write_whole
from sparseeg.files.lock import is_empty

from . import metadata
from .behaviour import events_table, make_run
from .files import write_bdf, write_json
from .forward import make_anatomy
from .passive import EVENTS_JSON, Passive, passive_events, passive_recordings, passive_seconds
from .passive_signals import make_passive_signals
from .settings import DEFAULT, TARGETS_PER_RUN, Settings
from .signals import make_signals
from .subjects import make_subject

TASK = "contrastChangeDetection"
FEWEST_SUBJECTS, MOST_RUNS = 3, 3


def targets_per_run(trials: int) -> list[int]:
    """Return the number of targets of each run: 24 per run, the last run may be shorter."""
    if not 1 <= trials <= MOST_RUNS * TARGETS_PER_RUN:
        raise SparseEEGError(
            f"{trials} trials per subject cannot be simulated: choose 1 to {MOST_RUNS * TARGETS_PER_RUN} "
            f"({TARGETS_PER_RUN} targets per run, at most {MOST_RUNS} runs, as in the real task)"
        )
    full, rest = divmod(trials, TARGETS_PER_RUN)
    return [TARGETS_PER_RUN] * full + ([rest] if rest else [])


@dataclass(frozen=True)
class Plan:
    """What every subject of a set gets: contrast-change targets, and passive recordings."""

    trials: int
    seed: int
    settings: Settings
    passive: tuple[Passive, ...]


def _write_subject(out: Path, index: int, plan: Plan) -> None:
    """Write the folder of one subject beside its place, then move it there in one step."""
    # The last bits of a matrix product depend on the number of threads.
    with threadpool_limits(1):
        _write_subject_alone(out, index, plan)


def _write_subject_alone(out: Path, index: int, plan: Plan) -> None:
    seed, settings = plan.seed, plan.settings
    subject = make_subject(seed, index, settings)
    anatomy = make_anatomy(seed, index, settings)
    place = out / subject.participant_id
    if place.is_dir():
        return
    draft = out / f".{subject.participant_id}.part"
    shutil.rmtree(draft, ignore_errors=True)
    (draft / "eeg").mkdir(parents=True)
    for number, targets in enumerate(targets_per_run(plan.trials), start=1):
        run = make_run(seed, subject, number, settings, targets)
        signals = make_signals(seed, subject, anatomy, run, settings)
        stem = draft / "eeg" / f"{subject.participant_id}_task-{TASK}_run-{number}"
        _write_recording(stem, TASK, run.seconds, events_table(run), signals)
    for recording in plan.passive:
        signals = make_passive_signals(seed, subject, anatomy, recording, settings)
        stem = draft / "eeg" / f"{subject.participant_id}_task-{recording.task}"
        _write_recording(stem, recording.task, float(recording.seconds), passive_events(recording), signals)
    os.replace(draft, place)


def _write_recording(
    stem: Path, task: str, seconds: float, events: pd.DataFrame, signals: np.ndarray
) -> None:
    """Write a recording and its sidecars, whose paths begin with `stem`."""
    table = events.to_csv(sep="\t", index=False, lineterminator="\n")
    write_whole(stem.with_name(f"{stem.name}_events.tsv"), table)
    write_whole(stem.with_name(f"{stem.name}_channels.tsv"), metadata.CHANNELS_TSV)
    write_json(stem.with_name(f"{stem.name}_eeg.json"), metadata.eeg_sidecar(task, seconds))
    write_bdf(stem.with_name(f"{stem.name}_eeg.bdf"), signals)


def _write_tables(out: Path, subjects: int, plan: Plan) -> None:
    """Write what belongs to the whole set, but for its description."""
    people = [make_subject(plan.seed, index, plan.settings) for index in range(subjects)]
    tasks = [recording.task for recording in plan.passive]
    runs = len(targets_per_run(plan.trials))
    write_whole(out / "participants.tsv", metadata.participants_tsv(people, runs, tasks))
    write_json(out / "participants.json", metadata.PARTICIPANTS_JSON)
    write_json(out / f"task-{TASK}_events.json", metadata.EVENTS_JSON)
    for task in tasks:
        write_json(out / f"task-{task}_events.json", EVENTS_JSON)
    write_whole(out / "README", metadata.README + (metadata.README_PASSIVE if tasks else ""))


def _claim(out: Path, description: dict[str, object]) -> None:
    """Make `out` ours: a new or empty folder, or the same simulated set to be continued."""
    if out.exists() and not out.is_dir():
        raise SparseEEGError(f"{out} is a file; give a folder for the simulated data set")
    found = metadata.read_description(out)
    if found is None and out.is_dir() and not is_empty(out):
        raise SparseEEGError(f"{out} is not empty and holds no simulated data set; choose a new folder")
    if found is not None and found.get("GeneratedBy") != description["GeneratedBy"]:
        raise SparseEEGError(
            f"{out} holds a data set that was not made with these options (subjects, trials, seed, "
            "passive minutes, version); choose a new folder or remove it"
        )
    out.mkdir(parents=True, exist_ok=True)


def _each(jobs: list[Callable[[], None]], n_jobs: int) -> Iterator[None]:
    """Run the jobs, here or in processes, and yield after each."""
    if n_jobs == 1:
        for job in jobs:
            yield job()
    else:
        parallel = joblib.Parallel(n_jobs=n_jobs, return_as="generator_unordered", inner_max_num_threads=1)
        yield from parallel(joblib.delayed(job)() for job in jobs)


def simulate_dataset(
    out: Path,
    subjects: int = 112,
    trials: int = 48,
    seed: int = 0,
    n_jobs: int = 1,
    progress: Callable[[int, int], None] | None = None,
    settings: Settings = DEFAULT,
    passive_minutes: float = 0,
) -> Path:
    """Write an HBN-like BIDS data set of `subjects` with `trials` targets each into `out`, and return `out`.

    With `passive_minutes`, 1 to 30, everybody also gets a resting state and a film of that length each.
    The same seed gives the same files whatever `n_jobs`; an interrupted set is continued by the same call.
    `progress` is told (subjects done, subjects). Raises `SparseEEGError` for unusable numbers or a foreign
    folder.
    """
    out = Path(out)
    targets_per_run(trials)
    if not FEWEST_SUBJECTS <= subjects <= 99_999:
        raise SparseEEGError(
            f"{subjects} subjects cannot be simulated: at least {FEWEST_SUBJECTS} are needed, "
            "one each for the training (R1), validation (R4) and test (R5) release"
        )
    if seed < 0:
        raise SparseEEGError(f"the seed must not be negative, got {seed}")
    seconds = passive_seconds(passive_minutes)
    plan = Plan(trials, seed, settings, passive_recordings(seconds))
    description = metadata.description(subjects, trials, seed, settings, seconds)
    _claim(out, description)
    write_json(out / "dataset_description.json", description)
    _write_tables(out, subjects, plan)
    jobs: list[Callable[[], None]] = [partial(_write_subject, out, index, plan) for index in range(subjects)]
    for done, _ in enumerate(_each(jobs, n_jobs), start=1):
        if progress is not None:
            progress(done, subjects)
    return out
