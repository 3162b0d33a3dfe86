"""Controls that a leaking protocol fails."""

import numpy as np
from numpy.typing import ArrayLike


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


def shuffle_within_subject(target: ArrayLike, subjects: ArrayLike, seed: int = 0) -> np.ndarray:
    """Return the targets permuted inside each subject.

    What is the subject's stays (mean, spread), what is the trial's goes. It is no perfect null: where a
    subject's average window goes with the subject's mean target, a predictor learns something true from the
    means alone (on the simulated reference set ridge scores 0.988 so). A control far below 1 is a leak until
    such a reason is shown.
    """
    target = np.asarray(target, dtype=np.float64)
    subjects = np.asarray(subjects)
    rng = np.random.default_rng(seed)
    shuffled = target.copy()
    for subject in np.unique(subjects):
        rows = np.flatnonzero(subjects == subject)
        shuffled[rows] = target[rng.permutation(rows)]
    return shuffled
