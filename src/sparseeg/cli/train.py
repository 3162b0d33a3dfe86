"""The command `sparseeg train`: a network, and its scores."""

from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from sparseeg.cli.configuration import repeated, train_config
from sparseeg.cli.effect import as_option, check_effect
from sparseeg.cli.given import given_options
from sparseeg.cli.options import (
    NETWORK,
    OUTPUT,
    SCORES,
    TRAINING,
    Channels,
    Data,
    Device,
    Folds,
    Jobs,
    KeepBad,
    MaxRt,
    Precision,
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
    TestData,
    TMax,
    TMin,
    Valid,
    flag,
    option,
)
from sparseeg.cli.outputs import check_resumed, check_run_folder, read_resumed, start_anew
from sparseeg.cli.reading import read_windows
from sparseeg.cli.screen import interruptible, say, say_list_of_problems, show, writing
from sparseeg.errors import SparseEEGError, command

if TYPE_CHECKING:
    from sparseeg.training.config import TrainConfig

MODEL = "sparse-attention-locator"


def recipe(help: str, **settings: Any) -> Any:
    """Return an option whose default is in the recipe of the network."""
    return option("Recipe (default: the network's own)", help, show_default=False, **settings)


def augmentation(help: str, **settings: Any) -> Any:
    """Return an option that changes training windows; its default is in the recipe too."""
    return option("Augmentation (default: the network's own)", help, show_default=False, **settings)


def train(
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
    test_data: TestData = None,
    folds: Folds = 5,
    model: Annotated[
        str, option(NETWORK, "Network to train, or braindecode:NAME.", "--model", metavar="NAME")
    ] = MODEL,
    network_option: Annotated[
        list[str] | None,
        option(NETWORK, "Network option NAME=VALUE, repeatable.", "--option", metavar="NAME=VALUE"),
    ] = None,
    init: Annotated[
        Path | None,
        option(NETWORK, "Run of `pretrain` or `train` whose weights it starts from.", metavar="RUN"),
    ] = None,
    config: Annotated[
        Path | None,
        option(
            TRAINING,
            "Repeat the run of a config.yaml; options given here replace its values.",
            "--config",
            metavar="FILE",
        ),
    ] = None,
    seed: Annotated[
        int, option(TRAINING, "Seed of weights, batches, splits and partitions.", metavar="N")
    ] = 0,
    seeds: Annotated[
        int, option(TRAINING, "Networks to train, each with its own seed; averaged.", metavar="N", min=1)
    ] = 1,
    refit: Refit = False,
    device: Device = "auto",
    precision: Precision = "32",
    epochs: Annotated[int | None, recipe("Maximum number of epochs.", metavar="N", min=1)] = None,
    batch_size: Annotated[int | None, recipe("Windows per step.", metavar="N", min=2)] = None,
    learning_rate: Annotated[
        float | None, recipe("Learning rate of AdamW at its peak.", metavar="RATE")
    ] = None,
    schedule: Annotated[
        Literal["plateau", "cosine"] | None,
        recipe("Halve the rate on a plateau, or warm-up and half a cosine."),
    ] = None,
    weight_decay: Annotated[float | None, recipe("Weight decay of AdamW.", metavar="RATE")] = None,
    layer_decay: Annotated[
        float | None,
        recipe("Learning rate of a layer, relative to the layer above it.", metavar="RATIO"),
    ] = None,
    ema: Annotated[
        float | None, recipe("Decay of a moving average of the weights; 0: none.", metavar="RATE")
    ] = None,
    keep: Annotated[
        Literal["best", "last"] | None, recipe("Keep the epoch that validates best, or the last one.")
    ] = None,
    patience: Annotated[
        int | None,
        recipe("Epochs without a better validation score, for --keep best.", metavar="N", min=1),
    ] = None,
    loss: Annotated[Literal["squared", "kl", "both"] | None, recipe("Loss of a latency head.")] = None,
    target_width: Annotated[
        float | None,
        recipe(
            "Smoothing of the target of --loss kl. Default: a quarter of its SD.",
            metavar="SECONDS",
        ),
    ] = None,
    auxiliary: Annotated[
        float | None,
        recipe("Weight of the auxiliary loss (stimulus side, correctness).", metavar="WEIGHT"),
    ] = None,
    jitter: Annotated[
        float | None,
        augmentation("Shift windows by up to this much, and response times too.", metavar="SECONDS"),
    ] = None,
    channel_dropout: Annotated[
        float | None, augmentation("Share of channels set to zero, on average.", metavar="SHARE")
    ] = None,
    amplitude: Annotated[
        float | None,
        augmentation("SD of the log gain of each channel; not for z-scored channels.", metavar="SD"),
    ] = None,
    noise: Annotated[
        float | None, augmentation("SD of white noise, relative to that of each channel.", metavar="SD")
    ] = None,
    mixup: Annotated[float | None, augmentation("Alpha of mixup; 0: none.", metavar="ALPHA")] = None,
    control: Annotated[
        bool,
        flag(SCORES, "Also train on shuffled targets.", "--control/--no-control"),
    ] = True,
    control_within_subject: Annotated[
        bool,
        flag(
            SCORES,
            "Also shuffle within subjects.",
            "--control-within-subject/--no-within-subject",
            show_default=False,
        ),
    ] = False,
    boosting: Annotated[bool, flag(SCORES, "Also fit gradient boosting.", "--boosting/--no-boosting")] = True,
    out: Annotated[
        Path,
        option(OUTPUT, "Folder of the run; must be new unless --resume is given.", "--out", metavar="FOLDER"),
    ],
    resume: Annotated[
        bool, flag(OUTPUT, "Continue the run in --out with its own settings.", "--resume")
    ] = False,
) -> None:
    """Train a network, choose its epoch on validation subjects, score it on test subjects."""
    from sparseeg.training.config import TrainConfig

    given = given_options(ctx)
    if resume and config is not None:
        raise SparseEEGError(
            f"--resume continues with {out / 'config.yaml'}, --config starts a new run; leave one of them out"
        )
    if resume:
        settings = read_resumed(out, TrainConfig)
        check_resumed(ctx, out, settings.data.path)
        if (out / "metrics.json").exists():
            say(
                f"{out} is finished: nothing is left to train, and its scores are computed again; to train "
                f"further, start a new run with --init {quote(str(out))}"
            )
        given = {}
    elif config is not None:
        settings = repeated(config, given, say)
    else:
        settings = train_config(given, MODEL)
    run_training(settings, out, jobs, resume=resume, given=given)


def run_training(
    config: "TrainConfig", out: Path, jobs: int, *, resume: bool = False, given: dict[str, Any] | None = None
) -> None:
    """Read, train, score and show; Ctrl-C and a full disk say how to continue.

    given : the options of `train` that were given, which must have an effect.
    """
    from sparseeg.experiments import run as runs
    from sparseeg.models.registry import check_options
    from sparseeg.report.page import write_report
    from sparseeg.training.run_folder import BEFORE_TRAINING
    from sparseeg.training.start import network_file
    from sparseeg.training.trainer import check_device

    check_options(config.model, config.model_options)
    check_device(config.device)
    check_run_folder(out, config, resume)
    if config.init is not None and not resume:
        network_file(Path(config.init), config.model)  # before anything is read or written
    windows = read_windows(config.data, jobs, config.augment.jitter)
    check_effect(config, windows, given or {}, as_option)
    interrupted = f"interrupted; continue with: {command('train', '--out', out, '--resume')}"
    with interruptible(interrupted), writing(out, BEFORE_TRAINING):
        start_anew(out, config, resume)
        metrics = runs.train(config, windows, out, say)
        write_report(out, windows=windows)
    show(metrics)
    say_list_of_problems(windows, out)
    say(f"run folder: {out}")
