"""Fit one network on one split."""

from functools import partial
from pathlib import Path

import lightning
import numpy as np
from lightning.pytorch.callbacks import Callback, EarlyStopping, Timer

from sparseeg.data.signals.positions import chs_info
from sparseeg.data.splits import Split
from sparseeg.data.windows import WindowSet
from sparseeg.errors import SparseEEGError
from sparseeg.models import NetworkSpec, save
from sparseeg.models.latency import LatencyHead
from sparseeg.models.network import HasAuxiliary, Network
from sparseeg.training.averaging import MovingAverage
from sparseeg.training.batches import loader
from sparseeg.training.config import PretrainConfig, TrainConfig
from sparseeg.training.labels import LABELS
from sparseeg.training.module import DecodingModule
from sparseeg.training.start import start_from
from sparseeg.training.trainer import (
    EFFORT,
    Report,
    TrainingInterrupted,
    fit_to_best,
    last_checkpoint,
    make_trainer,
    quiet,
)

__all__ = ["EFFORT", "TrainingInterrupted", "fit", "network_spec"]


def fit(
    windows: WindowSet,
    split: Split,
    config: TrainConfig,
    folder: Path,
    *,
    targets: np.ndarray | None = None,
    epochs: int | None = None,
    report: Report = lambda line: None,
) -> Path:
    """Train on `split.train`, choose the epoch on `split.valid`, write `folder/model.safetensors`.

    Checkpoints (`best.ckpt`, `last.ckpt`), logs and `effort.json` (seconds, epochs) go to the folder as
    well; a fit that was interrupted goes on from `last.ckpt`. `targets` replaces the windows' own, for the
    shuffled control. `epochs` were chosen before: nothing is chosen, the last one is kept.
    Raises TrainingInterrupted on Ctrl-C and SparseEEGError where the device isn't there, or where loss,
    network, target and the run it starts from don't fit each other.
    """
    values = windows.targets if targets is None else targets
    lightning.seed_everything(config.seed, workers=True, verbose=False)
    network = (spec := network_spec(windows, config)).build()
    if config.init is not None and last_checkpoint(folder) is None:
        start_from(Path(config.init), config.model, network, windows, split, report)
    std = _set_target(network, windows, values[split.train], config)
    module = DecodingModule(network, std, config)
    jitter = config.augment.jitter if windows.movable else 0.0
    if jitter < config.augment.jitter and windows.locked:
        report("no signal is kept around the windows: they aren't moved in training")
    config = _long_enough(config, len(split.train))
    with quiet():
        timer = Timer()  # goes on counting after an interruption
        trainer = _trainer(config, folder, report, timer, epochs)
        pin_memory = trainer.strategy.root_device.type == "cuda"
        batches = partial(loader, windows, targets=values, pin_memory=pin_memory)
        train = batches(split.train, config.batch_size, shuffle=True, seed=config.seed, jitter=jitter)
        valid = batches(split.valid, 4 * config.batch_size)
        fit_to_best(trainer, module, train, valid, folder, timer, config.keep if epochs is None else "last")
    path = folder / "model.safetensors"
    save(network, spec, path)
    return path


def network_spec(windows: WindowSet, config: TrainConfig | PretrainConfig) -> NetworkSpec:
    """Return how the network of a configuration is built for these windows.

    A target that is no time gets a scalar output, unless the options say otherwise.
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
    """Return the configuration with as many epochs as `min_steps` takes, and patience in proportion."""
    steps = -(-n_windows // config.batch_size)
    epochs = max(config.epochs, -(-config.min_steps // steps))
    patience = config.patience * epochs // config.epochs
    return config.model_copy(update={"epochs": epochs, "patience": patience})


def _set_target(network: Network, windows: WindowSet, target: np.ndarray, config: TrainConfig) -> float:
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
    if config.auxiliary:
        _check_auxiliary(network, config.model)
    return std


def _check_auxiliary(network: Network, model: str) -> None:
    """Raise SparseEEGError unless a network has an auxiliary output for each label that there may be."""
    if not isinstance(network, HasAuxiliary):
        raise SparseEEGError(f"{model} has no auxiliary outputs to train: set auxiliary to 0")
    if network.n_auxiliary != len(LABELS):
        raise SparseEEGError(
            f"{model}: {network.n_auxiliary} auxiliary outputs for the labels {', '.join(LABELS)}; set "
            f"n_auxiliary to {len(LABELS)}, or auxiliary to 0"
        )


class StopAfter(Callback):
    """End a fit after some of its epochs, with the schedule of all of them."""

    def __init__(self, epochs: int) -> None:
        self.epochs = epochs

    def on_train_epoch_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        trainer.should_stop = trainer.current_epoch + 1 >= self.epochs


def _trainer(
    config: TrainConfig, folder: Path, report: Report, timer: Timer, epochs: int | None = None
) -> lightning.Trainer:
    stops_early = epochs is None and config.keep == "best"
    callbacks = [
        *([MovingAverage(config.ema)] if config.ema else []),
        *([StopAfter(epochs)] if epochs is not None else []),
        *([EarlyStopping("valid_nrmse", patience=config.patience)] if stops_early else []),
    ]
    # Where it decides nothing, validation is a curve to look at: some points of it will do.
    decides = stops_early or config.schedule == "plateau"
    every = 1 if decides else max(1, config.epochs // 16)
    return make_trainer(config, folder, report, timer, ("valid_nrmse", "NRMSE"), callbacks, every)
