"""Write tables as TSV and Markdown, with the command, machine, versions and commit that produced them."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd

from sparseeg.machine import commit, hardware, versions


def write(
    table: pd.DataFrame,
    folder: Path,
    name: str,
    *,
    title: str,
    command: str,
    packages: Sequence[str] = ("torch",),
    notes: Sequence[str] = (),
) -> Path:
    """Write a table as `name.tsv` and `name.md`, and return the path of the latter.

    Parameters
    ----------
    table : the table.
    folder : folder for both files; made if it is missing.
    name : name of the files.
    title : heading in the Markdown file.
    command : command that reproduces the table.
    packages : packages whose versions are listed.
    notes : list items above the table.
    """
    folder.mkdir(parents=True, exist_ok=True)
    table.to_csv(folder / f"{name}.tsv", sep="\t", index=False, float_format="%.6g")
    lines = [
        f"# {title}",
        "",
        f"* command: `{command}`",
        f"* machine: {hardware()}",
        f"* versions: {versions(*packages)}",
        f"* commit: {commit()}, {date.today().isoformat()}",
        *(f"* {note}" for note in notes),
        "",
        *markdown(table),
    ]
    path = folder / f"{name}.md"
    path.write_text("\n".join(lines) + "\n")
    return path


def markdown(table: pd.DataFrame) -> list[str]:
    """Return the lines of a table in Markdown."""
    return [
        "| " + " | ".join(table.columns) + " |",
        "|" + "---|" * len(table.columns),
        *("| " + " | ".join(_cell(value) for value in row) + " |" for row in table.itertuples(index=False)),
    ]


def _cell(value: Any) -> str:
    if pd.isna(value):
        return "-"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
