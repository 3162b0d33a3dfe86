"""Several predictors of the same trials, compared in pairs."""

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
    """Return one row per predictor: its scores, averaged over its runs, and its distance from the reference.

    Parameters
    ----------
    predictions : columns `subject` and `target`, and one per run, in the target's unit; one row per trial.
    runs : the columns of each predictor, by name.
    reference : the predictor whose NRMSE is subtracted from the others'.

    The interval of a mean over runs is over subjects, for these runs: each resample scores all of them.
    """
    scored = _scored(predictions, runs, seed)
    target, subjects = predictions["target"], predictions["subject"]
    rows = []
    for name, columns in runs.items():
        values, one = predictions[[*columns]].to_numpy(), scored[name]
        row: dict[str, Any] = {
            "model": name,
            "runs": len(columns),
            "nrmse": one.nrmse,
            "pearson_r": np.mean([pearson(target, value) for value in values.T]),
            "spearman_within_subject": one.spearman,
            "permutation_p": permutation_p(target, values.mean(axis=1), subjects, seed=seed),
            **_bounds("nrmse", one.resampled_nrmse),
            **_bounds("spearman", one.resampled_spearman),
        }
        if reference in scored and name != reference:
            other = scored[reference]
            row["difference"] = one.nrmse - other.nrmse
            row |= _bounds("difference", one.resampled_nrmse - other.resampled_nrmse)
        rows.append(row)
    return pd.DataFrame(rows)


def differences(predictions: pd.DataFrame, runs: Mapping[str, Sequence[str]], seed: int = 0) -> pd.DataFrame:
    """Return every pair of predictors: the difference of NRMSE and of Spearman, means over their runs.

    Intervals are 95 %, paired: both of a pair are scored on the same resamples of subjects. Arguments as in
    `scores`.
    """
    scored = _scored(predictions, runs, seed)
    return pd.DataFrame(
        {
            "model": first,
            "other": second,
            "difference": scored[first].nrmse - scored[second].nrmse,
            **_bounds("difference", scored[first].resampled_nrmse - scored[second].resampled_nrmse),
            "spearman_difference": scored[first].spearman - scored[second].spearman,
            **_bounds(
                "spearman_difference", scored[first].resampled_spearman - scored[second].resampled_spearman
            ),
        }
        for first, second in itertools.combinations(runs, 2)
    )


class _Scores(NamedTuple):
    """Of one predictor, means over its runs; resampled: in every resample of the subjects, (resample,)."""

    nrmse: float
    spearman: float
    resampled_nrmse: np.ndarray
    resampled_spearman: np.ndarray


def _scored(predictions: pd.DataFrame, runs: Mapping[str, Sequence[str]], seed: int) -> dict[str, _Scores]:
    target, subjects = predictions["target"], predictions["subject"]

    def of_run(values: pd.Series) -> tuple[float, float, np.ndarray, np.ndarray]:
        return (
            nrmse(target, values),
            spearman_within_subject(target, values, subjects),
            bootstrap_nrmse(target, values, subjects, seed=seed),
            bootstrap_spearman(target, values, subjects, seed=seed),
        )

    return {
        name: _Scores(
            *(
                np.mean(score, axis=0)
                for score in zip(*(of_run(predictions[c]) for c in columns), strict=True)
            )
        )
        for name, columns in runs.items()
    }


def _bounds(name: str, resampled: np.ndarray) -> dict[str, float]:
    low, high = interval(resampled)
    return {f"{name}_low": low, f"{name}_high": high}
