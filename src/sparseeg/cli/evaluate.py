"""The command `sparseeg evaluate`: the scores of a network, again or on other recordings."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from sparseeg.cli.options import (
    Jobs,
)
from sparseeg.cli.reading import (
    absolute,
    read_windows,
    read_windows_like,
)
from sparseeg.cli.screen import say, show, writing
from sparseeg.errors import SparseEEGError


def evaluate(
    run: Annotated[Path, typer.Argument(help="Run folder of `sparseeg train`.")],
    data: Annotated[Path | None, typer.Option("--data", help="Other recordings to test on.")] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Where the table goes; default: the run folder.")
    ] = None,
    partitions: Annotated[
        str | None,
        typer.Option(help="For random attention: partitions that are averaged, or full: all tokens."),
    ] = None,
    jobs: Jobs = 2,
) -> None:
    """Score a trained network again, on its own test subjects or on other recordings."""
    from sparseeg.experiments import run as runs
    from sparseeg.report.page import write_report
    from sparseeg.training.config import TrainConfig

    config = TrainConfig.read(run)
    chosen = _partitions(partitions)
    elsewhere = data is not None and absolute([data]) != config.data.path
    try:
        own = read_windows(config.data, jobs)
    except SparseEEGError as error:
        if not elsewhere:
            raise
        own = None
        say(f"the run's own data can't be read ({error}): the table goes without ridge and boosting")
    other = None
    if data is not None and elsewhere:
        # Which releases were for training says nothing about these.
        other = read_windows_like(run, data.resolve(), config.data.target_unit, jobs)
    to = out or _evaluation_folder(run, data if elsewhere else None, chosen)
    source = own.source if other is None else other.source
    with writing(to):
        _check_evaluation(run, to, source, named=out is not None)
        metrics = runs.reevaluate(run, own, other, to, say, chosen)
        write_report(to)
    show(metrics)
    say(f"metrics.json and predictions.tsv in {to}")


def _evaluation_folder(run: Path, data: Path | None, partitions: Any) -> Path:
    """Return the folder of the scores on other data, with other partitions or both; else the run."""
    folder = run / "evaluations" / data.resolve().name if data is not None else run
    if partitions is None:
        return folder
    return (run / "evaluations" if data is None else folder) / f"partitions-{partitions}"


def _check_evaluation(run: Path, folder: Path, source: str, named: bool) -> None:
    """Raise SparseEEGError where scores would replace those of something else."""
    if folder.resolve() == run.resolve():
        return
    if any((folder / name).exists() for name in ("config.yaml", "settings.json")):
        raise SparseEEGError(f"{folder} is the folder of another run or comparison; choose another --out")
    try:
        there = json.loads((folder / "metrics.json").read_text())["data"]["source"]
    except FileNotFoundError:
        return
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SparseEEGError(
            f"{folder / 'metrics.json'} is damaged or not of an evaluation; choose another --out"
        ) from error
    if there != source and not named:
        raise SparseEEGError(f"{folder} holds the scores on {there}; give the folder of these by --out")


def _partitions(word: str | None) -> Any:
    """Return the number of partitions, or "full"; SparseEEGError for anything else."""
    if word in (None, "full"):
        return word
    if not word.isdecimal() or int(word) < 1:
        raise SparseEEGError(f"--partitions takes a number from 1 on, or full; got {word!r}")
    return int(word)
