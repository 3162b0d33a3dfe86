"""Several networks that differ in their seed alone, kept in one folder and evaluated as one."""

from pathlib import Path

import numpy as np

from sparseeg import models
from sparseeg.data.splits import Split
from sparseeg.data.windows import WindowSet
from sparseeg.engines import Report, ignore
from sparseeg.errors import SparseEEGError, command
from sparseeg.evaluation.shrinkage import FEW
from sparseeg.models.registry import BuiltNetwork
from sparseeg.training import calibrate
from sparseeg.training.config import TrainConfig
from sparseeg.training.fit import NETWORK, fit_network, network_spec
from sparseeg.training.lineage import place
from sparseeg.training.subjects import SplitSubjects, comparison_of
from sparseeg.training.trainer import Effort

MEMBERS = "members"
SELECTION = "selection"


def fit_members(
    windows: WindowSet,
    split: Split,
    config: TrainConfig,
    folder: Path,
    *,
    targets: np.ndarray | None = None,
    report: Report = ignore,
) -> None:
    """Fit the networks of `config.seeds` seeds, calibrate them together and save them; skip finished ones.

    One network is saved in the folder itself, several below `members/`. Networks that choose epoch, shrinkage
    and intervals for a refit are saved below `selection/`. `calibration.json` is written last: a folder with
    it is complete. Arguments and errors are those of `fit_network`.
    """
    if (folder / calibrate.FILE).exists():
        return
    subjects = SplitSubjects.of(windows, split).digest
    folders = member_folders(folder, config.seeds)
    epochs: list[int | None] = [None] * config.seeds
    chosen = folder / SELECTION
    if config.refit:
        alone = config.model_copy(update={"refit": False})
        fit_members(windows, split, alone, chosen, targets=targets, report=report)
        epochs = [Effort.read(member).best_epoch for member in member_folders(chosen, config.seeds)]
        split = Split(np.concatenate([split.train, split.valid]), split.valid, split.test)
        report("training again, on the training and validation subjects")
    networks: list[BuiltNetwork] = []
    for number, member in enumerate(folders):
        if (member / NETWORK).exists():
            networks.append(models.load(member / NETWORK))
            continue
        if config.seeds > 1:
            report(f"network {number + 1} of {config.seeds}")
        own = config.model_copy(update={"seed": config.seed + number})
        networks.append(
            fit_network(windows, split, own, member, targets=targets, epochs=epochs[number], report=report)
        )
    if config.refit:
        calibration = calibrate.Calibration.read(chosen)
        for network in networks:
            network.final_layer.shrink(calibration.shrinkage)
    else:
        values = windows.targets if targets is None else targets
        calibration = calibrate.calibrate(
            networks, windows, split, values, config.partitions, config.keep == "best"
        )
        report(f"predictions keep {calibration.shrinkage:.2f} of their distance from the mean (shrinkage)")
        if (calibration.n_subjects or FEW) < FEW:
            report(
                f"validation subjects: {calibration.n_subjects}. Fewer than {FEW} do not show how well "
                "predictions hold for others, so shrinkage is strong and prediction intervals are uncertain"
            )
    for member, network in zip(folders, networks, strict=True):
        models.save(network, network_spec(windows, config), member / NETWORK, subjects)
    calibration.write(folder)


def member_folders(folder: Path, seeds: int) -> list[Path]:
    """Return the folder of each seed's network in the folder of a fit."""
    return [folder] if seeds == 1 else [folder / MEMBERS / f"{number:02d}" for number in range(seeds)]


def network_files(folder: Path) -> list[Path]:
    """Return the files of the networks in a folder, by seed; SparseEEGError where they are not finished."""
    if not (folder / calibrate.FILE).exists():
        run = place(folder)[0]
        comparison = comparison_of(run)
        again = (
            f"`{command('train', '--out', run, '--resume')}`"
            if comparison is None
            else f"the same `sparseeg compare` command that started {comparison}"
        )
        raise SparseEEGError(
            f"{folder / calibrate.FILE} is missing: training didn't finish; continue it with {again}"
        )
    return sorted((folder / MEMBERS).glob(f"*/{NETWORK}")) or [folder / NETWORK]


def training_seconds(folder: Path) -> float:
    """Return the seconds that the finished networks in a folder were trained, together."""
    seconds = sum(Effort.read(path.parent).training_s for path in network_files(folder))
    selection = folder / SELECTION
    return seconds + (training_seconds(selection) if selection.exists() else 0.0)


def load_members(folder: Path) -> list[BuiltNetwork]:
    """Return the finished networks in a folder, on the CPU, in evaluation mode."""
    return [models.load(path) for path in network_files(folder)]
