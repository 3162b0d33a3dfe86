"""Who trains, validates and tests, by name: `splits.json` in the folder of a run."""

import json
from collections.abc import Sequence
from pathlib import Path

from sparseeg.data.splits import Split
from sparseeg.data.windows import WindowSet
from sparseeg.errors import SparseEEGError, one_line
from sparseeg.files.atomic import write_json

FILE = "splits.json"
Parts = dict[str, list[str]]


def subjects_of(windows: WindowSet, split: Split) -> Parts:
    """Return the subjects of each part of a split, sorted."""
    return {part: sorted(set(windows.subjects[rows].tolist())) for part, rows in split._asdict().items()}


def read_parts(run: Path) -> list[Parts]:
    """Return the parts of each split of a run; SparseEEGError where they can't be read."""
    try:
        return json.loads((run / FILE).read_text())
    except (OSError, ValueError) as error:
        raise SparseEEGError(f"{run / FILE} can't be read: {one_line(error)}") from error


def write_parts(run: Path, windows: WindowSet, splits: Sequence[Split]) -> None:
    """Write the parts of each split to the folder of a run.

    Raises SparseEEGError where the run was begun with others: what it has trained already might be tested on
    subjects that it knows.
    """
    parts = [subjects_of(windows, split) for split in splits]
    if (run / FILE).exists():
        moved = difference(read_parts(run), parts)
        if moved:
            raise SparseEEGError(f"{run} was begun with other data: {moved}; train into another folder")
    write_json(run / FILE, parts)


def difference(before: Sequence[Parts], now: Sequence[Parts]) -> str | None:
    """Say of one subject that it is in another part than before; None where all are in theirs."""
    if len(before) != len(now):
        return f"{len(before)} splits then, {len(now)} now"
    for then, here in zip(before, now, strict=True):
        for part in {**then, **here}:
            other = sorted(set(then.get(part, [])) ^ set(here.get(part, [])))
            if other:
                subject = other[0]
                return (
                    f"subject {subject} was {_where(then, subject)} then and is {_where(here, subject)} now"
                )
    return None


def _where(parts: Parts, subject: str) -> str:
    found = [part for part, subjects in parts.items() if subject in subjects]
    return f"in the part {' and '.join(found)}" if found else "not there"
