"""Options that several commands share."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer

from sparseeg.errors import SparseEEGError
from sparseeg.files.yaml import name_and_value

RECIPE = "Recipe (default of each: the network's own)"

Jobs = Annotated[int, typer.Option("--jobs", min=1, help="Processes that read or write recordings.")]
Threads = Annotated[int | None, typer.Option(min=1, help="Threads of torch.")]
ResultsPath = Annotated[Path, typer.Option("--out", help="Folder of the tables.")]


def of_recipe(help: str, **limits: Any) -> Any:
    """Return an option that decides how a network is trained; without it, the network's recipe does."""
    return typer.Option(help=help, rich_help_panel=RECIPE, show_default=False, **limits)


def model_options(words: list[str]) -> dict[str, Any]:
    """Return the options of a network that were given as NAME=VALUE; values are read as YAML."""
    return dict(name_and_value(word) for word in words)


def check_resumed(ctx: typer.Context, out: Path, data: tuple[str, ...], own_data: tuple[str, ...]) -> None:
    """Raise SparseEEGError where --resume comes with options that the run in `out` has already."""
    for name in ctx.params:
        source = ctx.get_parameter_source(name)
        given = source is not None and source.name == "COMMANDLINE"
        if given and name not in ("out", "resume", "jobs", "data"):
            word = name.replace("_", "-")
            raise SparseEEGError(f"--resume goes on as {out / 'config.yaml'} says; leave --{word} out")
    if data and data != own_data:
        raise SparseEEGError(f"{out} was trained on {', '.join(own_data)}; leave --data out")


def check_run_folder(out: Path, config: Any, resume: bool) -> None:
    """Raise SparseEEGError where a new run would fall into a folder that holds anything else.

    A run that was started with the same configuration, and has trained nothing yet, goes on.
    """
    from sparseeg.training.run_folder import nothing_trained

    if resume:
        return
    if out.exists() and not (out.is_dir() and nothing_trained(out)):
        raise SparseEEGError(f"{out} isn't empty; choose another --out, or go on with it by --resume")
    if (out / "config.yaml").exists() and type(config).read(out) != config:
        raise SparseEEGError(
            f"{out} was started with other options; choose another --out, or go on with it by --resume"
        )


def read_resumed(out: Path, section: Any) -> Any:
    """Return the configuration of the run that --resume goes on with, or say how it is started."""
    if out.is_dir() and not (out / "config.yaml").exists():
        raise SparseEEGError(
            f"{out} has no config.yaml: no run was set up there; give its options, without --resume"
        )
    return section.read(out)


def check_file(out: Path, overwrite: bool, sources: Iterable[Path] = ()) -> None:
    """Raise SparseEEGError unless a file can be written at `out`: before there is work that would be lost.

    `sources`, which are read, are never written over.
    """
    if out.is_dir():
        raise SparseEEGError(f"{out} is a folder; name the file to write")
    if not out.parent.is_dir():
        raise SparseEEGError(f"there is no folder {out.parent} to write {out.name} to")
    if not out.exists():
        return
    if any(source.exists() and out.samefile(source) for source in sources):
        raise SparseEEGError(f"{out} is what is read; choose another --out")
    if not overwrite:
        raise SparseEEGError(f"{out} exists; choose another --out, or replace it by --overwrite")


Refit = Annotated[
    bool,
    typer.Option("--refit", help="Once the validation subjects have chosen, train again on them too."),
]


def comma_list(value: str | None) -> tuple[str, ...]:
    """Return the parts of a list that is separated by commas."""
    return tuple(name.strip() for name in value.split(",") if name.strip()) if value else ()
