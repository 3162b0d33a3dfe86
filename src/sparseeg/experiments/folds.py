"""The splits of a run, each with the folder of the network that is fitted on it."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sparseeg.data import splits
from sparseeg.data.splits import Split
from sparseeg.data.windows import WindowSet
from sparseeg.errors import SparseEEGError
from sparseeg.training.config import SplitConfig


@dataclass(frozen=True)
class Fold:
    """One split and the folder of the network that is fitted on it."""

    folder: Path
    split: Split

    @property
    def part(self) -> str:
        """The part that is scored: the test part; the validation part where everything else trains."""
        return "test" if len(self.split.test) else "validation"

    @property
    def scored(self) -> np.ndarray:
        """The samples of that part."""
        return self.split.test if self.part == "test" else self.split.valid


def make_folds(out: Path, windows: WindowSet, config: SplitConfig) -> list[Fold]:
    """Return the splits of a run, each with the folder below `out` that its network lies in."""
    subjects = windows.subjects
    if config.kind == "loso":
        parts = list(splits.leave_one_subject_out(subjects))
    elif config.kind == "kfold":
        parts = list(splits.subject_folds(subjects, config.folds, config.seed))
    elif config.kind == "release":
        if "release" not in windows.table:
            raise SparseEEGError(f"{windows.source} names no releases; use --split subjects, kfold or loso")
        parts = [splits.by_release(windows.table["release"].to_numpy(), config.valid, config.test)]
    else:
        parts = [splits.by_subject(subjects, config.valid_share, config.test_share, config.seed)]
    folders = fold_folders(out, len(parts))
    return [Fold(folder, part.check(subjects)) for folder, part in zip(folders, parts, strict=True)]


def fold_folders(run: Path, n_folds: int) -> list[Path]:
    """Return the folders of a run's networks: its own, or one for each split."""
    return [run] if n_folds == 1 else [run / "folds" / f"{number:03d}" for number in range(1, n_folds + 1)]
