"""The command `sparseeg train`: a network, and its scores."""

from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from pydantic import ValidationError

from sparseeg.cli.options import (
    Jobs,
    Refit,
    check_resumed,
    check_run_folder,
    model_options,
    of_recipe,
    read_resumed,
)
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
    absolute,
    data_and_split,
    fields,
    read_windows,
)
from sparseeg.cli.screen import interruptible, say, show, writing
from sparseeg.errors import SparseEEGError


def train(
    ctx: typer.Context,
    out: Annotated[Path, typer.Option("--out", help="Run folder; must be new unless --resume is given.")],
    data: Data = None,
    model: Annotated[
        str, typer.Option("--model", help="Name of a network, or braindecode:NAME.")
    ] = "sparse-attention-locator",
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the run in --out, as it was set up.")
    ] = False,
    init: Annotated[
        Path | None,
        typer.Option(help="Run of `pretrain` or `train` whose weights the network starts from."),
    ] = None,
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
    seed: Annotated[int, typer.Option(help="Of weights, batches, splits and partitions.")] = 0,
    seeds: Annotated[
        int, typer.Option(min=1, help="Networks that are trained, each with its own seed, and scored as one.")
    ] = 1,
    refit: Refit = False,
    option: Annotated[
        list[str] | None,
        typer.Option(help="Of the network, as output=latency or dropout=0.2; may be given again."),
    ] = None,
    epochs: Annotated[int | None, of_recipe("Most epochs to train.", min=1)] = None,
    keep: Annotated[
        Literal["best", "last"] | None, of_recipe("The epoch that validates best, or the last of all.")
    ] = None,
    patience: Annotated[
        int | None, of_recipe("Epochs without a better validation score, with --keep best.", min=1)
    ] = None,
    batch_size: Annotated[int | None, of_recipe("Windows per step.", min=2)] = None,
    learning_rate: Annotated[float | None, of_recipe("Of AdamW, at its highest.")] = None,
    weight_decay: Annotated[float | None, of_recipe("Of AdamW.")] = None,
    layer_decay: Annotated[
        float | None, of_recipe("Learning rate of a layer, as a share of that of the layer above it.")
    ] = None,
    schedule: Annotated[
        Literal["plateau", "cosine"] | None,
        of_recipe("Learning rate: halved on a plateau, or warm-up and half a cosine."),
    ] = None,
    ema: Annotated[float | None, of_recipe("Decay of the moving average of the weights; 0 for none.")] = None,
    loss: Annotated[
        Literal["squared", "kl", "both"] | None,
        of_recipe("Of networks with output latency; the others learn by squares."),
    ] = None,
    target_width: Annotated[
        float | None, of_recipe("SD in s of the smoothed target of --loss kl; a quarter of the targets'.")
    ] = None,
    auxiliary: Annotated[
        float | None, of_recipe("Weight of the side of the stimulus and of correctness.")
    ] = None,
    jitter: Annotated[
        float | None, of_recipe("Seconds by which training windows move, their response time with them.")
    ] = None,
    channel_dropout: Annotated[
        float | None, of_recipe("Share of the channels that are silenced, on average.")
    ] = None,
    amplitude: Annotated[float | None, of_recipe("SD of the logarithm of each channel's gain.")] = None,
    noise: Annotated[float | None, of_recipe("SD of white noise, in units of each channel's own.")] = None,
    mixup: Annotated[float | None, of_recipe("Alpha of mixup; 0 for none.")] = None,
    device: Annotated[Literal["auto", "cpu", "cuda"], typer.Option(help="Where to train.")] = "auto",
    precision: Annotated[Literal["32", "bf16"], typer.Option(help="bf16 trains in mixed precision.")] = "32",
    control: Annotated[bool, typer.Option(help="Also train on targets shuffled among the trials.")] = True,
    control_within_subject: Annotated[
        bool, typer.Option(help="A second control, shuffled within subject: what the subjects' means teach.")
    ] = False,
    boosting: Annotated[bool, typer.Option(help="Also fit gradient boosting as a baseline.")] = True,
    jobs: Jobs = 2,
) -> None:
    """Train a network, choose its epoch on validation subjects, score it on test subjects."""
    from sparseeg.training.config import TrainConfig

    if resume:
        config = read_resumed(out, TrainConfig)
        check_resumed(ctx, out, absolute(data or []), config.data.path)
    else:
        config = _configuration(ctx.params)
    run_training(config, out, jobs, resume)


def _configuration(options: dict[str, Any]) -> Any:
    """Return the TrainConfig of the options of `train`; what doesn't fit is one readable line."""
    from sparseeg.files.yaml import describe
    from sparseeg.training.config import AugmentConfig, TrainConfig
    from sparseeg.training.recipes import configure

    data, split = data_and_split(options)
    own = {name: value for name, value in options.items() if name not in ("data", "split")}
    if options["init"] is not None:
        own["init"] = absolute([options["init"]])[0]
    given = fields(TrainConfig, own) | {"augment": fields(AugmentConfig, own)}
    given["model_options"] = model_options(options["option"] or [])
    try:
        return configure(data, split=split, **given)
    except ValidationError as error:
        raise SparseEEGError(describe(error)) from error


def run_training(config: Any, out: Path, jobs: int, resume: bool = False) -> None:
    """Read, train, score and show; Ctrl-C and a full disk say how to go on."""
    from sparseeg.experiments import run as runs
    from sparseeg.models.registry import check_name
    from sparseeg.report.page import write_report
    from sparseeg.training.start import network_file

    check_name(config.model)
    check_run_folder(out, config, resume)
    if config.init is not None and not resume:
        network_file(Path(config.init), config.model)  # before anything is read or written
    windows = read_windows(config.data, jobs, config.augment.jitter)
    with interruptible(f"interrupted; go on with: sparseeg train --out {out} --resume"), writing(out):
        check_run_folder(out, config, resume)  # another command may have been there meanwhile
        metrics = runs.train(config, windows, out, say)
    write_report(out)
    show(metrics)
    say(f"run folder: {out}")
