"""Refuse epochs files that hold the same trials of a person in two versions, whatever their names say."""

from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path

import numpy as np

from sparseeg.data.epochs.file import EpochsFile
from sparseeg.data.epochs.people import recording_words
from sparseeg.errors import SparseEEGError


def check_versions(root: Path, files: Sequence[EpochsFile], people: Mapping[Path, str]) -> None:
    """Raise SparseEEGError where two files of a person hold the same trials, with other samples.

    Files whose names say that they are different recordings, as `run-1` and `run-2`, are not compared. Trials
    with the same samples are no matter of this function: `without_copies` drops them.
    """
    by_person: dict[str, list[EpochsFile]] = {}
    for file in files:
        by_person.setdefault(people[file.path], []).append(file)
    for person, own in by_person.items():
        for one, other in combinations(own, 2):
            count = 0 if _other_recordings(root, one, other) else _same_trials(one, other)
            if count:
                names = [file.path.relative_to(root).as_posix() for file in (one, other)]
                raise SparseEEGError(
                    f"{root}: {names[0]} and {names[1]} hold {count} epochs of the same trials of {person}, "
                    "with the same events and targets but other samples, and would count twice; move one of "
                    "them out of the folder, or name them _proc-NAME and choose one with --proc. If they are "
                    "different recordings, name them run-1 and run-2"
                )


def _other_recordings(root: Path, one: EpochsFile, other: EpochsFile) -> bool:
    """Return whether names count two files as different recordings."""
    a, b = (recording_words(file.path.relative_to(root).as_posix()) for file in (one, other))
    return bool(a - b and b - a)


def _same_trials(one: EpochsFile, other: EpochsFile) -> int:
    """Return how many epochs of two files are versions of the same trials; 0 if few agree, as by chance."""
    places = [_trials(file) for file in (one, other)]
    shared = places[0].keys() & places[1].keys()
    fewest = min(len(one.target), len(other.target))
    # Without events of their own, epochs are numbered from 0 on: these numbers agree in all files.
    enough = fewest if _counted(one.event) or _counted(other.event) else fewest // 2 + 1
    if fewest < 2 or len(shared) < enough:
        return 0
    a, b = (
        file.signal[[rows[trial] for trial in shared]]
        for file, rows in zip((one, other), places, strict=True)
    )
    return 0 if np.array_equal(a, b) else len(shared)


def _trials(file: EpochsFile) -> dict[tuple[int, float], int]:
    """Return the row of each trial, by the sample of its event and its target."""
    return {
        (int(event), float(target)): row
        for row, (event, target) in enumerate(zip(file.event, file.target, strict=True))
    }


def _counted(events: np.ndarray) -> bool:
    """Return whether events lie at multiples of one step, as numbers of epochs do."""
    steps = np.diff(events)
    return bool(len(steps) == 0 or (steps.min() > 0 and not (steps % steps.min()).any()))
