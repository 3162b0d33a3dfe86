"""Format the scores of a run: labels, digits, and explanations."""

from pathlib import Path
from typing import Any

import numpy as np

from sparseeg.errors import SparseEEGError, command
from sparseeg.files.atomic import read_json
from sparseeg.training.other_folders import check_trained

LABELS = {
    "prediction": "model",
    "train_mean": "training mean",
    "subject_mean_oracle": "subject mean (oracle)",
    "subject_mean_loo": "subject's other trials",
    "age_and_sex": "age and sex",
    "age_sex_and_eeg": "age, sex and EEG",
    "ridge": "ridge",
    "hist_gradient_boosting": "gradient boosting",
    "shuffled_trials": "model, shuffled",
    "shuffled_within_subject": "model, shuffled in subject",
    "shuffled_between_subjects": "model, shuffled",
    "shuffled_order": "model, other order",
}
_ALWAYS = (
    "NRMSE: RMSE divided by the standard deviation of the test targets, pooled; 1.0 is the best constant.",
    "Intervals: bootstrap over subjects.",
)
_OF_ROWS = (  # what a row needs to be understood, said where the table has one of these
    (
        ("subject_mean_oracle", "subject_mean_loo"),
        "Subject mean and subject's other trials use targets of the test subjects.",
    ),
    (
        ("subject_mean_loo",),
        "Spearman: mean of the correlations within subjects, weighted by their trials less one.",
    ),
    (
        ("shuffled_trials", "shuffled_within_subject"),
        "Shuffled: the same network, trained on targets shuffled among trials.",
    ),
    (
        ("shuffled_between_subjects",),
        "Shuffled: the same network, trained on targets shuffled among subjects, as each has one target.",
    ),
    (
        ("shuffled_order",),
        "Other order: predictions for the test trials in another order, which must be the same.",
    ),
)


def read_metrics(run: Path) -> dict[str, Any]:
    """Return the content of `metrics.json` of a run folder.

    Raises
    ------
    SparseEEGError : the file is missing or can't be read, or the folder is not that of a run.
    """
    check_trained(run)
    if not any((run / name).exists() for name in ("config.yaml", "metrics.json")):
        raise SparseEEGError(f"{run} is no run folder of `sparseeg train`: it has no config.yaml")
    try:
        return read_json(run / "metrics.json", dict)
    except SparseEEGError as error:
        raise SparseEEGError(
            f"{run} has no scores to report ({error}); run `{command('evaluate', run)}`, or continue an "
            f"interrupted training with `{command('train', '--out', run, '--resume')}`"
        ) from error


def rows(metrics: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Return the rows of the table as (label, scores): the model, then baselines, then controls.

    Scores that are null in `metrics.json` are returned as NaN.
    """
    parts = {"prediction": metrics, **metrics["baselines"], **metrics["controls"]}
    return [(LABELS[name], {key: _known(value) for key, value in row.items()}) for name, row in parts.items()]


def caption(metrics: dict[str, Any]) -> str:
    """Return what a reader of the table needs to know of its columns and of the rows that it has."""
    there = {*metrics["baselines"], *metrics["controls"]}
    return " ".join([*_ALWAYS, *(text for names, text in _OF_ROWS if there.intersection(names))])


def _known(value: Any) -> Any:
    if isinstance(value, list):
        return [_known(item) for item in value]
    return float("nan") if value is None else value


def cells(scores: dict[str, Any], unit: str) -> dict[str, str]:
    """Return one row of the table as text, by column."""
    low, high = scores["nrmse_ci95"]
    return {
        "NRMSE": number(scores["nrmse"], 4),
        "95 % interval": f"{number(low)} - {number(high)}",
        f"RMSE ({unit})": number(scores["rmse"], 4),
        f"MAE ({unit})": number(scores["mae"], 4),
        "Pearson": number(scores["pearson_r"]),
        "Spearman": number(scores["spearman_within_subject"]),
    }


def describe_sample(metrics: dict[str, Any]) -> str:
    """Return a description of the trials that were scored."""
    trials = f"{metrics['n_trials']} {metrics['part']} trials of {metrics['n_subjects']} subjects"
    correlated = metrics.get("spearman_n_subjects", metrics["n_subjects"])
    if 0 < correlated < metrics["n_subjects"]:
        trials += f" (correlations within {correlated} of them)"
    if metrics["part"] == "test":
        return trials
    return f"{trials}, which were also used to select the epoch: scores are too optimistic"


def describe_intervals(metrics: dict[str, Any]) -> str:
    """Return one line about the coverage of the prediction intervals."""
    found = metrics["interval"]
    line = (
        f"{found['level']:.0%} prediction intervals, {found['mean_width']:.3g} {metrics['unit']} wide on "
        f"average: they cover {found['coverage']:.1%} of the trials, "
        f"{found['coverage_mean_over_subjects']:.1%} on average over {found['n_subjects']} subjects, "
        f"{found['coverage_lowest_subject']:.1%} for the subject with the lowest coverage"
    )
    if found.get("calibration_subjects"):
        noun = "subject" if found["calibration_subjects"] == 1 else "subjects"
        line += f"; calibrated on {found['calibration_subjects']} validation {noun}"
    if "without_network" in found:
        alone = found["without_network"]
        line += (
            f". The shortest interval that needs no network is {alone['mean_width']:.3g} {metrics['unit']} "
            f"wide and covers {alone['coverage']:.1%}"
        )
        if not found["uses_network"]:
            line += "; it is used here, because the network's were wider on the validation subjects"
    return line


def number(value: float, digits: int = 3) -> str:
    """Format a score; "-" for NaN."""
    return "-" if np.isnan(value) else f"{value:.{digits}f}"
