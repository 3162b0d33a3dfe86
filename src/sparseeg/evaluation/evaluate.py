"""The honest table: one row per predictor, computed from a table of predictions and nothing else."""

from typing import Any

import numpy as np
import pandas as pd

from sparseeg.evaluation import baselines
from sparseeg.evaluation.metrics import summarize

BASELINES = ("train_mean", "subject_mean_oracle", "subject_mean_loo", "ridge", "hist_gradient_boosting")
CONTROLS = ("shuffled_within_subject", "shuffled_order")

# The same for all trials of a subject, so a rank correlation inside the subject says nothing about them
# (leaving the own trial out even makes it -1).
CONSTANTS = ("train_mean", "subject_mean_oracle", "subject_mean_loo")

LABELS = {
    "prediction": "model",
    "train_mean": "training mean",
    "subject_mean_oracle": "own mean (oracle)",
    "subject_mean_loo": "own other trials",
    "ridge": "ridge",
    "hist_gradient_boosting": "gradient boosting",
    "shuffled_within_subject": "model, shuffled",
    "shuffled_order": "model, other order",
}
CAPTION = (
    "NRMSE is divided by the standard deviation of the test targets, pooled: 1.0 is the best constant. "
    "Intervals: bootstrap over subjects. Own mean and own other trials know the test subject's targets. "
    "Spearman: mean of the subjects' own. Shuffled: same network, targets shuffled within subject. "
    "Other order: the test trials asked in another order must get the same answers."
)


def add_constant_baselines(predictions: pd.DataFrame) -> pd.DataFrame:
    """Add the columns `subject_mean_oracle` and `subject_mean_loo`; needs subject, target, train_mean."""
    target, subjects = predictions["target"].to_numpy(), predictions["subject"].to_numpy()
    other = baselines.subject_mean_loo(target, subjects, fallback=float(predictions["train_mean"].mean()))
    return predictions.assign(
        subject_mean_oracle=baselines.subject_mean_oracle(target, subjects), subject_mean_loo=other
    )


def evaluate(predictions: pd.DataFrame, n_resamples: int = 2000, seed: int = 0) -> dict[str, Any]:
    """Score a table of test predictions.

    Parameters
    ----------
    predictions : columns `subject`, `target`, `prediction`, and one per baseline and control, all in the
        target's unit; one row per test trial, of all folds.

    Returns
    -------
    The model's scores, with `baselines` and `controls` holding the same scores by name; keys as in
    `metrics.summarize`.
    """
    target, subjects = predictions["target"].to_numpy(), predictions["subject"].to_numpy()

    def row(column: str) -> dict[str, Any]:
        scores = summarize(target, predictions[column].to_numpy(), subjects, n_resamples, seed)
        return scores | {"spearman_within_subject": float("nan")} if column in CONSTANTS else scores

    return {
        **row("prediction"),
        "normalizer": "std",
        "baselines": {name: row(name) for name in BASELINES if name in predictions},
        "controls": {name: row(name) for name in CONTROLS if name in predictions},
    }


def rows(metrics: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Return the table's rows as (label, scores): the model first, then baselines, then controls."""
    parts = {"prediction": metrics, **metrics["baselines"], **metrics["controls"]}
    return [(LABELS[name], scores) for name, scores in parts.items()]


def markdown(metrics: dict[str, Any], unit: str) -> str:
    """Return the table as Markdown; the normaliser stands in its header."""
    lines = [
        f"| predictor | NRMSE (/ SD) | 95 % interval | RMSE ({unit}) | MAE ({unit}) "
        "| Pearson | Spearman | Spearman within subject |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for label, scores in rows(metrics):
        cells = [f"{scores['nrmse']:.4f}", "{:.4f} - {:.4f}".format(*scores["nrmse_ci95"])]
        cells += [f"{scores[name]:.4f}" for name in ("rmse", "mae")]
        cells += [number(scores[name]) for name in ("pearson_r", "spearman_r", "spearman_within_subject")]
        lines.append(f"| {label} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def number(value: float | None) -> str:
    """Format a correlation; a constant has none."""
    return "-" if value is None or np.isnan(value) else f"{value:.3f}"
