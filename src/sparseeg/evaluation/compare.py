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
    target, subjects = predictions["target"].to_numpy(), predictions["subject"].to_numpy()
    bootstrap = _bootstrap(predictions, runs, seed)
    rows = []
    for name, columns in runs.items():
        values = [predictions[column].to_numpy() for column in columns]
        row: dict[str, Any] = {
            "model": name,
            "runs": len(columns),
            "nrmse": _mean(nrmse(target, value) for value in values),
            "pearson_r": _mean(pearson(target, value) for value in values),
            "spearman_within_subject": _mean(
                spearman_within_subject(target, value, subjects) for value in values
            ),
            "permutation_p": permutation_p(target, np.mean(values, axis=0), subjects, seed=seed),
            **_bounds("nrmse", bootstrap[name].nrmse),
            **_bounds("spearman", bootstrap[name].spearman),
        }
        if reference in bootstrap and name != reference:
            row |= _bounds("difference", bootstrap[name].nrmse - bootstrap[reference].nrmse)
            row["difference"] = row["nrmse"] - _mean(nrmse(target, predictions[c]) for c in runs[reference])
        rows.append(row)
    return pd.DataFrame(rows)


def differences(predictions: pd.DataFrame, runs: Mapping[str, Sequence[str]], seed: int = 0) -> pd.DataFrame:
    """Return every pair of predictors: the difference of NRMSE and of Spearman, means over their runs.

    Intervals are 95 %, paired: both of a pair are scored on the same resamples of subjects. Arguments as in
    `scores`.
    """
    target, subjects = predictions["target"], predictions["subject"]
    bootstrap = _bootstrap(predictions, runs, seed)
    found = {
        name: np.mean(
            [
                (
                    nrmse(target, predictions[column]),
                    spearman_within_subject(target, predictions[column], subjects),
                )
                for column in columns
            ],
            axis=0,
        )
        for name, columns in runs.items()
    }
    return pd.DataFrame(
        {
            "model": first,
            "other": second,
            "difference": found[first][0] - found[second][0],
            **_bounds("difference", bootstrap[first].nrmse - bootstrap[second].nrmse),
            "spearman_difference": found[first][1] - found[second][1],
            **_bounds("spearman_difference", bootstrap[first].spearman - bootstrap[second].spearman),
        }
        for first, second in itertools.combinations(runs, 2)
    )


class _Resampled(NamedTuple):
    """Scores in every resample of the subjects, (resample,), means over the runs."""

    nrmse: np.ndarray
    spearman: np.ndarray


def _bootstrap(
    predictions: pd.DataFrame, runs: Mapping[str, Sequence[str]], seed: int
) -> dict[str, _Resampled]:
    target, subjects = predictions["target"], predictions["subject"]
    return {
        name: _Resampled(
            *(
                np.mean(
                    [score(target, predictions[column], subjects, seed=seed) for column in columns], axis=0
                )
                for score in (bootstrap_nrmse, bootstrap_spearman)
            )
        )
        for name, columns in runs.items()
    }


def _bounds(name: str, resampled: np.ndarray) -> dict[str, float]:
    low, high = interval(resampled)
    return {f"{name}_low": low, f"{name}_high": high}


def _mean(values: Any) -> float:
    return float(np.mean(list(values)))
