"""Splits that know only subjects and releases, so that no subject can stand on both sides."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from sparseeg.errors import SparseEEGError, nearest


class Split(NamedTuple):
    """Index arrays into the samples: train, valid (for every choice) and test (reported, once)."""

    train: np.ndarray
    valid: np.ndarray
    test: np.ndarray

    def check(self, subjects: ArrayLike) -> "Split":
        """Return this split, or raise SparseEEGError naming a subject that stands in two of its parts."""
        subjects = np.asarray(subjects)
        parts = {"training": self.train, "validation": self.valid, "test": self.test}
        seen: dict[str, str] = {}
        for part, indices in parts.items():
            if part != "test" and len(indices) == 0:
                raise SparseEEGError(f"the {part} part of the split has no trial")
            for subject in np.unique(subjects[indices]):
                if subject in seen:
                    raise SparseEEGError(
                        f"subject {subject} is in the {seen[subject]} and in the {part} part of the split; "
                        "a subject must stand in one part only"
                    )
                seen[subject] = part
        return self


def _by_parts(labels: np.ndarray, valid: Sequence[str], test: Sequence[str]) -> Split:
    in_valid, in_test = np.isin(labels, list(valid)), np.isin(labels, list(test))
    return Split(np.flatnonzero(~in_valid & ~in_test), np.flatnonzero(in_valid), np.flatnonzero(in_test))


def leave_one_subject_out(subjects: ArrayLike) -> Iterator[Split]:
    """Yield one split per subject: it is the test part, the next one in sorted order validates."""
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

    Subjects are dealt to the folds in an order drawn from `seed`; fold sizes differ by at most one subject.
    """
    subjects = np.asarray(subjects)
    unique = np.unique(subjects)
    if not 3 <= k <= len(unique):
        raise SparseEEGError(
            f"k = {k} folds of {len(unique)} subjects: k must be at least 3 and at most the subjects"
        )
    shuffled = np.random.default_rng(seed).permutation(unique)
    folds = [np.sort(fold) for fold in np.array_split(shuffled, k)]
    for position, fold in enumerate(folds):
        yield _by_parts(subjects, list(folds[(position + 1) % k]), list(fold))


def by_subject(subjects: ArrayLike, valid: float = 0.15, test: float = 0.25, seed: int = 0) -> Split:
    """Return one split with the given shares of the subjects, drawn from `seed`.

    Each part has at least one subject, but for a test part whose share is 0.
    """
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
            f"shares of {valid:g} (validation) and {test:g} (test) leave none of {len(unique)} subjects "
            "to train on"
        )
    return _by_parts(subjects, list(shuffled[n_test : n_test + n_valid]), list(shuffled[:n_test]))


def by_release(releases: ArrayLike, valid: str | Sequence[str], test: str | Sequence[str]) -> Split:
    """Return the split with whole releases as validation and test parts; every other release trains.

    Raises SparseEEGError where a named release is not in the data, or stands in both parts.
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
        raise SparseEEGError(f"no release is left to train on: the data have only {', '.join(known)}")
    return split
