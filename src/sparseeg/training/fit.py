"""Fit one network on one split."""

from functools import partial
from pathlib import Path
from typing import Any

import lightning
import numpy as np
from lightning.pytorch.callbacks import Callback, EarlyStopping, Timer

from sparseeg.data.signals.positions import chs_info
from sparseeg.data.splits import Split
from sparseeg.data.windows import WindowSet
from sparseeg.engines import Report, ignore
from sparseeg.errors import SparseEEGError
from sparseeg.evaluation.metrics import standard_deviation
from sparseeg.models import NetworkSpec, save
from sparseeg.models.latency import LatencyHead
from sparseeg.models.network import HasAuxiliary, Network
from sparseeg.models.registry import BuiltNetwork
from sparseeg.training.averaging import MovingAverage
from sparseeg.training.batches import loader
from sparseeg.training.config import PretrainConfig, TrainConfig
from sparseeg.training.labels import LABELS
from sparseeg.training.module import DecodingModule
from sparseeg.training.start import start_from
from sparseeg.training.trainer import (
    EFFORT,
    TrainingInterrupted,
    fit_to_best,
    is_fitted,
    last_checkpoint,
    load_weights,
    make_trainer,
    quiet,
)

__all__ = ["EFFORT", "NETWORK", "TrainingInterrupted", "fit", "fit_network", "network_spec"]

NETWORK = "model.safetensors"


def fit(windows: WindowSet, split: Split, config: TrainConfig, folder: Path, **options: Any) -> Path:
    """Fit a network, write it to `folder/model.safetensors` and return that path; see `fit_network`."""
    network = fit_network(windows, split, config, folder, **options)
    save(network, network_spec(windows, config), folder / NETWORK)
    return folder / NETWORK


def fit_network(
    windows: WindowSet,
    split: Split,
    config: TrainConfig,
    folder: Path,
    *,
    targets: np.ndarray | None = None,
    epochs: int | None = None,
    report: Report = ignore,
) -> BuiltNetwork:
    """Train on `split.train`, choose the epoch on `split.valid`, and return the network, on the CPU.

    Checkpoints (`best.ckpt`, `last.ckpt`), logs and `effort.json` go to the folder. A fit that was
    interrupted goes on from `last.ckpt`; one that has ended is read from its checkpoint.

    Parameters
    ----------
    targets : replace those of the windows, for the shuffled control.
    epochs : number of epochs, chosen before; the last one is kept, and nothing is chosen.

    Raises
    ------
    TrainingInterrupted : Ctrl-C.
    SparseEEGError : the device is not available, or loss, network, target and initial weights don't fit each
        other.
    """
    values = windows.targets if targets is None else targets
    lightning.seed_everything(config.seed, workers=True, verbose=False)
    network = network_spec(windows, config).build()
    if config.init is not None and last_checkpoint(folder) is None:
        start_from(Path(config.init), config.model, network, windows, split, report)
    std = _set_target(network, windows, values[split.train], config)
    module = DecodingModule(network, std, config, standard_deviation(values[split.valid]))
    kept = config.keep if epochs is None else "last"
    if is_fitted(folder, kept):
        load_weights(module, folder, kept)
        return network
    jitter = config.augment.jitter if windows.movable else 0.0
    if jitter < config.augment.jitter and windows.locked:
        report("no signal is kept around the windows: they aren't moved in training")
    config = _long_enough(config, len(split.train))
    with quiet():
        timer = Timer()  # goes on counting after an interruption
        trainer = _trainer(config, folder, report, timer, _score(module, windows), epochs)
        pin_memory = trainer.strategy.root_device.type == "cuda"
        batches = partial(loader, windows, targets=values, pin_memory=pin_memory)
        train = batches(split.train, config.batch_size, shuffle=True, seed=config.seed, jitter=jitter)
        valid = batches(split.valid, 4 * config.batch_size)
        fit_to_best(trainer, module, train, valid, folder, timer, kept)
    return network


def network_spec(windows: WindowSet, config: TrainConfig | PretrainConfig) -> NetworkSpec:
    """Return how the network of a configuration is built for these windows.

    The output is scalar for a target that is not a time, unless the options name one.
    """
    a_time = windows.locked and windows.target_unit == "s"
    options = config.model_options if a_time else {"output": "scalar", **config.model_options}
    return NetworkSpec(
        config.model,
        *windows.shape,
        sfreq=windows.sfreq,
        options=options,
        chs_info=chs_info(windows.ch_names),
    )


def _long_enough(config: TrainConfig, n_windows: int) -> TrainConfig:
    """Return the configuration with the epochs that `min_steps` takes, and patience in proportion."""
    steps = -(-n_windows // config.batch_size)
    epochs = max(config.epochs, -(-config.min_steps // steps))
    patience = config.patience * epochs // config.epochs
    return config.model_copy(update={"epochs": epochs, "patience": patience})


def _set_target(network: Network, windows: WindowSet, target: np.ndarray, config: TrainConfig) -> float:
    """Give the network's last layer the statistics of the training targets; return their SD."""
    mean, std = float(target.mean()), standard_deviation(target)
    if std == 0:
        raise SparseEEGError(f"all {len(target)} training targets are {mean:g}: nothing to learn")
    layer = network.final_layer
    layer.set_target(mean, std)
    if isinstance(layer, LatencyHead):
        if not windows.locked or windows.target_unit != "s":
            raise SparseEEGError(
                f"{config.model} predicts a time in the window, in seconds; {windows.target_name} "
                f"({windows.target_unit}) is no time in the window: set its option output to scalar"
            )
        layer.set_window(windows.tmin, float(target.min()), float(target.max()))
    if config.auxiliary:
        _check_auxiliary(network, config.model)
    return std


def _check_auxiliary(network: Network, model: str) -> None:
    """Raise SparseEEGError unless a network has one auxiliary output per label."""
    if not isinstance(network, HasAuxiliary):
        raise SparseEEGError(f"{model} has no auxiliary outputs to train: set auxiliary to 0 (--auxiliary 0)")
    if network.n_auxiliary != len(LABELS):
        raise SparseEEGError(
            f"{model}: {network.n_auxiliary} auxiliary outputs for the labels {', '.join(LABELS)}; set "
            f"n_auxiliary to {len(LABELS)} (--option n_auxiliary={len(LABELS)}), or auxiliary to 0 "
            "(--auxiliary 0)"
        )


class StopAfter(Callback):
    """End a fit after a number of epochs; the schedule is that of the whole fit."""

    def __init__(self, epochs: int) -> None:
        self.epochs = epochs

    def on_train_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        # A kill may come between the last checkpoint and `effort.json`: there is nothing left to train then.
        trainer.should_stop = trainer.current_epoch >= self.epochs

    def on_train_epoch_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        trainer.should_stop = trainer.current_epoch + 1 >= self.epochs


class StayStopped(Callback):
    """End a fit that goes on from the checkpoint with which its patience had run out."""

    def on_train_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        stopping = trainer.early_stopping_callback
        if stopping is not None and (stopping.stopped_epoch or stopping.wait_count >= stopping.patience):
            trainer.should_stop = True


def _score(module: DecodingModule, windows: WindowSet) -> tuple[str, str]:
    """Return the name of the validation score, and its title in a line."""
    unit = f" in {windows.target_unit}" if windows.target_unit else ""
    return module.score, "NRMSE" if module.score == "valid_nrmse" else f"RMSE{unit}"


def _trainer(
    config: TrainConfig,
    folder: Path,
    report: Report,
    timer: Timer,
    score: tuple[str, str],
    epochs: int | None = None,
) -> lightning.Trainer:
    stops_early = epochs is None and config.keep == "best"
    callbacks = [
        *([MovingAverage(config.ema)] if config.ema else []),
        *([StopAfter(epochs)] if epochs is not None else []),
        *([EarlyStopping(score[0], patience=config.patience), StayStopped()] if stops_early else []),
    ]
    # Validation that decides nothing is only a curve to look at: 16 points are enough.
    decides = stops_early or config.schedule == "plateau"
    every = 1 if decides else max(1, config.epochs // 16)
    return make_trainer(config, folder, report, timer, score, callbacks, every)
