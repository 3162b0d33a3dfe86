"""Prediction intervals that hold for new subjects, and their coverage."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

LEVEL = 0.9


def reach_for_new_subject(scores: ArrayLike, subjects: ArrayLike, level: float = LEVEL) -> float:
    """Return the score that trials of a new subject stay below with probability `level`, on average.

    It is a quantile of the pooled scores, in which each subject has the same weight. Its nominal level is the
    smallest one at which the quantile of all other subjects holds for `level` of the trials of the subject
    that is left out, on average over the subjects. This has no finite-sample guarantee, which for few
    subjects is the largest score of all: intervals that are far too wide. With one subject, there is no other
    one to leave out, and the quantile is taken at `level`.

    Parameters
    ----------
    scores : distance of each calibration trial from its prediction, (trial,).
    subjects : subject of each trial, (trial,).
    level : wanted coverage.
    """
    scores = np.asarray(scores, dtype=np.float64)
    _, codes, counts = np.unique(np.asarray(subjects), return_inverse=True, return_counts=True)
    weights = 1 / counts[codes] / len(counts)
    if len(counts) == 1:
        return _quantile(scores, weights, level)
    # The quantile of the other subjects covers a score if its level exceeds their share below this score.
    needed = np.empty(len(scores))
    for code in range(len(counts)):
        own = codes == code
        order = np.argsort(scores[~own])
        below = np.concatenate([[0.0], np.cumsum(weights[~own][order])])
        needed[own] = below[np.searchsorted(scores[~own][order], scores[own], side="left")] / below[-1]
    nominal = _quantile(needed, weights, level)
    return _quantile(scores, weights, nominal + 1e-9)


def shortest_interval(target: ArrayLike, subjects: ArrayLike, level: float = LEVEL) -> tuple[float, float]:
    """Return the shortest interval with `level` of the targets, in which each subject has the same weight.

    This is the interval that needs no network.
    """
    target = np.asarray(target, dtype=np.float64)
    _, codes, counts = np.unique(np.asarray(subjects), return_inverse=True, return_counts=True)
    order = np.argsort(target)
    ends = target[order]
    after = np.cumsum((1 / counts[codes] / len(counts))[order])
    before = np.concatenate([[0.0], after[:-1]])
    last = np.searchsorted(after, before + level - 1e-9)
    first = np.flatnonzero(last < len(ends))
    best = first[np.argmin(ends[last[first]] - ends[first])]
    return float(ends[best]), float(ends[last[best]])


def _quantile(values: np.ndarray, weights: np.ndarray, level: float) -> float:
    """Return the smallest value up to which the weights, whose sum is 1, reach a level."""
    order = np.argsort(values)
    rank = np.searchsorted(np.cumsum(weights[order]), level - 1e-9)
    return float(values[order[min(int(rank), len(order) - 1)]])


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
