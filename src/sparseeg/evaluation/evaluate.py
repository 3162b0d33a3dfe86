"""Score a model, its baselines and its controls from a table of predictions."""

from typing import Any

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

# These are the same for all trials of a subject, so a rank correlation within the subject is meaningless
# (leaving out the trial itself even makes it -1).
CONSTANTS = ("train_mean", "subject_mean_oracle", "subject_mean_loo", "age_and_sex")


def add_constant_baselines(predictions: pd.DataFrame) -> pd.DataFrame:
    """Return the predictions with the columns `subject_mean_oracle` and `subject_mean_loo`.

    A target with one value per subject gets neither, because they would equal the target.

    Parameters
    ----------
    predictions : one row per trial, with the columns `subject`, `target` and `train_mean`.
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
    predictions : one row per test trial of all folds, with the columns `subject`, `target`, `prediction`,
        `interval_low`, `interval_high`, `constant_low` and `constant_high` (if known), and one column per
        baseline and control, all in the target's unit.
    n_resamples : resamples of the bootstrap over subjects.
    seed : seed of the bootstrap.

    Returns
    -------
    dict : the scores of the model, with keys as in `metrics.summarize`; the scores of `baselines` and
        `controls` by name; and the coverage of the prediction intervals in `interval`.
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
    """Return the coverage of the prediction intervals, if there are any."""
    if "interval_low" not in predictions:
        return {}
    target, subjects = predictions["target"], predictions["subject"]
    found = coverage(target, predictions["interval_low"], predictions["interval_high"], subjects)
    if "constant_low" in predictions:
        alone = coverage(target, predictions["constant_low"], predictions["constant_high"], subjects)
        found["without_network"] = alone
    return {"interval": found}


def _by_subject(predictions: pd.DataFrame, n_resamples: int, seed: int) -> dict[str, Any]:
    """Return the scores of the mean prediction of each subject, if the target has one value per subject."""
    if not is_subject_level(predictions["target"], predictions["subject"]):
        return {}
    known = [name for name in ("target", "prediction", *BASELINES, *CONTROLS) if name in predictions]
    means = predictions.groupby("subject", sort=True)[known].mean()
    target, subjects = means["target"].to_numpy(), means.index.to_numpy()
    scores = {
        name: summarize(target, means[name].to_numpy(), subjects, n_resamples, seed) for name in known[1:]
    }
    return {"by_subject": scores}
