"""Prediction intervals that hold for new people, and how often they did."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

LEVEL = 0.9


def conformal_quantile(scores: ArrayLike, subjects: ArrayLike, level: float = LEVEL) -> float:
    """Return the score that the next subject's trials stay below with probability `level`.

    Trials of one subject are not exchangeable with those of another, subjects are: each of the K subjects
    weighs as much as any other, whatever its number of trials, and the new one stands beside them, which asks
    for the quantile at level (K + 1) / K, or for the largest score where that is above one. Source: pooled
    distribution functions of Dunn, Wasserman and Ramdas (2022), arXiv 1809.07441.

    Parameters
    ----------
    scores : how far each calibration trial lies from its prediction (trial,), larger is farther.
    subjects : (trial,), who they belong to.
    """
    scores = np.asarray(scores, dtype=np.float64)
    _, codes, counts = np.unique(np.asarray(subjects), return_inverse=True, return_counts=True)
    order = np.argsort(scores)
    weights = np.cumsum(1 / counts[codes[order]]) / len(counts)
    wanted = level * (len(counts) + 1) / len(counts)
    place = min(int(np.searchsorted(weights, wanted - 1e-9)), len(order) - 1)
    return float(scores[order[place]])


def coverage(
    target: ArrayLike, low: ArrayLike, high: ArrayLike, subjects: ArrayLike, level: float = LEVEL
) -> dict[str, Any]:
    """Return how often the targets (trial,) lay inside their intervals, over all trials and by subject."""
    target, low, high = (np.asarray(values, dtype=np.float64) for values in (target, low, high))
    inside = (target >= low) & (target <= high)
    _, codes, counts = np.unique(np.asarray(subjects), return_inverse=True, return_counts=True)
    by_subject = np.bincount(codes, inside) / counts
    return {
        "level": level,
        "coverage": float(inside.mean()),
        "coverage_mean_over_subjects": float(by_subject.mean()),
        "coverage_lowest_subject": float(by_subject.min()),
        "subjects_below_level": int((by_subject < level).sum()),
        "n_subjects": len(counts),
        "mean_width": float(np.mean(high - low)),
    }
