"""Read tab-separated tables as people have them: text, missing values and numbers, failures in one line."""

import codecs
import csv
import re
from collections import Counter
from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from sparseeg.errors import SparseEEGError, one_line
from sparseeg.files.content import check_fetched

MISSING = ("", "n/a")
_NO_NUMBER = ("na", "n.a.", "nan", "null")  # what programs write for a number that is missing
FAR_OFF = 1e5  # times the median: a number that is as large is a code or a slip
_BOMS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
_LINE_END = re.compile("\r\n|\n|\r")


def read_tsv(path: Path, names: Collection[str] = (), notes: list[str] | None = None) -> pd.DataFrame:
    """Return a tab-separated table with its cells as text, without blanks around them.

    Empty cells and `n/a` are missing. Quotes around a whole cell are removed; other quotes are text. Empty
    lines, and empty columns at the end, are left out.

    Parameters
    ----------
    path : the file, in UTF-8, UTF-16 with a byte order mark, or cp1252.
    names : columns that are also found if their capitals differ, and are then renamed.
    notes : gets a line for each oddity of the file that was repaired.

    Raises
    ------
    SparseEEGError : the file is missing, empty, a pointer of git-annex or Git LFS, or not such a table; or a
        line has more cells than the header.
    """
    check_fetched(path)
    if not path.is_file():
        raise SparseEEGError(f"{path.name} does not exist")
    notes = [] if notes is None else notes
    try:
        lines = enumerate(_LINE_END.split(_text(path.read_bytes(), notes)), start=1)
        filled = [(number, line) for number, line in lines if line.strip()]
        table = _table(filled, names, notes) if filled else None
    except (OSError, ValueError) as error:
        raise SparseEEGError(f"{path.name} can't be read as a table: {one_line(error)}") from error
    if table is None:
        raise SparseEEGError(f"{path.name} is empty")
    return table


def _text(content: bytes, notes: list[str]) -> str:
    encoding = next((name for bom, name in _BOMS.items() if content.startswith(bom)), "utf-8")
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError:
        if encoding != "utf-8":
            raise
        text = content.decode("cp1252")
        notes.append("it is not UTF-8, read as cp1252 (Western European)")
    if "\0" in text:
        raise ValueError("it holds NUL bytes")
    return text


def _cells(line: str, width: int | None = None) -> list[str]:
    """Return the cells of a line; a tab inside quotes separates no cells if there are too many otherwise."""
    cells = [_unquoted(cell.strip()) for cell in line.split("\t")]
    if width is None or _filled(cells) <= width:
        return cells
    try:
        return [cell.strip() for cell in next(csv.reader([line], delimiter="\t", strict=True))]
    except csv.Error:  # a quote that nothing closes is text
        return cells


def _unquoted(cell: str) -> str:
    whole = len(cell) > 1 and cell[0] == cell[-1] == '"' and '"' not in cell[1:-1].replace('""', "")
    return cell[1:-1].replace('""', '"').strip() if whole else cell


def _filled(cells: Sequence[str]) -> int:
    """Return the number of cells up to the last one that is not empty."""
    return max((number for number, cell in enumerate(cells, start=1) if cell), default=0)


def _check_separator(lines: Sequence[str]) -> None:
    """Raise ValueError for a table whose columns are separated by something else than tabs."""
    if "\t" in lines[0]:
        return
    words = len(lines[0].split())
    found = {
        "semicolons": all(";" in line for line in lines),
        "commas": all("," in line for line in lines),
        "blanks": words > 1 and len(lines) > 1 and all(len(line.split()) == words for line in lines),
    }
    for name, separates in found.items():
        if separates:
            raise ValueError(f"its columns are separated by {name}, not by tabs; save it with tabs")


def _table(lines: Sequence[tuple[int, str]], names: Collection[str], notes: list[str]) -> pd.DataFrame:
    _check_separator([line for _, line in lines])
    header = _cells(lines[0][1])
    # A column without a name counts if it has a value, as the row names that pandas writes.
    split = [_cells(line) for _, line in lines[1:]]
    filled = [_filled(header), *map(_filled, split)]
    width = max(count for count in filled if count <= len(header))
    rows: list[list[str]] = []
    short: list[tuple[int, int]] = []
    for (number, line), cells in zip(lines[1:], split, strict=True):
        if _filled(cells) > width:
            cells = _cells(line, width)
        if _filled(cells) > width:
            raise ValueError(
                f"line {number} has {_filled(cells)} cells, but the header names {width} columns"
            )
        if len(cells) < width:
            short.append((number, len(cells)))
        rows.append((cells + [""] * width)[:width])
    if short:
        more = f" ({len(short)} such lines)" if len(short) > 1 else ""
        notes.append(f"line {short[0][0]} has {short[0][1]} of {width} cells{more}; the others are missing")
    columns = _columns(header[:width], names, notes)
    return pd.DataFrame(
        {
            name: pd.Series([np.nan if row[at] in MISSING else row[at] for row in rows], dtype=str)
            for at, name in enumerate(columns)
        }
    )


def _columns(header: Sequence[str], names: Collection[str], notes: list[str]) -> list[str]:
    """Return the names of the columns: different ones, and as wanted if only their capitals differ."""
    columns = [name or f"Unnamed: {at}" for at, name in enumerate(header)]
    for wanted in names:
        alike = [at for at, name in enumerate(columns) if name.lower() == wanted.lower()]
        if wanted not in columns and alike:
            columns[alike[0]] = wanted
    for name, count in Counter(columns).items():
        if count > 1:
            notes.append(f"column {name} is there {count} times; the first one is used")
    seen: Counter[str] = Counter()
    for at, name in enumerate(columns):
        columns[at] = f"{name}.{seen[name]}" if seen[name] else name
        seen[name] += 1
    return columns


def exact(table: pd.DataFrame, column: str) -> pd.DataFrame:
    """Return a table that is written with all digits of a column, if it has it, to join rows by it."""
    if column not in table:
        return table
    text = [None if pd.isna(number) else repr(float(number)) for number in table[column]]
    return table.assign(**{column: pd.Series(text, index=table.index, dtype=object)})


def finite_numbers(column: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    """Return a column as float64, NaN where it has no finite number, and the rows with anything else.

    Words for a missing number, as NaN and NA, are no such thing.
    """
    values = np.array(pd.to_numeric(column, errors="coerce"), dtype=np.float64)
    values[~np.isfinite(values)] = np.nan
    if not np.isnan(values).any():
        return values, np.empty(0, dtype=np.intp)
    missing = column.isna() | column.astype(str).str.strip().str.lower().isin(_NO_NUMBER)
    return values, np.flatnonzero(np.isnan(values) & ~missing.to_numpy())


def not_numbers(
    column: pd.Series, name: str, rows: np.ndarray, noun: str = "row", labels: Sequence[str] | None = None
) -> str:
    """Return what is wrong with rows of a column: "column rt, row 2: 'later' is not a finite number".

    Parameters
    ----------
    column, name : the column.
    rows : rows without a number, at least one; the first is named.
    noun : what a row is.
    labels : name of each row, instead of `noun` and its number.
    """
    first = int(rows[0])
    entry, place = column.iloc[first], f"{noun} {first + 1}" if labels is None else labels[first]
    reason = "is missing" if pd.isna(entry) else f"{entry!r} {_no_number(str(entry), name)}"
    more = f" ({len(rows)} such {noun}s)" if len(rows) > 1 else ""
    return f"column {name}, {place}: {reason}{more}"


def _no_number(text: str, name: str) -> str:
    if text.strip().lower() == name.lower():
        return "repeats the header, as where tables were joined; remove that line, or keep the tables apart"
    hint = f"; write {text.replace(',', '.')}" if re.fullmatch(r"[+-]?\d*,\d+", text) else ""
    return f"is not a finite number{hint}"
