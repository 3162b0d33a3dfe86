"""The command `sparseeg pretrain`: what can be learned from signals alone."""

from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from pydantic import ValidationError

from sparseeg.cli.options import Jobs, check_resumed, check_run_folder, model_options, read_resumed
from sparseeg.cli.reading import Data, Releases, SFreq, Valid, absolute, data_and_split, fields, read_windows
from sparseeg.cli.screen import interruptible, output, say, writing
from sparseeg.errors import SparseEEGError

_WORDS = {
    "network": "network",
    "zeros": "zeros",
    "time_interpolation": "lines in time",
    "other_channels": "mean of the other channels",
}


def pretrain(
    ctx: typer.Context,
    out: Annotated[Path, typer.Option("--out", help="Run folder; must be new unless --resume is given.")],
    data: Data = None,
    model: Annotated[
        str, typer.Option("--model", help="Name of a network with tokens of patches.")
    ] = "sparse-eeg-transformer",
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the run in --out, as it was set up.")
    ] = False,
    sfreq: SFreq = None,
    releases: Releases = None,
    valid: Valid = None,
    option: Annotated[
        list[str] | None, typer.Option(help="Of the network, as width=128; may be given again.")
    ] = None,
    epochs: Annotated[int, typer.Option(min=1, help="Epochs; the best one counts.")] = 50,
    mask: Annotated[float, typer.Option(help="Share of the patches that are hidden.")] = 0.5,
    span: Annotated[float, typer.Option(help="Seconds of the stretches in which they are.")] = 0.4,
    batch_size: Annotated[int, typer.Option(min=2, help="Windows per step.")] = 64,
    learning_rate: Annotated[float, typer.Option(help="Of AdamW, at its highest.")] = 1e-3,
    seed: Annotated[int, typer.Option(help="Of weights, batches, masks and the split.")] = 0,
    device: Annotated[Literal["auto", "cpu", "cuda"], typer.Option(help="Where to train.")] = "auto",
    precision: Annotated[Literal["32", "bf16"], typer.Option(help="bf16 trains in mixed precision.")] = "32",
    jobs: Jobs = 2,
) -> None:
    """Pretrain a network on recordings without targets: it tells hidden patches from those around them.

    Without --valid, 15 % of the subjects validate. Next: sparseeg train --init RUN.
    """
    from sparseeg.models.registry import check_name
    from sparseeg.training.config import PretrainConfig
    from sparseeg.training.pretrain import pretrain as run

    if resume:
        config = read_resumed(out, PretrainConfig)
        check_resumed(ctx, out, absolute(data or []), config.data.path)
    else:
        config = _configuration(ctx.params)
    check_name(config.model)
    check_run_folder(out, config, resume)
    windows = read_windows(config.data, jobs)
    with interruptible(f"interrupted; go on with: sparseeg pretrain --out {out} --resume"), writing(out):
        check_run_folder(out, config, resume)  # another command may have been there meanwhile
        metrics = run(config, windows, out, say)
    _show(metrics)
    say(f"run folder: {out}; next: sparseeg train --init {out} --model {config.model} --data ...")


def _configuration(options: dict[str, Any]) -> Any:
    """Return the PretrainConfig of the options; what doesn't fit is one readable line."""
    from sparseeg.data.tasks import PRETRAINING
    from sparseeg.files.yaml import describe
    from sparseeg.training.config import PretrainConfig

    data, split = data_and_split({**options, "task": PRETRAINING, "test": None, "split": "subjects"})
    own = {name: value for name, value in options.items() if name not in ("data", "split")}
    given = fields(PretrainConfig, own) | {"model_options": model_options(options["option"] or [])}
    try:
        return PretrainConfig(data=data, split=split, **given)
    except ValidationError as error:
        raise SparseEEGError(describe(error)) from error


def _show(metrics: dict[str, Any]) -> None:
    simulated = ", SIMULATED data" if metrics["data"]["simulated"] else ""
    error = [f"{metrics['squared_error'][name]:.3f} {words}" for name, words in _WORDS.items()]
    output.print(
        f"squared error on hidden patches of {metrics['n_subjects']} validation subjects{simulated}: "
        f"{', '.join(error)} (the standardised signal has variance 1)",
        markup=False,
        soft_wrap=True,
    )
