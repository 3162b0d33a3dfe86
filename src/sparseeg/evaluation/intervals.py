"""Prediction intervals that hold for new subjects, and their coverage."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

LEVEL = 0.9


def conformal_quantile(scores: ArrayLike, subjects: ArrayLike, level: float = LEVEL) -> float:
    """Return the score that trials of a new subject do not exceed with probability `level`.

    Subjects are exchangeable, trials of different subjects are not. Therefore each of the K subjects has the
    same weight, whatever its number of trials, and the quantile is taken at level * (K + 1) / K, or the
    largest score if that exceeds 1. Source: pooled distribution functions of Dunn, Wasserman and Ramdas
    (2022), arXiv 1809.07441.

    Parameters
    ----------
    scores : distance of each calibration trial from its prediction, (trial,).
    subjects : subject of each trial, (trial,).
    level : wanted coverage.
    """
    scores = np.asarray(scores, dtype=np.float64)
    _, codes, counts = np.unique(np.asarray(subjects), return_inverse=True, return_counts=True)
    order = np.argsort(scores)
    weights = np.cumsum(1 / counts[codes[order]]) / len(counts)
    wanted = level * (len(counts) + 1) / len(counts)
    rank = min(int(np.searchsorted(weights, wanted - 1e-9)), len(order) - 1)
    return float(scores[order[rank]])


def coverage(
    target: ArrayLike, low: ArrayLike, high: ArrayLike, subjects: ArrayLike, level: float = LEVEL
) -> dict[str, Any]:
    """Return how often targets are inside their prediction intervals, over all trials and by subject.

    Parameters
    ----------
    target, low, high : targets and ends of their intervals, (trial,).
    subjects : subject of each trial, (trial,).
    level : nominal coverage.
    """
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
