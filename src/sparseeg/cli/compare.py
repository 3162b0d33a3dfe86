"""The command `sparseeg compare`: several models under one protocol."""

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from sparseeg.cli.options import Jobs, Refit, comma_list
from sparseeg.cli.reading import (
    Data,
    Folds,
    Releases,
    SFreq,
    SplitKind,
    Target,
    TargetUnit,
    Task,
    Test,
    TMax,
    TMin,
    Valid,
    data_and_split,
    read_windows,
)
from sparseeg.cli.screen import GOES_ON, interruptible, output, say, writing
from sparseeg.errors import SparseEEGError


def compare(
    ctx: typer.Context,
    models: Annotated[
        str,
        typer.Option(
            help="Separated by commas: networks, braindecode:NAME, ridge, gradient-boosting, training-mean, "
            "ceiling (of simulated data). NAME@OPTION=VALUE changes the network or its recipe, as "
            "@output=latency, @seeds=5 (an ensemble) or @runs=1 (fewer than --seeds). The first is what the "
            "others are compared with."
        ),
    ],
    out: Annotated[
        Path, typer.Option("--out", help="Folder of runs and tables; the same command goes on there.")
    ],
    data: Data = None,
    seeds: Annotated[int, typer.Option(min=1, help="Runs of each network, with seeds from 0.")] = 3,
    task: Task = "response-time",
    target: Target = None,
    target_unit: TargetUnit = None,
    tmin: TMin = None,
    tmax: TMax = None,
    sfreq: SFreq = None,
    releases: Releases = None,
    split: SplitKind = "subjects",
    valid: Valid = None,
    test: Test = None,
    folds: Folds = 5,
    refit: Refit = False,
    device: Annotated[Literal["auto", "cpu", "cuda"], typer.Option(help="Where to train.")] = "auto",
    workers: Annotated[
        int, typer.Option(min=1, help="Runs that are trained at a time, each in a process of its own.")
    ] = 1,
    jobs: Jobs = 2,
) -> None:
    """Train several models on the same splits and seeds and compare them in pairs, over subjects.

    Each network is trained by its own recipe. A model that fails keeps a line with the reason.
    """
    from sparseeg.experiments.comparison import Comparison
    from sparseeg.experiments.entry import Entry
    from sparseeg.report.comparison import write_comparison

    entries = [Entry.parse(text) for text in comma_list(models)]
    if not entries:
        raise SparseEEGError("--models names no model")
    chosen, parts = data_and_split(ctx.params)
    given = {"device": device, "refit": refit}
    configs = [entry.configure(chosen, parts, **given) for entry in entries if entry.is_network]
    windows = read_windows(chosen, jobs, max((config.augment.jitter for config in configs), default=0.0))
    with interruptible(GOES_ON), writing(out):
        comparison = Comparison(out, windows, chosen, parts, given, say)
        comparison.run(entries, seeds, workers)
        path = write_comparison(comparison, entries, " ".join(["sparseeg", *sys.argv[1:]]))
    output.print(path.read_text(), markup=False, soft_wrap=True)
    say(f"tables and figure in {out}")
