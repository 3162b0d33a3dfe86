"""The splits of a run, each with the folder of the networks that are fitted on it."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sparseeg.data import splits
from sparseeg.data.splits import Split
from sparseeg.data.windows import WindowSet
from sparseeg.engines import Report
from sparseeg.errors import SparseEEGError
from sparseeg.training.config import SplitConfig
from sparseeg.training.subjects import SplitSubjects, split_folders


@dataclass(frozen=True)
class SplitFolder:
    """A split, as rows of the windows, and the folder of the networks that are fitted on it."""

    folder: Path
    rows: Split

    @property
    def part(self) -> str:
        """The part that is scored: the test part; the validation part where there is no test part."""
        return "test" if len(self.rows.test) else "validation"

    @property
    def scored(self) -> np.ndarray:
        """The rows of that part."""
        return self.rows.test if self.part == "test" else self.rows.valid


def make_splits(run: Path, windows: WindowSet, config: SplitConfig) -> list[SplitFolder]:
    """Return the splits of windows for a run, each with its folder; SparseEEGError where there are none."""
    subjects = windows.subjects
    if "test_data" in windows.table:
        found = [_tested_elsewhere(windows, config)]
    elif config.kind == "loso":
        found = list(splits.leave_one_subject_out(subjects))
    elif config.kind == "kfold":
        found = list(splits.subject_folds(subjects, config.folds, config.seed))
    elif config.kind == "release":
        found = [splits.by_release(_releases(windows), config.valid, config.test)]
    else:
        found = [splits.by_subject(subjects, config.valid_share, config.test_share, config.seed)]
    folders = split_folders(run, len(found))
    return [SplitFolder(folder, split.check(subjects)) for folder, split in zip(folders, found, strict=True)]


def _tested_elsewhere(windows: WindowSet, config: SplitConfig) -> Split:
    """Return the split whose test part is the data that were read to test; the others train and validate."""
    test = windows.table["test_data"].to_numpy(dtype=bool)
    rows = np.flatnonzero(~test)
    if config.kind == "release":
        split = splits.by_release(_releases(windows)[rows], config.valid, ())
    elif config.kind == "subjects":
        split = splits.by_subject(windows.subjects[rows], config.valid_share, 0.0, config.seed)
    else:
        raise SparseEEGError(f"--split {config.kind} tests every subject; leave --test-data out")
    return Split(rows[split.train], rows[split.valid], np.flatnonzero(test))


def _releases(windows: WindowSet) -> np.ndarray:
    if "release" not in windows.table:
        raise SparseEEGError(f"{windows.source} names no releases; use --split subjects, kfold or loso")
    return windows.table["release"].to_numpy()


def stored_split(folder: Path, stored: SplitSubjects, windows: WindowSet, report: Report) -> SplitFolder:
    """Return the split that a run was trained with, as rows of windows; see `stored_rows`.

    Raises
    ------
    SparseEEGError : a subject of the part that is scored has no window.
    """
    part, scored = stored.scored
    missing = sorted(set(scored) - set(windows.subjects.tolist()))
    if missing:
        more = ", ..." if len(missing) > 5 else ""
        raise SparseEEGError(
            f"{folder}: {len(missing)} of its {len(scored)} {part} subjects have no window in "
            f"{windows.source} ({', '.join(missing[:5])}{more}); restore their recordings, or evaluate other "
            "recordings"
        )
    return SplitFolder(folder, stored_rows(stored, windows, report))


def stored_rows(stored: SplitSubjects, windows: WindowSet, report: Report) -> Split:
    """Return the rows of each part of a stored split, and report who has no window to fit baselines on."""
    there = set(windows.subjects.tolist())
    for part, subjects in (("training", stored.train), ("validation", stored.valid)):
        gone = set(subjects) - there
        if gone:
            report(
                f"{len(gone)} of the {len(subjects)} {part} subjects have no window in {windows.source}: "
                "baselines are fitted without them"
            )
    return stored.rows(windows.subjects)
