"""Reading BIDS tables: everything as text, `n/a` as missing, every failure in one line."""

from pathlib import Path

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
