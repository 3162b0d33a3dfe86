"""The table of scores as text: labels, digits and what they mean."""

from typing import Any

import numpy as np

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
