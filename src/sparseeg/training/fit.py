"""Fit one network on one split."""

import json
import logging
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import lightning
import numpy as np
import torch
from lightning.pytorch.callbacks import Callback, EarlyStopping, ModelCheckpoint, RichProgressBar, Timer
from lightning.pytorch.loggers import CSVLogger, TensorBoardLogger

from sparseeg.atomic import write_whole
from sparseeg.data.windows import WindowSet
from sparseeg.errors import SparseEEGError
from sparseeg.evaluation.splits import Split
from sparseeg.models import NetworkSpec, save
from sparseeg.models.latency import LatencyHead
from sparseeg.training.averaging import MovingAverage
from sparseeg.training.batches import loader
from sparseeg.training.config import TrainConfig
from sparseeg.training.module import DecodingModule

Report = Callable[[str], None]
EFFORT = "effort.json"
SAVE_EVERY = timedelta(minutes=5)


class TrainingInterrupted(KeyboardInterrupt):
    """Ctrl-C during a fit; the last checkpoint, at most `SAVE_EVERY` old, is in place."""


class EpochLines(Callback):
    """Say one line per epoch, for logs and terminals without a live progress bar."""

    def __init__(self, report: Report) -> None:
        self.report = report

    def on_train_epoch_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        metrics = trainer.callback_metrics
        self.report(
            f"epoch {trainer.current_epoch + 1}: training loss {float(metrics['train_loss']):.4f}, "
            f"validation NRMSE {float(metrics['valid_nrmse']):.4f}"
        )


def fit(
    windows: WindowSet,
    split: Split,
    config: TrainConfig,
    folder: Path,
    *,
    targets: np.ndarray | None = None,
    report: Report = lambda line: None,
) -> Path:
    """Train on `split.train`, choose the epoch on `split.valid`, write `folder/model.safetensors`.

    Checkpoints (`best.ckpt`, `last.ckpt`), logs (CSV, TensorBoard) and `effort.json` (seconds, epochs) go to
    the folder as well; a fit that was interrupted goes on from `last.ckpt`. `targets` replaces the windows'
    own, for the shuffled control.
    Raises TrainingInterrupted on Ctrl-C and SparseEEGError where the device isn't there, or where loss and
    network don't fit each other or the target.
    """
    values = windows.targets if targets is None else targets
    lightning.seed_everything(config.seed, workers=True, verbose=False)
    spec = NetworkSpec(
        config.model, windows.n_chans, windows.n_times, sfreq=windows.sfreq, options=config.model_options
    )
    network = spec.build()
    std = _set_target(network, windows, values[split.train], config)
    module = DecodingModule(network, std, config)
    jitter = config.augment.jitter if windows.movable else 0.0
    if jitter < config.augment.jitter:
        report("no signal is kept around the windows: they aren't moved in training")
    last = folder / "checkpoints" / "last.ckpt"
    config = _long_enough(config, len(split.train))
    with _quiet():
        timer = Timer()  # goes on counting after an interruption
        trainer = _trainer(config, folder, report, timer)
        pin_memory = trainer.strategy.root_device.type == "cuda"
        batches = partial(loader, windows, targets=values, pin_memory=pin_memory)
        try:
            trainer.fit(
                module,
                batches(
                    split.train,
                    config.batch_size,
                    shuffle=True,
                    seed=config.seed,
                    jitter=jitter,
                ),
                batches(split.valid, 4 * config.batch_size),
                ckpt_path=last if last.exists() else None,
            )
        except SystemExit as error:  # Lightning turns Ctrl-C into an exit of the interpreter.
            raise TrainingInterrupted from error
    best = torch.load(folder / "checkpoints" / "best.ckpt", map_location="cpu", weights_only=True)
    module.load_state_dict(best["state_dict"])
    network.cpu()
    seconds = timer.time_elapsed()
    effort = {
        "training_s": round(seconds, 1),
        "epochs": trainer.current_epoch,
        "best_epoch": best["epoch"] + 1,
    }
    write_whole(folder / EFFORT, json.dumps(effort, indent=2) + "\n")
    path = folder / "model.safetensors"
    save(network, spec, path)
    return path


def _long_enough(config: TrainConfig, n_windows: int) -> TrainConfig:
    """Return the configuration with as many epochs as `min_steps` takes, and patience in proportion."""
    steps = -(-n_windows // config.batch_size)
    epochs = max(config.epochs, -(-config.min_steps // steps))
    patience = config.patience * epochs // config.epochs
    return config.model_copy(update={"epochs": epochs, "patience": patience})


def _set_target(network: Any, windows: WindowSet, target: np.ndarray, config: TrainConfig) -> float:
    """Tell the network's last layer about the training targets; return their standard deviation."""
    mean, std = float(target.mean()), float(target.std())
    if std == 0:
        raise SparseEEGError(f"all {len(target)} training targets are {mean:g}: nothing to learn")
    layer = network.final_layer
    layer.set_target(mean, std)
    if isinstance(layer, LatencyHead):
        if not windows.locked or windows.target_unit != "s":
            raise SparseEEGError(
                f"{config.model} says when something happens, in seconds; {windows.target_name} "
                f"({windows.target_unit}) is no time in the window: set its option output to scalar"
            )
        layer.set_window(windows.tmin, float(target.min()), float(target.max()))
    if config.auxiliary and not hasattr(network, "auxiliary_layer"):
        raise SparseEEGError(f"{config.model} has no auxiliary outputs to train: set auxiliary to 0")
    return std


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence what Lightning says about choices that are made here on purpose."""
    logger = logging.getLogger("lightning.pytorch")
    level = logger.level
    logger.setLevel(logging.ERROR)
    with warnings.catch_warnings():
        # Batches are gathered whole in the main process: workers would copy them once more.
        warnings.filterwarnings("ignore", message=".*does not have many workers.*")
        warnings.filterwarnings("ignore", message=".*is smaller than the logging interval.*")
        warnings.filterwarnings("ignore", message=".*exists and is not empty.*")  # A fit that goes on.
        warnings.filterwarnings("ignore", message=".*LeafSpec.*")  # Lightning 2.6 with torch 2.13.
        try:
            yield
        finally:
            logger.setLevel(level)


def _trainer(config: TrainConfig, folder: Path, report: Report, timer: Timer) -> lightning.Trainer:
    if config.device == "cuda" and not torch.cuda.is_available():
        raise SparseEEGError("--device cuda: torch finds no CUDA device here; use --device cpu or auto")
    checkpoints = folder / "checkpoints"
    callbacks: list[Any] = [
        *([MovingAverage(config.ema)] if config.ema else []),
        EarlyStopping("valid_nrmse", patience=config.patience),
        ModelCheckpoint(checkpoints, "best", monitor="valid_nrmse", enable_version_counter=False),
        # Not `save_last`: that copies a checkpoint only when there is a new best one.
        ModelCheckpoint(
            checkpoints, "last", every_n_epochs=1, save_on_train_epoch_end=True, enable_version_counter=False
        ),
        # In the middle of long epochs as well.
        ModelCheckpoint(checkpoints, "last", train_time_interval=SAVE_EVERY, enable_version_counter=False),
        timer,
        RichProgressBar(leave=False) if sys.stderr.isatty() else EpochLines(report),
    ]
    logs = folder / "logs"
    return lightning.Trainer(
        accelerator="auto" if config.device == "auto" else config.device,
        devices=1,
        precision="bf16-mixed" if config.precision == "bf16" else "32-true",
        gradient_clip_val=config.clip,
        max_epochs=config.epochs,
        callbacks=callbacks,
        logger=[
            # A new version each time: what an interrupted fit has logged stays.
            CSVLogger(logs, name="csv"),
            TensorBoardLogger(logs, name="tensorboard"),
        ],
        enable_progress_bar=sys.stderr.isatty(),
        enable_model_summary=False,
        num_sanity_val_steps=0,
        default_root_dir=folder,
    )
