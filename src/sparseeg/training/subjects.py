"""Who trains, validates and tests, by name: `splits.json` in the folder of a run."""

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from sparseeg.data.problems import listed
from sparseeg.data.splits import Split
from sparseeg.data.windows import WindowSet
from sparseeg.errors import SparseEEGError
from sparseeg.files.atomic import read_json, write_json
from sparseeg.models.files import read_trained_by

FILE = "splits.json"
SHARED = "settings.json"  # of a comparison
_NETWORKS = [  # of a split, in its folder
    f"{part}{member}model.safetensors" for part in ("", "selection/") for member in ("", "members/*/")
]


@dataclass(frozen=True)
class SplitSubjects:
    """The subjects in each part of a split, sorted."""

    train: list[str]
    valid: list[str]
    test: list[str]

    @classmethod
    def of(cls, windows: WindowSet, split: Split) -> "SplitSubjects":
        """Return the subjects of a split of windows."""
        return cls(**{part: sorted(set(windows.subjects[rows])) for part, rows in split._asdict().items()})

    @property
    def scored(self) -> tuple[str, list[str]]:
        """The part that is scored, by name, and its subjects: test; validation where nobody tests."""
        return ("test", self.test) if self.test else ("validation", self.valid)

    @property
    def digest(self) -> str:
        """Hash of the names, which the networks of the split keep."""
        parts = [sorted(map(str, getattr(self, field.name))) for field in fields(self)]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()

    def __str__(self) -> str:
        parts = (("training", self.train), ("validation", self.valid), ("test", self.test))
        return "; ".join(f"{part}: {listed(names, 'subject')}" for part, names in parts if names)

    def rows(self, subjects: np.ndarray) -> Split:
        """Return the split of windows whose subjects are given."""
        return Split(
            *(np.flatnonzero(np.isin(subjects, part)) for part in (self.train, self.valid, self.test))
        )

    def part_of(self, subject: str) -> str:
        """Return the part of a subject in words."""
        parts = [field.name for field in fields(self) if subject in getattr(self, field.name)]
        return f"in the {' and the '.join(parts)} part" if parts else "in no part"


@dataclass(frozen=True)
class SharedRecord:
    """What `settings.json` of a comparison says about the training of all its runs.

    Parameters
    ----------
    given : what replaces the recipe of every network, except for the device.
    subjects : of each split.
    """

    given: dict[str, Any]
    subjects: list[SplitSubjects]


def comparison_of(run: Path) -> Path | None:
    """Return the comparison that a run folder belongs to; None for a run of its own."""
    if len(run.parents) < 3 or run.parents[1].name != "runs":
        return None
    return run.parents[2] if os.path.lexists(run.parents[2] / SHARED) else None


def read_subjects(run: Path) -> list[SplitSubjects]:
    """Return the subjects of each split of a run.

    Raises
    ------
    SparseEEGError : they can't be known: the file is missing or damaged, or names others than those with whom
        a network of the run was trained. Networks of version 0.1.0 don't say who that was.
    """
    splits = read_json(run / FILE, list[SplitSubjects])
    if not splits or not all(split.train and split.valid for split in splits):
        raise SparseEEGError(f"{run / FILE} is damaged: a split without training or validation subjects")
    for folder, split in zip(split_folders(run, len(splits)), splits, strict=True):
        for path in _networks(folder):
            if read_trained_by(path) not in (None, split.digest):
                raise SparseEEGError(
                    f"{run / FILE} was changed after the training: {path} was trained, validated or tested "
                    "with other subjects; restore the file"
                )
    return splits


def split_folders(run: Path, n_splits: int) -> list[Path]:
    """Return the folder of each split of a run: the run itself for one, `folds/NNN` in it for several."""
    return [run] if n_splits == 1 else [run / "folds" / f"{number:03d}" for number in range(1, n_splits + 1)]


def networks_say_who_trained(run: Path) -> bool:
    """Say whether a network of a run keeps who trained it, as all but those of version 0.1.0 do."""
    if not (run / FILE).exists():
        return False
    folders = split_folders(run, len(read_json(run / FILE, list[SplitSubjects])))
    return any(read_trained_by(path) is not None for folder in folders for path in _networks(folder))


def _networks(folder: Path) -> list[Path]:
    """Return the files of all networks in the folder of a split."""
    return [path for pattern in _NETWORKS for path in sorted(folder.glob(pattern))]


def write_subjects(run: Path, splits: Sequence[SplitSubjects]) -> None:
    """Write the subjects of each split to the folder of a run."""
    write_json(run / FILE, [asdict(split) for split in splits])


def check_subjects(run: Path, splits: Sequence[SplitSubjects]) -> None:
    """Raise SparseEEGError where a run was started with other subjects: it may know the test subjects."""
    moved = difference(read_subjects(run), splits)
    if moved:
        raise SparseEEGError(f"{run} was started with other data: {moved}; train into another folder")


def difference(before: Sequence[SplitSubjects], now: Sequence[SplitSubjects]) -> str | None:
    """Return what has changed, of one subject; None where all are in the same parts as before."""
    if len(before) != len(now):
        return f"{len(before)} splits before, {len(now)} now"
    for then, here in zip(before, now, strict=True):
        for field in fields(SplitSubjects):
            moved = sorted(set(getattr(then, field.name)) ^ set(getattr(here, field.name)))
            if moved:
                subject = moved[0]
                return f"subject {subject} was {then.part_of(subject)} and is {here.part_of(subject)} now"
    return None
