"""Write a simulated data set: a BIDS folder like the HBN-EEG copies of the challenge, marked as simulated."""

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

from sparseeg.data.bids.description import is_simulated, read_description
from sparseeg.data.bids.hbn import CONTRAST_TASK
from sparseeg.errors import SparseEEGError
from sparseeg.files.atomic import write_json, write_whole
from sparseeg.files.lock import is_empty

from . import metadata
from .bdf import write_bdf
from .behaviour import events_table, make_run
from .forward import make_anatomy
from .passive import EVENTS_JSON, PassiveRecording, passive_events, passive_recordings, passive_seconds
from .passive_signals import make_passive_signals
from .settings import DEFAULT, TARGETS_PER_RUN, SimulatorSettings
from .signals import make_signals
from .subjects import make_subject

FEWEST_SUBJECTS, MOST_RUNS = 3, 3


def targets_per_run(trials: int) -> list[int]:
    """Return the number of targets in each run: 24, except in the last run.

    Raises
    ------
    SparseEEGError : the number of trials is not between 1 and 72.
    """
    if not 1 <= trials <= MOST_RUNS * TARGETS_PER_RUN:
        raise SparseEEGError(
            f"{trials} trials per subject cannot be simulated: choose 1 to {MOST_RUNS * TARGETS_PER_RUN} "
            f"({TARGETS_PER_RUN} targets per run, at most {MOST_RUNS} runs, as in the real task)"
        )
    full, rest = divmod(trials, TARGETS_PER_RUN)
    return [TARGETS_PER_RUN] * full + ([rest] if rest else [])


@dataclass(frozen=True)
class Plan:
    """What is simulated for each subject of a set: contrast changes, and passive recordings."""

    trials: int
    seed: int
    settings: SimulatorSettings
    passive: tuple[PassiveRecording, ...]


def _write_subject(out: Path, index: int, plan: Plan) -> None:
    """Write the folder of one subject under a temporary name, and rename it when it is complete."""
    # The last bits of a matrix product depend on the number of threads.
    with threadpool_limits(1):
        _write_recordings(out, index, plan)


def _write_recordings(out: Path, index: int, plan: Plan) -> None:
    seed, settings = plan.seed, plan.settings
    subject = make_subject(seed, index, settings)
    anatomy = make_anatomy(seed, index, settings)
    folder = out / subject.participant_id
    if folder.is_dir():
        return
    draft = out / f".{subject.participant_id}.part"
    shutil.rmtree(draft, ignore_errors=True)
    (draft / "eeg").mkdir(parents=True)
    for number, targets in enumerate(targets_per_run(plan.trials), start=1):
        run = make_run(seed, subject, number, settings, targets)
        signals = make_signals(seed, subject, anatomy, run, settings)
        stem = draft / "eeg" / f"{subject.participant_id}_task-{CONTRAST_TASK}_run-{number}"
        _write_recording(stem, CONTRAST_TASK, run.seconds, events_table(run), signals)
    for recording in plan.passive:
        signals = make_passive_signals(seed, subject, anatomy, recording, settings)
        stem = draft / "eeg" / f"{subject.participant_id}_task-{recording.task}"
        _write_recording(stem, recording.task, float(recording.seconds), passive_events(recording), signals)
    os.replace(draft, folder)


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
    """Write the files about the whole set, except its description."""
    people = [make_subject(plan.seed, index, plan.settings) for index in range(subjects)]
    tasks = [recording.task for recording in plan.passive]
    runs = len(targets_per_run(plan.trials))
    write_whole(out / "participants.tsv", metadata.participants_tsv(people, runs, tasks))
    write_json(out / "participants.json", metadata.PARTICIPANTS_JSON)
    write_json(out / f"task-{CONTRAST_TASK}_events.json", metadata.EVENTS_JSON)
    for task in tasks:
        write_json(out / f"task-{task}_events.json", EVENTS_JSON)
    write_whole(out / "README", metadata.README + (metadata.README_PASSIVE if tasks else ""))


def _claim(out: Path, description: dict[str, object]) -> None:
    """Make the folder; raise SparseEEGError unless it is new, empty, or holds the same simulated set."""
    if out.exists() and not out.is_dir():
        raise SparseEEGError(f"{out} is a file; give a folder for the simulated data set")
    simulated = is_simulated(out)
    if not simulated and out.is_dir() and not is_empty(out):
        raise SparseEEGError(f"{out} is not empty and holds no simulated data set; choose a new folder")
    if simulated and read_description(out).get("GeneratedBy") != description["GeneratedBy"]:
        raise SparseEEGError(
            f"{out} holds a data set that was not made with these options (subjects, trials, seed, "
            "passive minutes, version); choose a new folder or remove it"
        )
    out.mkdir(parents=True, exist_ok=True)


def _each(jobs: list[Callable[[], None]], n_jobs: int) -> Iterator[None]:
    """Run the jobs, in this process or in several, and yield after each."""
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
    settings: SimulatorSettings = DEFAULT,
    passive_minutes: float = 0,
) -> Path:
    """Write a simulated BIDS data set like HBN-EEG, and return its folder.

    The same seed gives the same files for any `n_jobs`; the same call continues an interrupted set.

    Parameters
    ----------
    out : a new or empty folder, or that of an interrupted set.
    subjects : number of subjects, at least 3.
    trials : targets per subject, 1 to 72.
    seed : seed of all draws, not negative.
    n_jobs : number of processes.
    progress : called as `progress(subjects done, subjects)`.
    settings : numbers of the simulation.
    passive_minutes : length of a resting state and of a film for each subject, 1 to 30; 0 for none.

    Raises
    ------
    SparseEEGError : a number is out of range, or the folder holds something else.
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
