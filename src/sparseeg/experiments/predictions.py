"""Predictions for the scored trials of one split, by the networks, their controls and the baselines."""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sparseeg.data.windows import WindowSet
from sparseeg.evaluation import baselines
from sparseeg.evaluation.controls import is_subject_level
from sparseeg.experiments.splits import SplitFolder
from sparseeg.training.calibrate import Calibration
from sparseeg.training.config import TrainConfig
from sparseeg.training.ensemble import SELECTION, load_members
from sparseeg.training.inference import predict

TRIAL_COLUMNS = ("release", "subject", "task", "run", "onset", "target")


def prediction_table(config: TrainConfig, windows: WindowSet, split: SplitFolder) -> pd.DataFrame:
    """Return one row per scored trial: its description and a column per predictor, in the target's unit."""
    scored = split.scored
    kept = [name for name in TRIAL_COLUMNS if name in windows.table]
    networks = load_members(split.folder)
    ask = partial(predict, windows=windows, partitions=config.partitions)
    prediction = ask(networks, indices=scored)
    calibration = Calibration.read(split.folder)
    low, high = calibration.interval(prediction)
    columns: dict[str, Any] = {"prediction": prediction.mean, "interval_low": low, "interval_high": high}
    if calibration.constant is not None:
        columns |= dict(zip(("constant_low", "constant_high"), calibration.constant, strict=True))
    if len(split.rows.train) and len(split.rows.valid):
        learned = ["train_mean", "ridge", *(["hist_gradient_boosting"] if config.boosting else [])]
        fitted = partial(baseline, windows=windows, split=split, refit=config.refit, seed=config.seed)
        columns |= {name: fitted(name) for name in learned}
        if windows.target_name != "age" and _knows_age(windows):
            # After a refit, the networks have trained on the validation subjects: take those before it.
            unseen = load_members(split.folder / SELECTION) if config.refit else networks
            valid = ask(unseen, indices=split.rows.valid)
            columns |= _with_age(windows, split, prediction.mean, valid.mean)
    else:  # the data that baselines are fitted on are gone, but the network holds their mean
        columns["train_mean"] = np.full(len(scored), float(networks[0].final_layer.mean))
    for name in controls(config, windows):
        columns[name] = ask(load_members(control_folder(split, name)), indices=scored).mean
    if config.control:
        order = np.random.default_rng(config.seed).permutation(len(scored))
        columns["shuffled_order"] = ask(networks, indices=scored[order]).mean[np.argsort(order)]
    return windows.table.iloc[scored][kept].reset_index(drop=True).assign(**columns)


def baseline(
    name: str, windows: WindowSet, split: SplitFolder, *, refit: bool = False, seed: int = 0
) -> np.ndarray:
    """Return the predictions of a baseline, by its name in `metrics.json`, for the scored trials."""
    train, valid, _ = split.rows
    if name == "train_mean":
        return baselines.train_mean(windows.targets[train], len(split.scored))
    parts = (windows.gather, windows.targets, train, valid, split.scored)
    if name == "ridge":
        return baselines.ridge(*parts, refit=refit)
    return baselines.hist_gradient_boosting(*parts, seed=seed, refit=refit)


def _with_age(
    windows: WindowSet, split: SplitFolder, eeg_scored: np.ndarray, eeg_valid: np.ndarray
) -> dict[str, np.ndarray]:
    """Return predictions from age and sex, alone and together with the EEG."""
    valid, target = split.rows.valid, windows.targets
    male = windows.table["sex"].map({"M": 1.0, "F": 0.0})
    rows = np.concatenate([valid, split.scored])
    alone = baselines.age_and_sex(windows.table["age"], male, target, split.rows.train, rows)
    eeg = np.concatenate([eeg_valid, eeg_scored])
    both = baselines.with_eeg(alone, eeg, target[rows], windows.subjects[rows], np.arange(len(valid)))
    return {"age_and_sex": alone[len(valid) :], "age_sex_and_eeg": both[len(valid) :]}


def _knows_age(windows: WindowSet) -> bool:
    return "age" in windows.table and bool(windows.table["age"].notna().any())


def controls(config: TrainConfig, windows: WindowSet) -> list[str]:
    """Return the names of the shuffles on which control networks are trained."""
    if not config.control:
        return []
    if is_subject_level(windows.targets, windows.subjects):
        return ["shuffled_between_subjects"]
    return ["shuffled_trials", *(["shuffled_within_subject"] if config.control_within_subject else [])]


def control_folder(split: SplitFolder, name: str) -> Path:
    """Return the folder of the networks of a control."""
    return split.folder / "controls" / name
