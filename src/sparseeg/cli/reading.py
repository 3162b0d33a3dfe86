"""Which windows, and who trains, validates and tests: options that commands share, and what they mean."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from pydantic import ValidationError

from sparseeg.cli.options import comma_list
from sparseeg.cli.screen import progress_bar, say, say_problems
from sparseeg.errors import SparseEEGError

Data = Annotated[
    list[Path] | None,
    typer.Option("--data", help="BIDS folder, store, or folder of MNE epochs; may be given again."),
]
Task = Annotated[str, typer.Option(help="What to predict.")]
Target = Annotated[str | None, typer.Option(help="Metadata column of the epochs that is the target.")]
TargetUnit = Annotated[str | None, typer.Option(help="Unit of that column: s, ms or any other.")]
TMin = Annotated[float | None, typer.Option("--tmin", help="Start of the window in s after the event.")]
TMax = Annotated[float | None, typer.Option("--tmax", help="End of the window in s after the event.")]
SFreq = Annotated[float | None, typer.Option("--sfreq", help="Resample to this rate, in Hz.")]
Releases = Annotated[
    str | None, typer.Option(help="HBN releases to read besides those of --valid and --test.")
]
SplitKind = Annotated[
    Literal["subjects", "release", "loso", "kfold"],
    typer.Option("--split", help="By random subjects, by release, leave one subject out, or k folds."),
]
Valid = Annotated[str | None, typer.Option(help="Releases that validate, as R4 (with --split release).")]
Test = Annotated[
    str | None, typer.Option(help="Releases that test; without them, those of --valid are scored.")
]
Folds = Annotated[int, typer.Option(min=3, help="Folds of --split kfold.")]


def absolute(paths: Sequence[Path | str]) -> tuple[str, ...]:
    """Return paths that mean the same from any folder."""
    # Before typer 0.29, `ctx.params` holds paths as text.
    return tuple(str(Path(path).resolve()) for path in paths)


def fields(section: Any, values: dict[str, Any]) -> dict[str, Any]:
    """Return those of the values that are fields of a section of the configuration, and given."""
    return {name: values[name] for name in section.model_fields if values.get(name) is not None}


def data_and_split(options: dict[str, Any]) -> tuple[Any, Any]:
    """Return the DataConfig and the SplitConfig of a command's options, or one line on what doesn't fit."""
    from sparseeg.files.yaml import describe
    from sparseeg.training.config import DataConfig, SplitConfig

    if not options["data"]:
        raise SparseEEGError("--data is missing: a BIDS folder, a store, or a folder of MNE epochs")
    lists = {name: comma_list(options[name]) for name in ("releases", "valid", "test")}
    by_release = (lists["valid"] or lists["test"]) and options["split"] == "subjects"
    values = {**options, **lists, "kind": "release" if by_release else options["split"]}
    values["path"] = absolute(options["data"])
    # Those that train were named: the others must be read as well.
    wanted = lists["releases"] + lists["valid"] + lists["test"]
    values["releases"] = tuple(dict.fromkeys(wanted)) if lists["releases"] else None
    try:
        data, split = (section(**fields(section, values)) for section in (DataConfig, SplitConfig))
    except ValidationError as error:
        raise SparseEEGError(describe(error)) from error
    return data, split


def read_windows(data: Any, n_jobs: int, margin: float = 0.0) -> Any:
    """Read the windows a configuration names, with a progress bar and a summary of what was wrong.

    margin : seconds around them by which training may move them.
    """
    from sparseeg.experiments.run import load_windows

    notes: list[str] = []
    with progress_bar("reading") as progress:
        windows = load_windows(data, margin, n_jobs=n_jobs, progress=progress, report=notes.append)
    _tell(windows, notes)
    return windows


def read_windows_like(run: Path, path: Path, target_unit: str | None, n_jobs: int) -> Any:
    """Read other windows in the way in which those of a run were read; `target_unit` is that of epochs."""
    from sparseeg.data.load import load_like
    from sparseeg.experiments.run import inputs_of

    like = inputs_of(run).provenance
    with progress_bar("reading") as progress:
        windows, notes = load_like(
            path, like, f"the run {run}", target_unit=target_unit, n_jobs=n_jobs, progress=progress
        )
    _tell(windows, notes)
    return windows


def _tell(windows: Any, notes: list[str]) -> None:
    """Print what was done to windows, what was wrong with their files, and what there is."""
    for note in notes:
        say(note)
    say_problems(windows)
    say(f"{windows.source}: {windows.summary(examples=0)}")
