"""Several networks that differ in their seed alone, kept in one folder and evaluated as one."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from sparseeg import models
from sparseeg.data.splits import Split
from sparseeg.data.windows import WindowSet
from sparseeg.errors import SparseEEGError
from sparseeg.models.registry import BuiltNetwork
from sparseeg.training import calibrate
from sparseeg.training.config import TrainConfig
from sparseeg.training.fit import EFFORT, fit

NETWORK = "model.safetensors"
MEMBERS = "members"
SELECTION = "selection"


def fit_members(
    windows: WindowSet,
    split: Split,
    config: TrainConfig,
    folder: Path,
    *,
    targets: np.ndarray | None = None,
    report: Callable[[str], None] = lambda line: None,
) -> None:
    """Fit the networks of `config.seeds` seeds and calibrate them together; what is finished is kept.

    One network lies in the folder itself, several below `members/`. Those that choose for a refit lie below
    `selection/`. Arguments and errors are those of `fit`.
    """
    if (folder / calibrate.FILE).exists():
        return
    folders = member_folders(folder, config.seeds)
    epochs: list[int | None] = [None] * config.seeds
    chosen = folder / SELECTION
    if config.refit:
        alone = config.model_copy(update={"refit": False})
        fit_members(windows, split, alone, chosen, targets=targets, report=report)
        epochs = [_effort(member)["best_epoch"] for member in member_folders(chosen, config.seeds)]
        split = Split(np.concatenate([split.train, split.valid]), split.valid, split.test)
        report("again, with the validation subjects among those that train")
    for number, member in enumerate(folders):
        if (member / NETWORK).exists():
            continue
        if config.seeds > 1:
            report(f"network {number + 1} of {config.seeds}")
        own = config.model_copy(update={"seed": config.seed + number})
        fit(windows, split, own, member, targets=targets, epochs=epochs[number], report=report)
    networks = [models.load(member / NETWORK) for member in folders]
    if config.refit:
        calibration = calibrate.Calibration.read(chosen)
        for network in networks:
            network.final_layer.shrink(calibration.shrinkage)
    else:
        values = windows.targets if targets is None else targets
        calibration = calibrate.calibrate(
            networks, windows, split.valid, values, config.partitions, config.keep == "best"
        )
        report(
            f"predictions shrunk to {calibration.shrinkage:.2f} of their distance from the mean, "
            "as the validation part asks"
        )
    for member, network in zip(folders, networks, strict=True):
        models.save(network, models.files.read_spec(member / NETWORK), member / NETWORK)
    calibration.write(folder)


def member_folders(folder: Path, seeds: int) -> list[Path]:
    """Return where the network of each seed lies in the folder of a fit."""
    return [folder] if seeds == 1 else [folder / MEMBERS / f"{number:02d}" for number in range(seeds)]


def network_files(folder: Path) -> list[Path]:
    """Return the files of the networks in a folder, by seed; SparseEEGError where they aren't finished."""
    if not (folder / calibrate.FILE).exists():
        raise SparseEEGError(
            f"{folder / calibrate.FILE} is missing: training didn't finish; continue it with "
            "`sparseeg train --resume`"
        )
    return sorted((folder / MEMBERS).glob(f"*/{NETWORK}")) or [folder / NETWORK]


def training_seconds(folder: Path) -> float:
    """Return how long the finished networks in a folder were trained, together."""
    seconds = sum(_effort(path.parent)["training_s"] for path in network_files(folder))
    selection = folder / SELECTION
    return seconds + (training_seconds(selection) if selection.exists() else 0.0)


def _effort(folder: Path) -> dict[str, Any]:
    return json.loads((folder / EFFORT).read_text())


def load_members(folder: Path) -> list[BuiltNetwork]:
    """Return the finished networks in a folder, on the CPU, in evaluation mode."""
    return [models.load(path) for path in network_files(folder)]
