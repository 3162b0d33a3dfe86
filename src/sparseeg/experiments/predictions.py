"""What every predictor says of the scored trials of one split: the networks, their control, the baselines."""

from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from sparseeg.data.windows import WindowSet
from sparseeg.evaluation import baselines
from sparseeg.evaluation.controls import is_subject_level
from sparseeg.experiments.folds import Fold
from sparseeg.training.calibrate import Calibration
from sparseeg.training.config import TrainConfig
from sparseeg.training.ensemble import SELECTION, load_members
from sparseeg.training.inference import predict

TRIAL_COLUMNS = ("release", "subject", "task", "run", "onset", "target")


def predictions(config: TrainConfig, windows: WindowSet, fold: Fold) -> pd.DataFrame:
    """Return one row per scored trial: what it was, and a column per predictor, in the target's unit."""
    test = fold.scored
    kept = [name for name in TRIAL_COLUMNS if name in windows.table]
    networks = load_members(fold.folder)
    ask = partial(predict, windows=windows, partitions=config.partitions)
    answer = ask(networks, indices=test)
    low, high = Calibration.read(fold.folder).interval(answer)
    columns = {"prediction": answer.mean, "interval_low": low, "interval_high": high}
    if len(fold.split.train):
        learned = ["train_mean", "ridge", *(["hist_gradient_boosting"] if config.boosting else [])]
        known = partial(baseline, windows=windows, fold=fold, refit=config.refit, seed=config.seed)
        columns |= {name: known(name) for name in learned}
        if windows.target_name != "age" and _knows_age(windows):
            # A network that was trained on the validation subjects too says nothing about itself there.
            strangers = load_members(fold.folder / SELECTION) if config.refit else networks
            columns |= _with_age(windows, fold, answer.mean, ask(strangers, indices=fold.split.valid).mean)
    else:  # where the training data are gone, the network still knows their mean
        columns["train_mean"] = np.full(len(test), float(networks[0].final_layer.mean))
    for name in controls(config, windows):
        columns[name] = ask(load_members(control_folder(fold, name)), indices=test).mean
    if config.control:
        order = np.random.default_rng(config.seed).permutation(len(test))
        columns["shuffled_order"] = ask(networks, indices=test[order]).mean[np.argsort(order)]
    return windows.table.iloc[test][kept].reset_index(drop=True).assign(**columns)


def baseline(name: str, windows: WindowSet, fold: Fold, *, refit: bool = False, seed: int = 0) -> np.ndarray:
    """Return what a baseline, by its name in `metrics.json`, says of the scored trials."""
    train, valid, _ = fold.split
    if name == "train_mean":
        return baselines.train_mean(windows.targets[train], len(fold.scored))
    parts = (windows.gather, windows.targets, train, valid, fold.scored)
    if name == "ridge":
        return baselines.ridge(*parts, refit=refit)
    return baselines.hist_gradient_boosting(*parts, seed=seed, refit=refit)


def _with_age(
    windows: WindowSet, fold: Fold, eeg_scored: np.ndarray, eeg_valid: np.ndarray
) -> dict[str, np.ndarray]:
    """Return what age and sex say, alone and together with the EEG."""
    valid, target = fold.split.valid, windows.targets
    male = windows.table["sex"].map({"M": 1.0, "F": 0.0})
    rows = np.concatenate([valid, fold.scored])
    alone = baselines.age_and_sex(windows.table["age"], male, target, fold.split.train, rows)
    eeg = np.concatenate([eeg_valid, eeg_scored])
    both = baselines.with_eeg(alone, eeg, target[rows], windows.subjects[rows], np.arange(len(valid)))
    return {"age_and_sex": alone[len(valid) :], "age_sex_and_eeg": both[len(valid) :]}


def _knows_age(windows: WindowSet) -> bool:
    return "age" in windows.table and bool(windows.table["age"].notna().any())


def controls(config: TrainConfig, windows: WindowSet) -> list[str]:
    """Return the names of the shuffles whose targets the network is trained on as well."""
    if not config.control:
        return []
    if is_subject_level(windows.targets, windows.subjects):
        return ["shuffled_between_subjects"]
    return ["shuffled_trials", *(["shuffled_within_subject"] if config.control_within_subject else [])]


def control_folder(fold: Fold, name: str) -> Path:
    """Return where the networks of a control lie."""
    return fold.folder / "controls" / name
