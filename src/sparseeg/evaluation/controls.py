"""Controls with shuffled targets, which show leaks in a protocol."""

import numpy as np
from numpy.typing import ArrayLike

from sparseeg.data.splits import Split


def shuffled(name: str, target: ArrayLike, subjects: ArrayLike, split: Split, seed: int = 0) -> np.ndarray:
    """Return the targets of a control.

    Parameters
    ----------
    name : name of the control in `metrics.json`. "shuffled_trials" permutes all trials in each part of the
        split, so that windows carry no information about the targets, and an NRMSE below 1 shows a leak.
        "shuffled_within_subject" permutes the trials of each subject, which keeps differences between
        subjects. "shuffled_between_subjects" is for targets with one value per subject.
    target, subjects : target and subject of each trial, (trial,).
    split : parts of the split.
    seed : seed of the permutation.
    """
    if name == "shuffled_between_subjects":
        return shuffle_between_subjects(target, subjects, seed)
    if name == "shuffled_within_subject":
        return shuffle_within(target, subjects, seed)
    parts = np.zeros(len(np.asarray(target)), dtype=int)
    for number, rows in enumerate(split, start=1):
        parts[rows] = number
    return shuffle_within(target, parts, seed)


def is_subject_level(target: ArrayLike, subjects: ArrayLike) -> bool:
    """Return whether the target has one value per subject, and any subject has several windows."""
    target, subjects = np.asarray(target), np.asarray(subjects)
    order = np.argsort(subjects, kind="stable")
    same = subjects[order][1:] == subjects[order][:-1]
    return bool(same.any() and np.all(target[order][1:][same] == target[order][:-1][same]))


def shuffle_between_subjects(target: ArrayLike, subjects: ArrayLike, seed: int = 0) -> np.ndarray:
    """Return the targets with the values of subjects permuted at random."""
    target = np.asarray(target, dtype=np.float64)
    _, first, codes = np.unique(np.asarray(subjects), return_index=True, return_inverse=True)
    return np.random.default_rng(seed).permutation(target[first])[codes]


def shuffle_within(target: ArrayLike, groups: ArrayLike, seed: int = 0) -> np.ndarray:
    """Return the targets permuted within each group, for example among the trials of a subject.

    Permuting within subjects is not a perfect null: it keeps the mean of each subject, which can be related
    to the subject's average window. On the simulated reference set, ridge regression scores 0.988 in this
    way, and a network with a latency head learns which part of a window follows a response.
    """
    target, groups = np.asarray(target, dtype=np.float64), np.asarray(groups)
    rng = np.random.default_rng(seed)
    result = target.copy()
    for group in np.unique(groups):
        rows = np.flatnonzero(groups == group)
        result[rows] = target[rng.permutation(rows)]
    return result
