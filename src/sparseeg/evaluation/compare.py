"""Compare several predictors of the same trials in pairs."""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from sparseeg.evaluation.metrics import (
    bootstrap_nrmse,
    bootstrap_spearman,
    interval,
    nrmse,
    pearson,
    permutation_p,
    spearman_within_subject,
)


def scores(
    predictions: pd.DataFrame, runs: Mapping[str, Sequence[str]], reference: str, seed: int = 0
) -> pd.DataFrame:
    """Return one row per predictor: its mean scores over its runs, and its difference from a reference.

    Intervals are 95 % intervals over subjects for these runs: each resample scores all of them.

    Parameters
    ----------
    predictions : one row per trial, with the columns `subject` and `target` and one column per run, in the
        target's unit.
    runs : columns of the runs of each predictor, by name.
    reference : predictor whose NRMSE is subtracted from that of the others.
    seed : seed of bootstrap and permutations.
    """
    all_scores = {name: _scores(predictions, columns, seed) for name, columns in runs.items()}
    target, subjects = predictions["target"], predictions["subject"]
    rows = []
    for name, columns in runs.items():
        values, own = predictions[[*columns]].to_numpy(), all_scores[name]
        row: dict[str, Any] = {
            "model": name,
            "runs": len(columns),
            "nrmse": own.nrmse,
            "pearson_r": np.mean([pearson(target, value) for value in values.T]),
            "spearman_within_subject": own.spearman,
            "permutation_p": permutation_p(target, values.mean(axis=1), subjects, seed=seed),
            **_bounds("nrmse", own.resampled_nrmse),
            **_bounds("spearman", own.resampled_spearman),
        }
        if reference in all_scores and name != reference:
            other = all_scores[reference]
            row["difference"] = own.nrmse - other.nrmse
            row |= _bounds("difference", own.resampled_nrmse - other.resampled_nrmse)
        rows.append(row)
    return pd.DataFrame(rows)


def differences(predictions: pd.DataFrame, runs: Mapping[str, Sequence[str]], seed: int = 0) -> pd.DataFrame:
    """Return the differences of NRMSE and Spearman correlation (means over runs) for each pair of predictors.

    Intervals are 95 % and paired: both predictors are scored on the same resamples of subjects. Arguments as
    in `scores`.
    """
    all_scores = {name: _scores(predictions, columns, seed) for name, columns in runs.items()}
    rows = []
    for first, second in itertools.combinations(runs, 2):
        one, other = all_scores[first], all_scores[second]
        rows.append(
            {
                "model": first,
                "other": second,
                "difference": one.nrmse - other.nrmse,
                **_bounds("difference", one.resampled_nrmse - other.resampled_nrmse),
                "spearman_difference": one.spearman - other.spearman,
                **_bounds("spearman_difference", one.resampled_spearman - other.resampled_spearman),
            }
        )
    return pd.DataFrame(rows)


class _Scores(NamedTuple):
    """Mean scores of a predictor over its runs, and those in each resample of the subjects, (resample,)."""

    nrmse: float
    spearman: float
    resampled_nrmse: np.ndarray
    resampled_spearman: np.ndarray


def _scores(predictions: pd.DataFrame, columns: Sequence[str], seed: int) -> _Scores:
    target, subjects = predictions["target"], predictions["subject"]
    runs = [predictions[column] for column in columns]
    return _Scores(
        np.mean([nrmse(target, run) for run in runs], axis=0),
        np.mean([spearman_within_subject(target, run, subjects) for run in runs], axis=0),
        np.mean([bootstrap_nrmse(target, run, subjects, seed=seed) for run in runs], axis=0),
        np.mean([bootstrap_spearman(target, run, subjects, seed=seed) for run in runs], axis=0),
    )


def _bounds(name: str, resampled: np.ndarray) -> dict[str, float]:
    low, high = interval(resampled)
    return {f"{name}_low": low, f"{name}_high": high}
