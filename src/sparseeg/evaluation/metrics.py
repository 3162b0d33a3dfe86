"""Scores of predictions against targets, pooled over trials, with intervals over subjects."""

from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import stats

Normalizer = Literal["std", "range", "mean"]
_ROUNDING = 1e-12  # of numbers, relative to the largest


def _pair(target: ArrayLike, prediction: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    target = np.asarray(target, dtype=np.float64)
    prediction = np.asarray(prediction, dtype=np.float64)
    if target.shape != prediction.shape or target.ndim != 1:
        raise ValueError(
            f"target {target.shape} and prediction {prediction.shape} must be 1-D and of equal length"
        )
    if target.size == 0:
        raise ValueError("no samples to score")
    return target, prediction


def rmse(target: ArrayLike, prediction: ArrayLike) -> float:
    """Root mean squared error, in the unit of the target.

    >>> rmse([1.0, 2.0], [1.0, 4.0])
    1.4142135623730951
    """
    target, prediction = _pair(target, prediction)
    return float(np.sqrt(np.mean((prediction - target) ** 2)))


def mae(target: ArrayLike, prediction: ArrayLike) -> float:
    """Mean absolute error, in the unit of the target."""
    target, prediction = _pair(target, prediction)
    return float(np.mean(np.abs(prediction - target)))


def standard_deviation(values: ArrayLike) -> float:
    """Population standard deviation (ddof 0); 0 if the values differ only by rounding, or if there are none.

    >>> standard_deviation([0.1 + 0.2, 0.3]), standard_deviation([1.0, 3.0])
    (0.0, 1.0)
    """
    values = np.asarray(values, dtype=np.float64)
    if not values.size or np.ptp(values) <= _ROUNDING * np.abs(values).max():
        return 0.0
    return float(np.std(values))


def nrmse(target: ArrayLike, prediction: ArrayLike, normalizer: Normalizer = "std") -> float:
    """Root mean squared error divided by the spread of the target, pooled over all samples.

    With `"std"`, the population standard deviation (ddof 0), the best constant scores 1.0; this is the metric
    of the EEG Foundation Challenge. `"range"` (maximum - minimum) and `"mean"` exist only to compare with
    published values: with them, even a constant scores well. NaN if the normaliser is zero.

    >>> nrmse([1.0, 2.0, 3.0], [2.0, 2.0, 2.0])
    1.0
    """
    target, prediction = _pair(target, prediction)
    if normalizer == "std":
        scale = standard_deviation(target)
    elif normalizer == "range":
        scale = float(np.ptp(target))
    elif normalizer == "mean":
        scale = abs(float(np.mean(target)))
    else:
        raise ValueError(f"normalizer must be 'std', 'range' or 'mean', not {normalizer!r}")
    return rmse(target, prediction) / scale if scale > 0 else float("nan")


def pearson(target: ArrayLike, prediction: ArrayLike) -> float:
    """Pearson correlation; NaN if targets or predictions are constant."""
    target, prediction = _pair(target, prediction)
    if len(target) < 2 or not (standard_deviation(target) and standard_deviation(prediction)):
        return float("nan")
    return float(np.corrcoef(target, prediction)[0, 1])


def spearman(target: ArrayLike, prediction: ArrayLike) -> float:
    """Spearman rank correlation; NaN if targets or predictions are constant."""
    target, prediction = _pair(target, prediction)
    return pearson(stats.rankdata(target), stats.rankdata(prediction))


def spearman_of_subjects(target: ArrayLike, prediction: ArrayLike, subjects: ArrayLike) -> np.ndarray:
    """Return the Spearman correlation within each subject, (subject,), in the order of their names.

    NaN for subjects with fewer than three trials or a constant target. A constant prediction counts as
    correlation 0, so that a model can't improve its mean by predicting a constant.
    """
    target, prediction = _pair(target, prediction)
    frame = pd.DataFrame({"subject": np.asarray(subjects), "target": target, "prediction": prediction})
    values = []
    for _, part in frame.groupby("subject"):
        value = float("nan")
        if len(part) >= 3 and part["target"].nunique() > 1:
            value = np.nan_to_num(spearman(part["target"].to_numpy(), part["prediction"].to_numpy()))
        values.append(value)
    return np.array(values)


def spearman_within_subject(target: ArrayLike, prediction: ArrayLike, subjects: ArrayLike) -> float:
    """Return the mean of `spearman_of_subjects`, weighted by the number of trials less one.

    The variance of a rank correlation of n unrelated pairs is 1 / (n - 1), so that a subject with 8 trials
    counts less than one with 120. Subjects without a correlation have no weight; NaN if no subject has one.
    """
    values = spearman_of_subjects(target, prediction, subjects)
    weights = _trial_weights(subjects, values)
    return float(weights @ np.nan_to_num(values) / weights.sum()) if weights.any() else float("nan")


def _trial_weights(subjects: ArrayLike, values: np.ndarray) -> np.ndarray:
    """Return the weight of each subject's correlation, (subject,), in the order of their names."""
    _, counts = np.unique(np.asarray(subjects), return_counts=True)
    return (counts - 1.0) * ~np.isnan(values)


def permutation_p(
    target: ArrayLike, prediction: ArrayLike, subjects: ArrayLike, n_permutations: int = 9999, seed: int = 0
) -> float:
    """Return the one-sided p-value of `spearman_within_subject`.

    The null distribution comes from permuting the targets within each subject; the smallest possible value is
    1 / (n_permutations + 1).
    """
    target, prediction = _pair(target, prediction)
    rng = np.random.default_rng(seed)
    subjects = np.asarray(subjects)
    found, chance = 0.0, np.zeros(n_permutations)
    for subject in np.unique(subjects):
        rows = subjects == subject
        ranks = [stats.rankdata(values[rows]) for values in (target, prediction)]
        first, second = (values - values.mean() for values in ranks)
        norm = np.linalg.norm(first) * np.linalg.norm(second)
        if len(first) < 3 or norm == 0:
            continue
        weight = len(first) - 1
        found += weight * (first @ second) / norm
        for at in range(0, n_permutations, 1000):
            shuffled = np.tile(first, (min(1000, n_permutations - at), 1))
            shuffled = rng.permuted(shuffled, axis=1, out=shuffled)
            chance[at : at + 1000] += weight * (shuffled @ second) / norm
    return float((1 + np.sum(chance >= found - 1e-12)) / (1 + n_permutations))


def bootstrap_nrmse(
    target: ArrayLike,
    prediction: ArrayLike,
    subjects: ArrayLike,
    n_resamples: int = 2000,
    seed: int = 0,
) -> np.ndarray:
    """Return the pooled NRMSE of bootstrap resamples of subjects, (n_resamples,).

    Subjects are resampled (with replacement), because trials of one subject are not independent. Each
    resample is normalised by its own standard deviation. The draws only depend on the seed and on the number
    of subjects, so that two predictors of the same trials can be compared in pairs.
    """
    target, prediction = _pair(target, prediction)
    codes, unique = pd.factorize(np.asarray(subjects), sort=True)
    n_subjects = len(unique)
    squared_error = (prediction - target) ** 2
    # Centring avoids cancellation in the difference of squares below.
    centred = target - target.mean()
    moments = np.stack(
        [
            np.bincount(codes, weights, n_subjects)
            for weights in (np.ones_like(target), squared_error, centred, centred**2)
        ]
    )
    n, errors, first, second = moments @ _draw(n_subjects, n_resamples, seed).T
    variance = second / n - (first / n) ** 2
    with np.errstate(divide="ignore", invalid="ignore"):
        # The variance of equal targets is a rounding error.
        spread = np.where(variance > 1e-12 * np.mean(centred**2), variance, np.nan)
        return np.sqrt(errors / n / spread)


def bootstrap_spearman(
    target: ArrayLike,
    prediction: ArrayLike,
    subjects: ArrayLike,
    n_resamples: int = 2000,
    seed: int = 0,
) -> np.ndarray:
    """Return `spearman_within_subject` of the resamples of `bootstrap_nrmse`, (n_resamples,)."""
    values = spearman_of_subjects(target, prediction, subjects)
    weights = _draw(len(values), n_resamples, seed) * _trial_weights(subjects, values)
    with np.errstate(invalid="ignore"):
        return weights @ np.nan_to_num(values) / weights.sum(axis=1)


def _draw(n_subjects: int, n_resamples: int, seed: int) -> np.ndarray:
    """Return how often each subject is in each resample, (n_resamples, n_subjects).

    NaN for a single subject, which would give intervals of zero width.
    """
    if n_subjects < 2:
        return np.full((n_resamples, n_subjects), np.nan)
    rng = np.random.default_rng(seed)
    return rng.multinomial(n_subjects, np.full(n_subjects, 1 / n_subjects), size=n_resamples)


def interval(samples: ArrayLike, level: float = 0.95) -> tuple[float, float]:
    """Return the percentile interval of bootstrap samples, ignoring NaN."""
    samples = np.asarray(samples, dtype=np.float64)
    if np.isnan(samples).all():
        return float("nan"), float("nan")
    low, high = np.nanquantile(samples, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def summarize(
    target: ArrayLike, prediction: ArrayLike, subjects: ArrayLike, n_resamples: int = 2000, seed: int = 0
) -> dict[str, Any]:
    """Return all scores of one predictor; the interval of the NRMSE is a bootstrap over subjects."""
    low, high = interval(bootstrap_nrmse(target, prediction, subjects, n_resamples, seed))
    return {
        "nrmse": nrmse(target, prediction),
        "nrmse_ci95": [low, high],
        "rmse": rmse(target, prediction),
        "mae": mae(target, prediction),
        "pearson_r": pearson(target, prediction),
        "spearman_r": spearman(target, prediction),
        "spearman_within_subject": spearman_within_subject(target, prediction, subjects),
        "spearman_n_subjects": int(np.isfinite(spearman_of_subjects(target, prediction, subjects)).sum()),
        "n_trials": len(np.asarray(target)),
        "n_subjects": len(np.unique(np.asarray(subjects))),
    }
