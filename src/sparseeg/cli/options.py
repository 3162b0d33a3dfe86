"""Options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

Jobs = Annotated[int, typer.Option("--jobs", min=1, help="Processes that read or write recordings.")]
Threads = Annotated[int | None, typer.Option(min=1, help="Threads of torch.")]
ResultsPath = Annotated[Path, typer.Option("--out", help="Folder of the tables.")]


def comma_list(value: str | None) -> tuple[str, ...]:
    """Return the parts of a list that is separated by commas."""
    return tuple(name.strip() for name in value.split(",") if name.strip()) if value else ()
