"""Options that several commands share."""

from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from sparseeg.errors import SparseEEGError

RECIPE = "Recipe (default of each: the network's own)"

Jobs = Annotated[int, typer.Option("--jobs", min=1, help="Processes that read or write recordings.")]
Threads = Annotated[int | None, typer.Option(min=1, help="Threads of torch.")]
ResultsPath = Annotated[Path, typer.Option("--out", help="Folder of the tables.")]


def of_recipe(help: str, **limits: Any) -> Any:
    """Return an option that decides how a network is trained; without it, the network's recipe does."""
    return typer.Option(help=help, rich_help_panel=RECIPE, show_default=False, **limits)


def model_options(words: list[str]) -> dict[str, Any]:
    """Return the options of a network that were given as NAME=VALUE; values are read as YAML."""
    options = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not name.isidentifier():
            raise SparseEEGError(f"--option takes NAME=VALUE, as output=latency; got {word!r}")
        options[name] = yaml.safe_load(value)
    return options


def comma_list(value: str | None) -> tuple[str, ...]:
    """Return the parts of a list that is separated by commas."""
    return tuple(name.strip() for name in value.split(",") if name.strip()) if value else ()
