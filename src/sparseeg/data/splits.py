"""Splits by subject or by release, so that no subject is in two parts."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from sparseeg.errors import SparseEEGError, nearest


class Split(NamedTuple):
    """Index arrays into the windows: `train`, `valid` (for all choices) and `test` (scored once)."""

    train: np.ndarray
    valid: np.ndarray
    test: np.ndarray

    def check(self, subjects: ArrayLike) -> "Split":
        """Return this split if it is valid.

        Parameters
        ----------
        subjects : subject of each window, (n_windows,).

        Raises
        ------
        SparseEEGError : a subject is in two parts (the message names it), or a part is empty.
        """
        subjects = np.asarray(subjects)
        parts = {"training": self.train, "validation": self.valid, "test": self.test}
        seen: dict[str, str] = {}
        for part, indices in parts.items():
            if part != "test" and len(indices) == 0:
                raise SparseEEGError(f"the {part} part of the split is empty")
            for subject in np.unique(subjects[indices]):
                if subject in seen:
                    raise SparseEEGError(
                        f"subject {subject} is in the {seen[subject]} and in the {part} part of the split; "
                        "each subject must be in one part only"
                    )
                seen[subject] = part
        return self


def _by_parts(labels: np.ndarray, valid: Sequence[str], test: Sequence[str]) -> Split:
    in_valid, in_test = np.isin(labels, list(valid)), np.isin(labels, list(test))
    return Split(np.flatnonzero(~in_valid & ~in_test), np.flatnonzero(in_valid), np.flatnonzero(in_test))


def leave_one_subject_out(subjects: ArrayLike) -> Iterator[Split]:
    """Yield one split per subject: this subject is the test part, the next in sorted order validates."""
    subjects = np.asarray(subjects)
    unique = np.unique(subjects)
    if len(unique) < 3:
        raise SparseEEGError(
            f"leave-one-subject-out needs 3 subjects (training, validation, test), found {len(unique)}"
        )
    for position, subject in enumerate(unique):
        following = unique[(position + 1) % len(unique)]
        yield _by_parts(subjects, [following], [subject])


def subject_folds(subjects: ArrayLike, k: int, seed: int = 0) -> Iterator[Split]:
    """Yield k splits whose test parts are disjoint sets of subjects; the next fold validates.

    Subjects are assigned to folds in an order drawn from `seed`; fold sizes differ by at most one subject.
    """
    subjects = np.asarray(subjects)
    unique = np.unique(subjects)
    if not 3 <= k <= len(unique) or k != int(k):
        raise SparseEEGError(
            f"{k} folds of {len(unique)} subjects: the number of folds must be a whole number, at least 3 "
            "and at most the number of subjects"
        )
    shuffled = np.random.default_rng(seed).permutation(unique)
    folds = [np.sort(fold) for fold in np.array_split(shuffled, int(k))]
    for position, fold in enumerate(folds):
        yield _by_parts(subjects, list(folds[(position + 1) % len(folds)]), list(fold))


def by_subject(subjects: ArrayLike, valid: float = 0.15, test: float = 0.25, seed: int = 0) -> Split:
    """Return one split with random subjects in each part.

    Parameters
    ----------
    subjects : subject of each window, (n_windows,).
    valid, test : shares of the subjects, below 1. Each part has at least one subject, except the test part if
        its share is 0.
    seed : seed of the draw.

    Raises
    ------
    SparseEEGError : a share is not possible, or there are too few subjects.
    """
    if not 0 < valid < 1:
        raise SparseEEGError(
            f"a validation share of {valid:g} is not possible; it is more than 0 and below 1"
        )
    if not 0 <= test < 1:
        raise SparseEEGError(f"a test share of {test:g} is not possible; it is 0 or more and below 1")
    subjects = np.asarray(subjects)
    unique = np.unique(subjects)
    least = 3 if test else 2
    if len(unique) < least:
        raise SparseEEGError(f"a split by subject needs at least {least} subjects, found {len(unique)}")
    shuffled = np.random.default_rng(seed).permutation(unique)
    n_test = max(1, round(test * len(unique))) if test else 0
    n_valid = max(1, round(valid * len(unique)))
    if n_test + n_valid >= len(unique):
        raise SparseEEGError(
            f"shares of {valid:g} (validation) and {test:g} (test) leave no subject of {len(unique)} for "
            "training"
        )
    return _by_parts(subjects, list(shuffled[n_test : n_test + n_valid]), list(shuffled[:n_test]))


def by_release(releases: ArrayLike, valid: str | Sequence[str], test: str | Sequence[str]) -> Split:
    """Return the split with whole releases as validation and test parts; all other releases train.

    Parameters
    ----------
    releases : release of each window, (n_windows,).
    valid, test : names of one or several releases.

    Raises
    ------
    SparseEEGError : a release is not in the data or is in both parts, or none is left for training.
    """
    releases = np.asarray(releases)
    valid = [valid] if isinstance(valid, str) else list(valid)
    test = [test] if isinstance(test, str) else list(test)
    known = sorted({name for name in releases.tolist() if isinstance(name, str)})
    for name in [*valid, *test]:
        if name not in known:
            raise SparseEEGError(
                f"release {name!r} is not in the data, which has {', '.join(known)}.{nearest(name, known)}"
            )
    both = sorted(set(valid) & set(test))
    if both:
        raise SparseEEGError(f"release {both[0]} can't be both validation and test")
    split = _by_parts(releases, valid, test)
    if len(split.train) == 0:
        raise SparseEEGError(f"no release is left for training: the data only have {', '.join(known)}")
    return split
