"""Controls that a leaking protocol fails."""

import numpy as np
from numpy.typing import ArrayLike

from sparseeg.data.splits import Split


def shuffled(name: str, target: ArrayLike, subjects: ArrayLike, split: Split, seed: int = 0) -> np.ndarray:
    """Return the targets of a control by its name in `metrics.json`.

    "shuffled_trials" permutes all trials of a part of the split: nothing is left that a window could tell, so
    a control below 1 is a leak. "shuffled_within_subject" permutes those of each subject: what the subjects
    differ in stays. "shuffled_between_subjects" is for targets that are the subject's own.
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
    """Say whether the target is a number of the subject: the same in all windows of each."""
    target, subjects = np.asarray(target), np.asarray(subjects)
    order = np.argsort(subjects, kind="stable")
    same = subjects[order][1:] == subjects[order][:-1]
    return bool(same.any() and np.all(target[order][1:][same] == target[order][:-1][same]))


def shuffle_between_subjects(target: ArrayLike, subjects: ArrayLike, seed: int = 0) -> np.ndarray:
    """Return the targets with each subject's number given to another subject, drawn at random."""
    target = np.asarray(target, dtype=np.float64)
    _, first, codes = np.unique(np.asarray(subjects), return_index=True, return_inverse=True)
    return np.random.default_rng(seed).permutation(target[first])[codes]


def shuffle_within(target: ArrayLike, groups: ArrayLike, seed: int = 0) -> np.ndarray:
    """Return the targets permuted inside each group, as of the trials of one subject.

    Inside subjects it is no perfect null. Their means stay, and where a subject's average window goes with
    the subject's mean target, a predictor learns something true from the means alone: on the simulated
    reference set ridge scores 0.988 so, and a network that says when learns where a response shows.
    """
    target, groups = np.asarray(target, dtype=np.float64), np.asarray(groups)
    rng = np.random.default_rng(seed)
    result = target.copy()
    for group in np.unique(groups):
        rows = np.flatnonzero(groups == group)
        result[rows] = target[rng.permutation(rows)]
    return result
