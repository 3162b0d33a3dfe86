"""The honest table: one row per predictor, computed from a table of predictions and nothing else."""

from typing import Any

import numpy as np
import pandas as pd

from sparseeg.evaluation import baselines
from sparseeg.evaluation.controls import is_subject_level
from sparseeg.evaluation.intervals import coverage
from sparseeg.evaluation.metrics import summarize

BASELINES = (
    "train_mean",
    "subject_mean_oracle",
    "subject_mean_loo",
    "age_and_sex",
    "age_sex_and_eeg",
    "ridge",
    "hist_gradient_boosting",
)
CONTROLS = ("shuffled_trials", "shuffled_within_subject", "shuffled_between_subjects", "shuffled_order")

# The same for all trials of a subject, so a rank correlation inside the subject says nothing about them
# (leaving the own trial out even makes it -1).
CONSTANTS = ("train_mean", "subject_mean_oracle", "subject_mean_loo", "age_and_sex")

LABELS = {
    "prediction": "model",
    "train_mean": "training mean",
    "subject_mean_oracle": "own mean (oracle)",
    "subject_mean_loo": "own other trials",
    "age_and_sex": "age and sex",
    "age_sex_and_eeg": "age, sex and EEG",
    "ridge": "ridge",
    "hist_gradient_boosting": "gradient boosting",
    "shuffled_trials": "model, shuffled",
    "shuffled_within_subject": "model, shuffled in subject",
    "shuffled_between_subjects": "model, shuffled",
    "shuffled_order": "model, other order",
}
CAPTION = (
    "NRMSE is divided by the standard deviation of the test targets, pooled: 1.0 is the best constant. "
    "Intervals: bootstrap over subjects. Own mean and own other trials know the test subject's targets. "
    "Spearman: mean of the subjects' own. Shuffled: same network, targets shuffled among the trials, or, "
    "where each subject has one target, among the subjects. "
    "Other order: the test trials asked in another order must get the same answers."
)


def add_constant_baselines(predictions: pd.DataFrame) -> pd.DataFrame:
    """Add the columns `subject_mean_oracle` and `subject_mean_loo`; needs subject, target, train_mean.

    A target that is the subject's own gets neither: they would know the answer.
    """
    target, subjects = predictions["target"].to_numpy(), predictions["subject"].to_numpy()
    if is_subject_level(target, subjects):
        return predictions
    other = baselines.subject_mean_loo(target, subjects, fallback=float(predictions["train_mean"].mean()))
    return predictions.assign(
        subject_mean_oracle=baselines.subject_mean_oracle(target, subjects), subject_mean_loo=other
    )


def evaluate(predictions: pd.DataFrame, n_resamples: int = 2000, seed: int = 0) -> dict[str, Any]:
    """Score a table of test predictions.

    Parameters
    ----------
    predictions : columns `subject`, `target`, `prediction`, `interval_low` and `interval_high` where known,
        and one per baseline and control, all in the target's unit; one row per test trial, of all folds.

    Returns
    -------
    The model's scores, with `baselines` and `controls` holding the same scores by name; keys as in
    `metrics.summarize`. `interval` says how often the prediction intervals held.
    """
    target, subjects = predictions["target"].to_numpy(), predictions["subject"].to_numpy()

    def row(column: str) -> dict[str, Any]:
        scores = summarize(target, predictions[column].to_numpy(), subjects, n_resamples, seed)
        return scores | {"spearman_within_subject": float("nan")} if column in CONSTANTS else scores

    return {
        **row("prediction"),
        "normalizer": "std",
        **_by_subject(predictions, n_resamples, seed),
        **_interval(predictions),
        "baselines": {name: row(name) for name in BASELINES if name in predictions},
        "controls": {name: row(name) for name in CONTROLS if name in predictions},
    }


def _interval(predictions: pd.DataFrame) -> dict[str, Any]:
    """Return how often the prediction intervals held, where there are any."""
    if "interval_low" not in predictions:
        return {}
    low, high = predictions["interval_low"], predictions["interval_high"]
    return {"interval": coverage(predictions["target"], low, high, predictions["subject"])}


def _by_subject(predictions: pd.DataFrame, n_resamples: int, seed: int) -> dict[str, Any]:
    """Return the scores of each subject's mean prediction, where the target is the subject's own."""
    if not is_subject_level(predictions["target"], predictions["subject"]):
        return {}
    known = [name for name in ("target", "prediction", *BASELINES, *CONTROLS) if name in predictions]
    means = predictions.groupby("subject", sort=True)[known].mean()
    target, subjects = means["target"].to_numpy(), means.index.to_numpy()
    scores = {
        name: summarize(target, means[name].to_numpy(), subjects, n_resamples, seed) for name in known[1:]
    }
    return {"by_subject": scores}


def rows(metrics: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Return the table's rows as (label, scores): the model first, then baselines, then controls.

    Scores that are missing in `metrics.json` (null) come back as NaN.
    """
    parts = {"prediction": metrics, **metrics["baselines"], **metrics["controls"]}
    return [(LABELS[name], {key: _known(value) for key, value in row.items()}) for name, row in parts.items()]


def _known(value: Any) -> Any:
    if isinstance(value, list):
        return [_known(item) for item in value]
    return float("nan") if value is None else value


def cells(scores: dict[str, Any], unit: str) -> dict[str, str]:
    """Return one row of the table as text, by column; the last column is the mean inside the subjects."""
    low, high = scores["nrmse_ci95"]
    return {
        "NRMSE": number(scores["nrmse"], 4),
        "95 % interval": f"{number(low)} - {number(high)}",
        f"RMSE ({unit})": number(scores["rmse"], 4),
        f"MAE ({unit})": number(scores["mae"], 4),
        "Pearson": number(scores["pearson_r"]),
        "Spearman": number(scores["spearman_within_subject"]),
    }


def markdown(metrics: dict[str, Any], unit: str) -> str:
    """Return the table as Markdown; the normaliser stands in its header."""
    table = [(label, cells(scores, unit)) for label, scores in rows(metrics)]
    titles = ["predictor", *table[0][1]]
    lines = ["| " + " | ".join(titles).replace("NRMSE", "NRMSE (/ SD)") + " |", "|---" * len(titles) + "|"]
    lines += [f"| {label} | " + " | ".join(row.values()) + " |" for label, row in table]
    return "\n".join(lines) + "\n"


def scored(metrics: dict[str, Any]) -> str:
    """Say on whom the scores are."""
    who = f"{metrics['n_trials']} {metrics['part']} trials of {metrics['n_subjects']} subjects"
    return who if metrics["part"] == "test" else f"{who}, on whom the epoch was chosen: too good"


def intervals(metrics: dict[str, Any]) -> str:
    """Say in one line how often the prediction intervals held."""
    found = metrics["interval"]
    return (
        f"{found['level']:.0%} prediction intervals, {found['mean_width']:.3g} {metrics['unit']} wide on "
        f"average: held for {found['coverage']:.1%} of the trials, "
        f"{found['coverage_mean_over_subjects']:.1%} averaged over {found['n_subjects']} subjects, "
        f"{found['coverage_lowest_subject']:.1%} for the lowest"
    )


def number(value: float, digits: int = 3) -> str:
    """Format a score; a constant has no correlation."""
    return "-" if np.isnan(value) else f"{value:.{digits}f}"
