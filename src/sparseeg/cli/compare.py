"""The command `sparseeg compare`: several models under one protocol."""

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sparseeg.cli.configuration import data_and_split
from sparseeg.cli.effect import as_change, check_effect
from sparseeg.cli.given import check_once, command_line, given_options
from sparseeg.cli.options import (
    NETWORK,
    OUTPUT,
    TRAINING,
    Channels,
    Data,
    Device,
    Folds,
    Jobs,
    KeepBad,
    MaxRt,
    Proc,
    Refit,
    Releases,
    SFreq,
    SplitKind,
    SubjectPattern,
    Target,
    TargetUnit,
    Task,
    Test,
    TMax,
    TMin,
    Valid,
    name_list,
    option,
)
from sparseeg.cli.reading import read_windows
from sparseeg.cli.screen import CONTINUES, interruptible, output, say, say_list_of_problems, writing
from sparseeg.errors import SparseEEGError

if TYPE_CHECKING:
    from sparseeg.experiments.entry import Entry


def compare(
    ctx: typer.Context,
    *,
    data: Data = None,
    releases: Releases = None,
    keep_bad: KeepBad = False,
    channels: Channels = None,
    jobs: Jobs = 2,
    task: Task = "response-time",
    target: Target = None,
    target_unit: TargetUnit = None,
    max_rt: MaxRt = None,
    subject_pattern: SubjectPattern = None,
    proc: Proc = None,
    tmin: TMin = None,
    tmax: TMax = None,
    sfreq: SFreq = None,
    split: SplitKind = "subjects",
    valid: Valid = None,
    test: Test = None,
    folds: Folds = 5,
    models: Annotated[
        list[str],
        option(
            NETWORK,
            "Models, separated by commas; the others are compared with the first.",
            metavar="NAME,...",
        ),
    ],
    seeds: Annotated[
        int, option(TRAINING, "Runs of each network, with seeds from 0.", metavar="N", min=1)
    ] = 3,
    refit: Refit = False,
    device: Device = "auto",
    workers: Annotated[
        int, option(TRAINING, "Runs to train at a time, each in its own process.", metavar="N", min=1)
    ] = 1,
    out: Annotated[
        Path,
        option(OUTPUT, "Folder of the comparison: runs, tables and figure.", "--out", metavar="FOLDER"),
    ],
) -> None:
    """Train several models on the same splits and seeds and compare them in pairs, over subjects.

    A model is a network, braindecode:NAME, ridge, gradient-boosting,
    training-mean, or ceiling (simulated data only). NAME@OPTION=VALUE changes
    a network or its recipe: @output=latency, @learning_rate=0.001, @seeds=5
    (an ensemble), @runs=1 (fewer than --seeds).

    Each network is trained by its own recipe. A model that fails keeps a line
    with the reason; the same command continues an interrupted comparison.
    """
    from sparseeg.data.problems import write_problems
    from sparseeg.experiments.comparison import Comparison
    from sparseeg.experiments.settings import FILE
    from sparseeg.report.comparison import write_comparison
    from sparseeg.training.trainer import check_device

    check_device(device)
    given = given_options(ctx)
    entries = _entries(models)
    networks = [entry for entry in entries if entry.is_network]
    unused = [f"--{name}" for name in ("seeds", "device", "workers") if name in given]
    if unused and not networks:
        say(f"{', '.join(models)}: no network to train, so there is no use for {' and '.join(unused)}")
    data_config, split_config = data_and_split(given)
    shared = {"device": device, "refit": refit}
    configs = [entry.configure(data_config, split_config, **shared) for entry in networks]
    margin = max((config.augment.jitter for config in configs), default=0.0)
    windows = read_windows(data_config, jobs, margin)
    for entry, config in zip(networks, configs, strict=True):
        check_effect(config, windows, _changes(entry), as_change)
    with interruptible(CONTINUES), writing(out, (FILE,)):
        comparison = Comparison(out, windows, data_config, split_config, shared, say)
        comparison.run(entries, seeds, workers)
        write_problems(windows.problems, out)
        path = write_comparison(comparison, entries, command_line())
    output.print(path.read_text(), markup=False, soft_wrap=True)
    say_list_of_problems(windows, out)
    say(f"tables and figure in {out}")


def _entries(given: list[str]) -> list["Entry"]:
    """Return the models of a comparison; SparseEEGError for one that is named twice or asks for controls."""
    from sparseeg.experiments.entry import Entry

    names = name_list(given, "--models")
    for name in names:
        changed = Counter(word.partition("=")[0] for word in name.split("@")[1:])
        twice = [option for option, times in changed.items() if times > 1]
        if twice:
            raise SparseEEGError(f"--models: {name} sets {twice[0]} twice; set it once")
    entries = [Entry.parse(name) for name in names]
    check_once((entry.name for entry in entries), "--models")
    for entry in entries:
        if entry.given.get("control") or entry.given.get("control_within_subject"):
            raise SparseEEGError(f"{entry.name}: a comparison scores no controls; leave the control out")
    return entries


def _changes(entry: "Entry") -> dict[str, Any]:
    """Return what an entry changes of a network or its recipe, by name."""
    nested = ("augment", "model_options")
    changes = {name: value for name, value in entry.given.items() if name not in nested}
    return changes | entry.given.get("augment", {}) | entry.given.get("model_options", {})
