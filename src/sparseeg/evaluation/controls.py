"""Controls that a leaking protocol fails."""

import numpy as np
from numpy.typing import ArrayLike


def shuffle_within_subject(target: ArrayLike, subjects: ArrayLike, seed: int = 0) -> np.ndarray:
    """Return the targets permuted inside each subject.

    What is the subject's stays (mean, spread), what is the trial's goes: a network trained on these targets
    that still beats the training mean on the trial level has seen something it should not have.
    """
    target = np.asarray(target, dtype=np.float64)
    subjects = np.asarray(subjects)
    rng = np.random.default_rng(seed)
    shuffled = target.copy()
    for subject in np.unique(subjects):
        rows = np.flatnonzero(subjects == subject)
        shuffled[rows] = target[rng.permutation(rows)]
    return shuffled
