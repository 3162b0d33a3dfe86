"""What every fit shares: a trainer that shows its progress, keeps checkpoints and can be interrupted."""

import importlib
import logging
import multiprocessing
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import lightning
import torch
from lightning.pytorch.callbacks import Callback, ModelCheckpoint, RichProgressBar, Timer
from lightning.pytorch.loggers import CSVLogger, Logger, TensorBoardLogger

from sparseeg.engines import Report
from sparseeg.errors import SparseEEGError
from sparseeg.files.atomic import read_json, write_json
from sparseeg.training.batches import WindowLoader
from sparseeg.training.config import PretrainConfig, TrainConfig

EFFORT = "effort.json"
SAVE_EVERY = timedelta(minutes=5)


class TrainingInterrupted(KeyboardInterrupt):
    """Ctrl-C during a fit; the last checkpoint, at most `SAVE_EVERY` old, is in place."""


@dataclass(frozen=True)
class Effort:
    """What a finished fit took: seconds, epochs, and the epoch whose weights were kept."""

    training_s: float
    epochs: int
    best_epoch: int

    def write(self, folder: Path) -> None:
        """Write `effort.json` to the folder of a fit."""
        write_json(folder / EFFORT, asdict(self))

    @classmethod
    def read(cls, folder: Path) -> "Effort":
        """Read from the folder of a fit; SparseEEGError where the file is missing or damaged."""
        return read_json(folder / EFFORT, cls)


class EpochLines(Callback):
    """Report one line per epoch, for logs and terminals without a live progress bar."""

    def __init__(self, report: Report, score: str, title: str, validate_every: int) -> None:
        self.report = report
        self.score = score
        self.title = title
        self.validate_every = validate_every

    def on_train_epoch_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        epoch, metrics = trainer.current_epoch + 1, trainer.callback_metrics
        line = f"epoch {epoch}: training loss {float(metrics['train_loss']):.4f}"
        if epoch % self.validate_every == 0:
            line += f", validation {self.title} {float(metrics[self.score]):.4f}"
        self.report(line)


class Checkpoint(ModelCheckpoint):
    """Keep the best epoch where the folder has been moved or copied since; Lightning's own forgets it."""

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore the state in a checkpoint, with its files in this folder."""
        folder = Path(str(self.dirpath))

        def here(path: str) -> str:
            return str(folder / Path(path).name) if path else path

        state = {**state_dict, "dirpath": self.dirpath}
        state |= {key: here(path) for key, path in state.items() if key.endswith("_model_path")}
        state["best_k_models"] = {here(path): score for path, score in state["best_k_models"].items()}
        super().load_state_dict(state)


def check_device(device: str) -> None:
    """Raise SparseEEGError where a device is not available."""
    if device == "cuda" and not torch.cuda.is_available():
        raise SparseEEGError("--device cuda: torch finds no CUDA device here; use --device cpu or auto")


def make_trainer(
    config: TrainConfig | PretrainConfig,
    folder: Path,
    report: Report,
    timer: Timer,
    score: tuple[str, str],
    callbacks: Sequence[Callback] = (),
    validate_every: int = 1,
) -> lightning.Trainer:
    """Return a trainer that keeps `best.ckpt` and `last.ckpt`, with the logs of `make_loggers`.

    Parameters
    ----------
    score : name of the logged validation score that chooses the epoch, and its title in a line.
    validate_every : epochs from one validation to the next.

    Raises
    ------
    SparseEEGError : the device is not available.
    """
    check_device(config.device)
    checkpoints = folder / "checkpoints"
    every: list[Any] = [
        *callbacks,
        Checkpoint(checkpoints, "best", monitor=score[0], enable_version_counter=False),
        # Not `save_last`: that copies a checkpoint only when there is a new best one.
        Checkpoint(
            checkpoints, "last", every_n_epochs=1, save_on_train_epoch_end=True, enable_version_counter=False
        ),
        # In the middle of long epochs as well.
        Checkpoint(checkpoints, "last", train_time_interval=SAVE_EVERY, enable_version_counter=False),
        timer,
        RichProgressBar(leave=False) if _draws() else EpochLines(report, *score, validate_every),
    ]
    return lightning.Trainer(
        accelerator="auto" if config.device == "auto" else config.device,
        devices=1,
        precision="bf16-mixed" if config.precision == "bf16" else "32-true",
        gradient_clip_val=config.clip,
        max_epochs=config.epochs,
        check_val_every_n_epoch=validate_every,
        callbacks=every,
        logger=make_loggers(folder / "logs"),
        enable_progress_bar=_draws(),
        enable_model_summary=False,
        num_sanity_val_steps=0,
        default_root_dir=folder,
    )


def make_loggers(folder: Path) -> list[Logger]:
    """Return a logger for CSV files and, where TensorBoard is installed, one for its event files."""
    # Each starts a new version: what an interrupted fit has logged stays.
    loggers: list[Logger] = [CSVLogger(folder, name="csv")]
    try:
        importlib.import_module("torch.utils.tensorboard")
    except ImportError:
        return loggers
    return [*loggers, TensorBoardLogger(folder, name="tensorboard")]


def _draws() -> bool:
    """Return whether there is a terminal to draw on, and this process is not one of several workers."""
    return sys.stderr.isatty() and multiprocessing.parent_process() is None


def last_checkpoint(folder: Path) -> Path | None:
    """Return the checkpoint from which an interrupted fit in a folder goes on; None without one."""
    path = _checkpoint(folder, "last")
    return path if path.exists() else None


def fit_to_best(
    trainer: lightning.Trainer,
    module: lightning.LightningModule,
    train: WindowLoader,
    valid: WindowLoader,
    folder: Path,
    timer: Timer,
    kept: str = "best",
) -> None:
    """Fit a module or go on fitting it, give it the weights of its best epoch, and write `effort.json`.

    kept : "last" takes the weights of the last epoch instead.
    """
    try:
        trainer.fit(module, train, valid, ckpt_path=last_checkpoint(folder))
    except SystemExit as error:  # Lightning turns Ctrl-C into an exit of the interpreter.
        raise TrainingInterrupted from error
    epoch = load_weights(module, folder, kept)
    Effort(round(timer.time_elapsed(), 1), trainer.current_epoch, epoch).write(folder)


def is_fitted(folder: Path, kept: str) -> bool:
    """Say whether the fit in a folder has ended, so that `load_weights` gives the network."""
    return (folder / EFFORT).exists() and _checkpoint(folder, kept).exists()


def load_weights(module: lightning.LightningModule, folder: Path, kept: str) -> int:
    """Give a module, on the CPU, the weights of the "best" or the "last" epoch, and return its number."""
    checkpoint = torch.load(_checkpoint(folder, kept), map_location="cpu", weights_only=True)
    module.load_state_dict(checkpoint["state_dict"])
    module.cpu()
    return checkpoint["epoch"] + 1


def _checkpoint(folder: Path, kept: str) -> Path:
    return folder / "checkpoints" / f"{kept}.ckpt"


@contextmanager
def quiet() -> Iterator[None]:
    """Silence Lightning's advice on choices that are made here on purpose."""
    logger = logging.getLogger("lightning.pytorch")
    level = logger.level
    logger.setLevel(logging.ERROR)
    with warnings.catch_warnings():
        # Batches are gathered whole in the main process: workers would copy them once more.
        warnings.filterwarnings("ignore", message=".*does not have many workers.*")
        warnings.filterwarnings("ignore", message=".*is smaller than the logging interval.*")
        warnings.filterwarnings("ignore", message=".*exists and is not empty.*")  # a fit that goes on
        warnings.filterwarnings("ignore", message=".*LeafSpec.*")  # Lightning 2.6 with torch 2.13.
        try:
            yield
        finally:
            logger.setLevel(level)
