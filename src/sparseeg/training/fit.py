"""Fit one network on one split; predict with one network."""

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
from lightning.pytorch.callbacks import Callback, EarlyStopping, ModelCheckpoint, RichProgressBar
from lightning.pytorch.loggers import CSVLogger, TensorBoardLogger
from torch import nn

from sparseeg.data.windows import WindowSet
from sparseeg.errors import SparseEEGError
from sparseeg.evaluation.splits import Split
from sparseeg.models import NetworkSpec, save
from sparseeg.training.batches import loader
from sparseeg.training.config import TrainConfig
from sparseeg.training.module import RegressionModule

Report = Callable[[str], None]
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
    """Train on `split.train`, choose epoch and shrinkage on `split.valid`, write `folder/model.safetensors`.

    Checkpoints (`best.ckpt`, `last.ckpt`) and logs (CSV, TensorBoard) go to the folder as well; a fit that
    was interrupted goes on from `last.ckpt`. `targets` replaces the windows' own, for the shuffled control.
    Raises TrainingInterrupted on Ctrl-C and SparseEEGError where the device isn't there.
    """
    values = windows.targets if targets is None else targets
    lightning.seed_everything(config.seed, workers=True, verbose=False)
    spec = NetworkSpec(
        config.model, windows.n_chans, windows.n_times, sfreq=windows.sfreq, options=config.model_options
    )
    network = spec.build()
    mean, std = float(values[split.train].mean()), float(values[split.train].std())
    if std == 0:
        raise SparseEEGError(f"all {len(split.train)} training targets are {mean:g}: nothing to learn")
    network.final_layer.set_target(mean, std)  # type: ignore[operator, union-attr]
    module = RegressionModule(network, std, config.learning_rate, config.weight_decay)
    last = folder / "checkpoints" / "last.ckpt"
    with _quiet():
        trainer = _trainer(config, folder, report)
        pin_memory = trainer.strategy.root_device.type == "cuda"
        batches = partial(loader, windows, targets=values, pin_memory=pin_memory)
        try:
            trainer.fit(
                module,
                batches(split.train, config.batch_size, shuffle=True, seed=config.seed, jitter=config.jitter),
                batches(split.valid, 4 * config.batch_size),
                ckpt_path=last if last.exists() else None,
            )
        except SystemExit as error:  # Lightning turns Ctrl-C into an exit of the interpreter.
            raise TrainingInterrupted from error
    best = torch.load(folder / "checkpoints" / "best.ckpt", map_location="cpu", weights_only=True)
    module.load_state_dict(best["state_dict"])
    network.cpu()
    factor = shrinkage(
        values[split.valid] - mean,
        predict(network, windows, split.valid) - mean,
        windows.subjects[split.valid],
    )
    network.final_layer.set_target(mean, factor * std)  # type: ignore[operator, union-attr]
    report(f"predictions shrunk to {factor:.2f} of their distance from the mean, as the validation part asks")
    path = folder / "model.safetensors"
    save(network, spec, path)
    return path


def shrinkage(target: np.ndarray, prediction: np.ndarray, subjects: np.ndarray) -> float:
    """Return the factor in [0.01, 1] on predictions that the validation subjects support.

    A network fitted to few subjects is surer of itself than strangers justify, and the epoch was chosen on
    these very trials. The factor is the lower 95 % bound of the least-squares slope, by the jackknife over
    subjects (over trials where there are fewer than five subjects). It never reaches zero, so that the order
    of the predictions stays.

    Parameters
    ----------
    target, prediction : (trial,), both as distances from the mean of the training targets.
    subjects : (trial,), who they belong to.
    """
    units = np.unique(subjects, return_inverse=True)[1]
    if units.max() < 4:
        units = np.arange(len(target))
    products, powers = np.bincount(units, prediction * target), np.bincount(units, prediction**2)
    others = powers.sum() - powers
    if not others.all():
        return 1.0
    left_out = (products.sum() - products) / others
    error = np.sqrt((len(others) - 1) * left_out.var())
    return float(np.clip(products.sum() / powers.sum() - 1.645 * error, 0.01, 1.0))


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


def _trainer(config: TrainConfig, folder: Path, report: Report) -> lightning.Trainer:
    if config.device == "cuda" and not torch.cuda.is_available():
        raise SparseEEGError("--device cuda: torch finds no CUDA device here; use --device cpu or auto")
    checkpoints = folder / "checkpoints"
    callbacks: list[Any] = [
        EarlyStopping("valid_nrmse", patience=config.patience),
        ModelCheckpoint(checkpoints, "best", monitor="valid_nrmse", enable_version_counter=False),
        # Not `save_last`: that copies a checkpoint only when there is a new best one.
        ModelCheckpoint(
            checkpoints, "last", every_n_epochs=1, save_on_train_epoch_end=True, enable_version_counter=False
        ),
        # In the middle of long epochs as well.
        ModelCheckpoint(checkpoints, "last", train_time_interval=SAVE_EVERY, enable_version_counter=False),
        RichProgressBar(leave=False) if sys.stderr.isatty() else EpochLines(report),
    ]
    logs = folder / "logs"
    return lightning.Trainer(
        accelerator="auto" if config.device == "auto" else config.device,
        devices=1,
        precision="bf16-mixed" if config.precision == "bf16" else "32-true",
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


def predict(network: nn.Module, windows: WindowSet, indices: np.ndarray, batch_size: int = 256) -> np.ndarray:
    """Return the network's predictions for the windows at `indices`, float64 (n,), in the target's unit."""
    network.eval()
    device = next(network.parameters()).device
    parts = []
    with torch.inference_mode():
        for x, _ in loader(windows, indices, batch_size):
            parts.append(network(x.to(device)).float().cpu().numpy()[:, 0])
    return np.concatenate(parts).astype(np.float64) if parts else np.empty(0)
