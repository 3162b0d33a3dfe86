"""The command `sparseeg pretrain`: what can be learned from signals alone."""

from pathlib import Path
from typing import Annotated, Any

import typer

from sparseeg.cli.configuration import pretrain_config
from sparseeg.cli.given import given_options
from sparseeg.cli.options import (
    DATA,
    NETWORK,
    OUTPUT,
    SPLIT,
    TRAINING,
    Channels,
    Data,
    Device,
    Jobs,
    KeepBad,
    Precision,
    SFreq,
    flag,
    option,
)
from sparseeg.cli.outputs import check_resumed, check_run_folder, read_resumed, start_anew
from sparseeg.cli.reading import read_windows
from sparseeg.cli.screen import interruptible, output, say, say_list_of_problems, writing
from sparseeg.errors import command

_PREDICTORS = {
    "network": "network",
    "zeros": "zeros",
    "time_interpolation": "lines in time",
    "other_channels": "mean of the other channels",
}


def pretrain(
    ctx: typer.Context,
    *,
    data: Data = None,
    releases: Annotated[
        list[str] | None,
        option(DATA, "HBN releases to read besides --valid. Default: all.", metavar="R1,..."),
    ] = None,
    keep_bad: KeepBad = False,
    channels: Channels = None,
    jobs: Jobs = 2,
    sfreq: SFreq = None,
    valid: Annotated[
        list[str] | None,
        option(SPLIT, "Releases to validate on. Default: 15 % of the subjects.", metavar="R4,..."),
    ] = None,
    model: Annotated[
        str, option(NETWORK, "Network whose tokens are patches.", "--model", metavar="NAME")
    ] = "sparse-eeg-transformer",
    network_option: Annotated[
        list[str] | None,
        option(NETWORK, "Network option NAME=VALUE, repeatable.", "--option", metavar="NAME=VALUE"),
    ] = None,
    epochs: Annotated[
        int, option(TRAINING, "Epochs; the one that validates best is kept.", metavar="N", min=1)
    ] = 50,
    mask: Annotated[float, option(TRAINING, "Share of the patches that is masked.", metavar="SHARE")] = 0.5,
    span: Annotated[
        float, option(TRAINING, "Length of the masked stretches of time.", metavar="SECONDS")
    ] = 0.4,
    batch_size: Annotated[int, option(TRAINING, "Windows per step.", metavar="N", min=2)] = 64,
    learning_rate: Annotated[
        float, option(TRAINING, "Learning rate of AdamW at its peak.", metavar="RATE")
    ] = 1e-3,
    seed: Annotated[int, option(TRAINING, "Seed of weights, batches, masks and split.", metavar="N")] = 0,
    device: Device = "auto",
    precision: Precision = "32",
    out: Annotated[
        Path,
        option(OUTPUT, "Folder of the run; must be new unless --resume is given.", "--out", metavar="FOLDER"),
    ],
    resume: Annotated[
        bool, flag(OUTPUT, "Continue the run in --out with its own settings.", "--resume")
    ] = False,
) -> None:
    """Pretrain a network on recordings without targets: it predicts masked patches from the others.

    `sparseeg train --init RUN` starts from its weights.
    """
    from sparseeg.data.problems import write_problems
    from sparseeg.models.registry import check_options
    from sparseeg.training.config import PretrainConfig
    from sparseeg.training.pretrain import pretrain as train_masked
    from sparseeg.training.run_folder import BEFORE_TRAINING
    from sparseeg.training.trainer import check_device

    if resume:
        config = read_resumed(out, PretrainConfig)
        check_resumed(ctx, out, config.data.path)
        if (out / "metrics.json").exists():
            say(f"{out} is finished: nothing is left to train, and its errors are computed again")
    else:
        config = pretrain_config(given_options(ctx))
    check_options(config.model, config.model_options)
    check_device(config.device)
    check_run_folder(out, config, resume)
    windows = read_windows(config.data, jobs)
    interrupted = f"interrupted; continue with: {command('pretrain', '--out', out, '--resume')}"
    with interruptible(interrupted), writing(out, BEFORE_TRAINING):
        start_anew(out, config, resume)
        write_problems(windows.problems, out)
        metrics = train_masked(config, windows, out, say)
    _show(metrics)
    say_list_of_problems(windows, out)
    again = command("train", "--init", out, "--model", config.model, "--data", "...")
    say(f"run folder: {out}; next: {again}")


def _show(metrics: dict[str, Any]) -> None:
    simulated = ", SIMULATED data" if metrics["data"]["simulated"] else ""
    errors = [f"{metrics['squared_error'][name]:.3f} {words}" for name, words in _PREDICTORS.items()]
    output.print(
        f"squared error on masked patches of {metrics['n_subjects']} validation subjects{simulated}: "
        f"{', '.join(errors)} (the standardised signal has variance 1)",
        markup=False,
        soft_wrap=True,
    )
