"""Reading tables, such as those of BIDS: text, missing values and numbers, every failure in one line."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from sparseeg.errors import SparseEEGError, one_line


def read_tsv(path: Path) -> pd.DataFrame:
    """Return a tab-separated table with its cells as text and `n/a` or empty cells as missing.

    Raises
    ------
    SparseEEGError : the file is missing, empty, or not such a table.
    """
    if not path.is_file():
        reason = "is a link to a file that is not there" if path.is_symlink() else "does not exist"
        raise SparseEEGError(f"{path.name} {reason}")
    try:
        return pd.read_csv(
            path, sep="\t", dtype=str, keep_default_na=False, na_values=["n/a", ""], encoding="utf-8-sig"
        )
    except pd.errors.EmptyDataError as error:
        raise SparseEEGError(f"{path.name} is empty") from error
    except (OSError, ValueError) as error:
        raise SparseEEGError(f"{path.name} can't be read as a table: {one_line(error)}") from error


def finite_numbers(column: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    """Return a column as float64, NaN where it has no finite number, and the rows with anything else."""
    values = np.array(pd.to_numeric(column, errors="coerce"), dtype=np.float64)
    values[~np.isfinite(values)] = np.nan
    return values, np.flatnonzero(np.isnan(values) & column.notna().to_numpy())


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
    reason = "is missing" if pd.isna(entry) else f"{entry!r} is not a finite number"
    more = f" ({len(rows)} such {noun}s)" if len(rows) > 1 else ""
    return f"column {name}, {place}: {reason}{more}"
