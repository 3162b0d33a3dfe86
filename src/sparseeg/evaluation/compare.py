"""Several predictors of the same trials, compared in pairs."""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from sparseeg.evaluation.metrics import (
    bootstrap_nrmse,
    interval,
    nrmse,
    pearson,
    permutation_p,
    spearman_within_subject,
)


def scores(
    predictions: pd.DataFrame, runs: Mapping[str, Sequence[str]], reference: str, seed: int = 0
) -> pd.DataFrame:
    """Return one row per predictor: its scores, averaged over its runs, and its distance from the reference.

    Parameters
    ----------
    predictions : columns `subject` and `target`, and one per run, in the target's unit; one row per trial.
    runs : the columns of each predictor, by name.
    reference : the predictor whose NRMSE is subtracted from the others'.

    The interval of a mean over runs is over subjects, for these runs: each resample scores all of them.
    """
    target, subjects = predictions["target"].to_numpy(), predictions["subject"].to_numpy()
    resamples = _resamples(predictions, runs, seed)
    rows = []
    for name, columns in runs.items():
        values = [predictions[column].to_numpy() for column in columns]
        low, high = interval(resamples[name])
        row: dict[str, Any] = {
            "model": name,
            "runs": len(columns),
            "nrmse": _mean(nrmse(target, value) for value in values),
            "nrmse_low": low,
            "nrmse_high": high,
            "pearson_r": _mean(pearson(target, value) for value in values),
            "spearman_within_subject": _mean(
                spearman_within_subject(target, value, subjects) for value in values
            ),
            "permutation_p": permutation_p(target, np.mean(values, axis=0), subjects, seed=seed),
        }
        if reference in resamples and name != reference:
            row |= _difference(resamples[name], resamples[reference])
            row["difference"] = row["nrmse"] - _mean(nrmse(target, predictions[c]) for c in runs[reference])
        rows.append(row)
    return pd.DataFrame(rows)


def differences(predictions: pd.DataFrame, runs: Mapping[str, Sequence[str]], seed: int = 0) -> pd.DataFrame:
    """Return every pair of predictors: the difference of their mean NRMSE and its 95 % interval, paired.

    Both of a pair are scored on the same resamples of subjects; arguments as in `scores`.
    """
    target, resamples = predictions["target"].to_numpy(), _resamples(predictions, runs, seed)
    means = {
        name: _mean(nrmse(target, predictions[column]) for column in columns)
        for name, columns in runs.items()
    }
    return pd.DataFrame(
        {
            "model": first,
            "other": second,
            "difference": means[first] - means[second],
            **_difference(resamples[first], resamples[second]),
        }
        for first, second in itertools.combinations(runs, 2)
    )


def _resamples(
    predictions: pd.DataFrame, runs: Mapping[str, Sequence[str]], seed: int
) -> dict[str, np.ndarray]:
    """Return the mean NRMSE over each predictor's runs in every resample of the subjects."""
    target, subjects = predictions["target"], predictions["subject"]
    return {
        name: np.mean(
            [bootstrap_nrmse(target, predictions[column], subjects, seed=seed) for column in columns], axis=0
        )
        for name, columns in runs.items()
    }


def _difference(first: np.ndarray, second: np.ndarray) -> dict[str, float]:
    low, high = interval(first - second)
    return {"difference_low": low, "difference_high": high}


def _mean(values: Any) -> float:
    return float(np.mean(list(values)))
