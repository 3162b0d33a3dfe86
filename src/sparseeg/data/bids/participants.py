"""Read participants.tsv of BIDS folders: release, age, sex and a target of each subject."""

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from sparseeg.data.bids import hbn
from sparseeg.data.bids.layout import BidsFile
from sparseeg.data.bids.participants_json import NAME as JSON
from sparseeg.data.bids.participants_json import missing_codes, per_year, read_columns
from sparseeg.data.bids.spelling import alike, plain
from sparseeg.data.problems import Problem, listed, noted
from sparseeg.errors import SparseEEGError, one_line
from sparseeg.files.tsv import FAR_OFF, finite_numbers, not_numbers, read_tsv

NAME = "participants.tsv"
COLUMNS = ("release", "age", "sex")
_OLDEST = 125.0  # years; nobody was older


class Subjects:
    """Release, age, sex and target of the subjects of some recordings.

    Parameters
    ----------
    files : the recordings.
    target : column of participants.tsv with the target, if any.

    `problems` says what is not known and why.

    Raises
    ------
    SparseEEGError : two subjects of a BIDS folder have names that may be one person's, as sub-1 and sub-01,
        or a file is in the folder of another subject.
    """

    def __init__(self, files: Sequence[BidsFile], target: str | None = None) -> None:
        self.problems: list[Problem] = []
        self._tables: dict[Path, pd.DataFrame] = {}
        _check_folders(files)
        for root in dict.fromkeys(file.root for file in files):
            self._tables[root], found = read_participants(root, target)
            self.problems += found
            names = {file.subject for file in files if file.root == root}
            _check_names(root, names)
            absent = names - set(self._tables[root].index)
            if absent and not self._tables[root].empty:
                reason = f"no row for {listed(absent, 'subject', ' with recordings')}"
                reason += _other_spelling(absent, self._tables[root].index)
                self.problems.append(
                    Problem(root / NAME, reason, "read without release, age and sex", "nothing")
                )

    def of(self, file: BidsFile) -> dict[str, object]:
        """Return release, age (years) and sex of a recording's subject; None or NaN if not known."""
        table = self._tables[file.root]
        if file.subject not in table.index:
            return {"release": None, "age": np.nan, "sex": None}
        row = table.loc[file.subject]
        return {name: row[name] for name in COLUMNS}

    def target(self, file: BidsFile) -> float:
        """Return the target of a recording's subject; NaN if it is not known."""
        table = self._tables[file.root]
        return float(table["target"].get(file.subject, np.nan))


def number_columns(root: Path) -> list[str]:
    """Return the columns of participants.tsv that hold a number for at least one subject."""
    try:
        table = read_tsv(root / NAME)
    except SparseEEGError:
        return []
    return [name for name in table.columns if pd.to_numeric(table[name], errors="coerce").notna().any()]


def read_participants(root: Path, target: str | None = None) -> tuple[pd.DataFrame, list[Problem]]:
    """Return a table with one row per subject, and the problems with participants.tsv.

    Parameters
    ----------
    root : the BIDS folder.
    target : column with the target, if any.

    Returns
    -------
    DataFrame : index `sub-XX`; columns `release, age, sex, target`, age in years; None or NaN if not known.
        Empty if the file is missing or can't be read.
    problems : what is wrong with the file.
    """
    path = root / NAME
    problems: list[Problem] = []
    try:
        notes: list[str] = []
        table = read_tsv(path, ("participant_id", "release_number", "age", "sex", target or "age"), notes)
        problems += noted(path, notes)
        if "participant_id" not in table.columns:
            raise SparseEEGError(f"no column participant_id; found: {', '.join(map(str, table.columns))}")
    except SparseEEGError as error:
        problems.append(Problem(path, one_line(error), "read without release, age and sex", "nothing"))
        return pd.DataFrame(columns=[*COLUMNS, "target"]), problems
    table = table.dropna(subset=["participant_id"]).reset_index(drop=True)
    missing = pd.Series(None, index=table.index, dtype=object)
    names = ["sub-" + name.removeprefix("sub-") for name in table["participant_id"]]
    columns, found = read_columns(root)
    problems += found
    used = dict.fromkeys(("release_number", "age", "sex", *([target] if target else [])))
    for name in (name for name in used if name in table):
        table[name] = _without_codes(table[name], columns.get(name.lower()), names, path, problems)
    if "age" in table:
        table["age"] = _in_years(table["age"], columns.get("age"), path, problems)
    numbers = {
        name: _numbers(table.get(name, missing), name, names, path, problems)
        for name in dict.fromkeys(("age", target or "age"))
    }
    subjects = pd.DataFrame(
        {
            "release": _releases(table.get("release_number", missing), path, problems),
            "age": numbers["age"],
            "sex": table.get("sex", missing).astype(object).where(lambda sex: sex.notna(), None),
            "target": numbers[target] if target else np.nan,
        },
    ).set_index(pd.Index(names, dtype=object))
    repeated = subjects.index.duplicated()
    if repeated.any():
        reason = f"{subjects.index[repeated][0]} has more than one row"
        problems.append(Problem(path, reason, "the first one is used", "nothing"))
    return subjects[~repeated], problems


def _check_folders(files: Iterable[BidsFile]) -> None:
    for file in files:
        folder = file.path.relative_to(file.root).parts[0]
        if file.path.parent != file.root and folder != file.subject:
            raise SparseEEGError(
                f"{file.path} names {file.subject}, but is in the folder {folder}: it is not clear whose "
                "recording it is. Rename the file, or move it to the folder of its subject"
            )


def _check_names(root: Path, names: Iterable[str]) -> None:
    pair = alike(sorted(names))
    if pair is not None:
        raise SparseEEGError(
            f"{root}: {pair[0]} and {pair[1]} may be one person or two: their names differ only by leading "
            "zeros, capitals or a word. Rename the folder and the files of one of them: to the same name if "
            "they are one person, to another number if not"
        )


def _other_spelling(absent: Iterable[str], known: Iterable[str]) -> str:
    """Return a hint if subjects are in the table with other zeros or capitals, as sub-001 for sub-01."""
    spelled = {plain(name): name for name in known}
    found = [(name, spelled[plain(name)]) for name in sorted(absent) if plain(name) in spelled]
    return f"; it has {found[0][1]} for {found[0][0]}: write names as the folders'" if found else ""


def _releases(column: pd.Series, path: Path, problems: list[Problem]) -> pd.Series:
    known: list[str | None] = []
    unknown: Counter[str] = Counter()
    for name in column:
        try:
            known.append(None if pd.isna(name) else hbn.release(name))
        except SparseEEGError:
            known.append(None)
            unknown[name] += 1
    for name, count in unknown.items():
        noun = "subject" if count == 1 else "subjects"
        reason = f"unknown release {name!r} for {count} {noun}; HBN-EEG has R1 to R11"
        problems.append(Problem(path, reason, "read without a release", "nothing"))
    return pd.Series(known, dtype=object)


def _without_codes(
    column: pd.Series, about: object, names: Sequence[str], path: Path, problems: list[Problem]
) -> pd.Series:
    """Return a column without the codes that participants.json describes as missing values."""
    rows = np.flatnonzero(missing_codes(column, about))
    if not len(rows):
        return column
    more = f" ({len(rows)} such rows)" if len(rows) > 1 else ""
    reason = (
        f"column {column.name}, {names[rows[0]]}: {column[rows[0]]!r} is a code for a missing value{more}"
    )
    problems.append(Problem(path, reason, f"read as missing, as {JSON} says", "nothing"))
    return column.mask(column.index.isin(rows))


def _in_years(column: pd.Series, about: object, path: Path, problems: list[Problem]) -> pd.Series:
    """Return ages in years, as text, from the unit that participants.json states."""
    divisor, unit = per_year(about)
    if divisor == 1.0:
        return column
    says = f"{JSON} says that ages are in"
    if divisor is None:
        reason = f"{says} {unit!r}, a unit that is not known; write them in years"
        problems.append(Problem(path, reason, "read as missing age", "nothing"))
        return column.mask(column.notna())
    problems.append(Problem(path, f"{says} {unit}s", "converted to years", "nothing"))
    values, _ = finite_numbers(column)
    years = pd.Series([repr(value) for value in (values / divisor).tolist()], index=column.index, dtype=str)
    return column.where(np.isnan(values), years)


def _numbers(
    column: pd.Series, title: str, names: Sequence[str], path: Path, problems: list[Problem]
) -> pd.Series:
    values, text = finite_numbers(column)
    if len(text):
        reason = not_numbers(column, title, text, labels=names)
        problems.append(Problem(path, reason, f"read as missing {title}", "nothing"))
    wrong, why = _not_believed(values, title)
    for row in wrong[:1]:
        more = f" ({len(wrong)} such rows)" if len(wrong) > 1 else ""
        reason = f"column {title}, {names[row]}: {values[row]:g} is {why}{more}"
        problems.append(Problem(path, reason, f"read as missing {title}", "nothing"))
    values[wrong] = np.nan
    return pd.Series(values, index=column.index)


def _not_believed(values: np.ndarray, title: str) -> tuple[np.ndarray, str]:
    """Return the rows whose number can't be believed, and why."""
    if title == "age":
        return np.flatnonzero((values < 0) | (values > _OLDEST)), "not an age in years"
    sizes = np.abs(values[~np.isnan(values)])
    usual = float(np.median(sizes)) if len(sizes) else 0.0
    wrong = np.flatnonzero(np.abs(values) > FAR_OFF * (usual or np.inf))
    return wrong, f"more than {FAR_OFF:,.0f} times the median"
