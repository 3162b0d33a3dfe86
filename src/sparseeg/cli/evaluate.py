"""The command `sparseeg evaluate`: the scores of a network, again or on other recordings."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from sparseeg.cli.configuration import absolute
from sparseeg.cli.options import (
    DATA,
    NETWORK,
    OUTPUT,
    Jobs,
    KeepBad,
    Proc,
    SubjectPattern,
    TargetUnit,
    flag,
    option,
)
from sparseeg.cli.outputs import check_own
from sparseeg.cli.reading import read_windows, read_windows_like
from sparseeg.cli.screen import say, say_list_of_problems, say_once, show, writing
from sparseeg.errors import SparseEEGError

WRITTEN = ("predictions.tsv", "problems.tsv", "report.html")  # beside metrics.json


def evaluate(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Run folder of `sparseeg train`.")],
    data: Annotated[
        list[Path] | None,
        option(
            DATA,
            "Other recordings to test on: BIDS folder, store, or folder of epochs.",
            "--data",
            metavar="PATH",
        ),
    ] = None,
    keep_bad: KeepBad = False,
    target_unit: TargetUnit = None,
    subject_pattern: SubjectPattern = None,
    proc: Proc = None,
    leave_out_seen: Annotated[
        bool,
        flag(DATA, "Leave out people of --data who trained or validated the network.", "--leave-out-seen"),
    ] = False,
    jobs: Jobs = 2,
    partitions: Annotated[
        str | None,
        option(
            NETWORK,
            "Random attention: number of partitions to average, or full (all tokens).",
            metavar="N|full",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        option(
            OUTPUT,
            "Folder of the scores. Default: the run, or RUN/evaluations/NAME for others.",
            "--out",
            metavar="FOLDER",
        ),
    ] = None,
) -> None:
    """Score a trained network again, on its own test subjects or on other recordings."""
    from sparseeg.data.problems import write_problems
    from sparseeg.experiments import run as runs
    from sparseeg.report.page import write_report
    from sparseeg.training.config import TrainConfig
    from sparseeg.training.other_folders import check_trained
    from sparseeg.training.people import without_seen

    check_trained(run)
    if data and len(data) > 1:
        raise SparseEEGError(
            f"evaluate takes one --data, not {len(data)}: each data set gets scores of its own"
        )
    config = TrainConfig.read(run)
    chosen = _partitions(partitions, run)
    other_path = data[0] if data else None
    elsewhere = other_path is not None and absolute([other_path]) != config.data.path
    names = {"target_unit": target_unit, "subject_pattern": subject_pattern, "proc": proc}
    given = {name: value for name, value in names.items() if value is not None}
    flags = {"keep_bad": keep_bad, "leave_out_seen": leave_out_seen}
    unused = [*given, *(name for name, is_on in flags.items() if is_on)]
    if unused and not elsewhere:
        name = f"--{unused[0].replace('_', '-')}"
        raise SparseEEGError(
            f"{name} is for the recordings of --data; those of {run} are read as in training; leave it out"
        )
    try:
        own = read_windows(config.data, jobs)
    except SparseEEGError as error:
        if not elsewhere:
            raise
        own = None
        say(runs.without_own(error))
    report = say_once()  # other windows are matched when they are read, and again before they are scored
    other, paths = None, config.data.path
    if other_path is not None and elsewhere:
        paths = absolute([other_path])
        # The run's own releases are no choice among these.
        like = config.data.model_copy(update=given)
        other = read_windows_like(run, other_path.resolve(), like, jobs, keep_bad, report=report)
        if leave_out_seen:
            other = without_seen(run, other, say)
    folder = out or _evaluation_folder(run, other_path if elsewhere else None, chosen)
    scored = next(windows for windows in (other, own) if windows is not None)
    with writing(folder):
        _check_evaluation(run, folder, {"path": list(paths), "source": scored.source}, named=out is not None)
        metrics = runs.reevaluate(run, own, other, folder, report, chosen, paths)
        write_problems(scored.problems, folder)
        write_report(folder, run, own if other is None else other)
    show(metrics)
    say_list_of_problems(scored, folder)
    say(f"metrics.json and predictions.tsv in {folder}")


def _evaluation_folder(run: Path, data: Path | None, partitions: Any) -> Path:
    """Return the folder of the scores on other data, with other partitions, or both; else the run."""
    folder = run / "evaluations" / data.resolve().name if data is not None else run
    if partitions is None:
        return folder
    return (run / "evaluations" if data is None else folder) / f"partitions-{partitions}"


def _check_evaluation(run: Path, folder: Path, data: dict[str, Any], named: bool) -> None:
    """Raise SparseEEGError where scores would replace those of something else.

    Parameters
    ----------
    data : the paths and the source of the data, as in `metrics.json`.
    named : whether the folder was given, and may replace scores on other data.
    """
    if folder.resolve() == run.resolve():
        return
    if any((folder / name).exists() for name in ("config.yaml", "settings.json")):
        raise SparseEEGError(f"{folder} is the folder of another run or comparison; choose another --out")
    if named:
        check_own(folder, "metrics.json", WRITTEN, "an evaluation")
    try:
        there = json.loads((folder / "metrics.json").read_text())["data"]
        found = there["source"]
    except FileNotFoundError:
        return
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SparseEEGError(
            f"{folder / 'metrics.json'} is damaged, or not from an evaluation; choose another --out"
        ) from error
    if named:
        return
    # Two stores may have the same source. Version 0.1.0 kept no paths.
    for key in ("path", "source"):
        if there.get(key, data[key]) != data[key]:
            where = f" in {', '.join(there['path'])}" if key == "path" else ""
            raise SparseEEGError(
                f"{folder} holds the scores on {found}{where}; choose another folder with --out"
            )


def _partitions(word: str | None, run: Path) -> Any:
    """Return the number of partitions, or "full"; SparseEEGError where the run can't use them."""
    if word is None:
        return None
    if word != "full" and (not word.isdecimal() or int(word) < 1):
        raise SparseEEGError(f"--partitions takes a whole number from 1 on, or full; got {word!r}")
    from sparseeg import models
    from sparseeg.models.partitions import random_layers
    from sparseeg.training.ensemble import network_files
    from sparseeg.training.subjects import read_subjects, split_folders

    first = split_folders(run, len(read_subjects(run)))[0]  # the networks of all splits are alike
    if not random_layers(models.load(network_files(first)[0])):
        raise SparseEEGError(f"--partitions has no effect: the network of {run} has no random attention")
    return word if word == "full" else int(word)
