"""Splits: no subject on two sides, whatever is asked for."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparseeg.data.splits import Split, by_release, by_subject, leave_one_subject_out, subject_folds
from sparseeg.errors import SparseEEGError

subject_lists = st.lists(st.integers(0, 12), min_size=20, max_size=80).map(
    lambda numbers: np.array([f"sub-{number:02d}" for number in numbers])
)


def check_disjoint(split: Split, subjects: np.ndarray) -> None:
    parts = [set(subjects[part]) for part in split]
    assert all(parts)
    assert sum(len(part) for part in parts) == len(set.union(*parts))
    assert sorted(np.concatenate(split)) == list(range(len(subjects)))


@given(subject_lists)
def test_leave_one_subject_out(subjects: np.ndarray) -> None:
    unique = np.unique(subjects)
    if len(unique) < 3:
        return
    tested = []
    for split in leave_one_subject_out(subjects):
        check_disjoint(split, subjects)
        tested += list(set(subjects[split.test]))
    assert sorted(tested) == list(unique)


@given(subject_lists, st.integers(3, 6), st.integers(0, 5))
def test_subject_folds(subjects: np.ndarray, k: int, seed: int) -> None:
    if len(np.unique(subjects)) < k:
        return
    splits = list(subject_folds(subjects, k, seed))
    for split in splits:
        check_disjoint(split, subjects)
    assert sorted(np.concatenate([split.test for split in splits])) == list(range(len(subjects)))
    sizes = [len(set(subjects[split.test])) for split in splits]
    assert max(sizes) - min(sizes) <= 1


@given(subject_lists, st.integers(0, 5))
def test_by_subject(subjects: np.ndarray, seed: int) -> None:
    if len(np.unique(subjects)) < 3:
        return
    split = by_subject(subjects, seed=seed)
    check_disjoint(split, subjects)
    again = by_subject(subjects, seed=seed)
    assert all(np.array_equal(first, second) for first, second in zip(split, again, strict=True))


def test_by_subject_without_a_test_part() -> None:
    train, valid, test = by_subject(["A", "A", "B", "C"], valid=0.3, test=0.0)
    assert len(test) == 0
    assert sorted([*train, *valid]) == [0, 1, 2, 3]
    with pytest.raises(SparseEEGError, match="at least 2 subjects, found 1"):
        by_subject(["A", "A"], test=0.0)


def test_by_release() -> None:
    releases = np.array(["R1", "R1", "R4", "R5", "R2", "R5"])
    train, valid, test = by_release(releases, "R4", ["R5"])
    assert train.tolist() == [0, 1, 4]
    assert valid.tolist() == [2]
    assert test.tolist() == [3, 5]


def test_release_not_in_the_data_is_named() -> None:
    with pytest.raises(SparseEEGError, match=r"'R6' is not in the data, which has R1, R5"):
        by_release(["R1", "R5"], "R6", "R5")


def test_release_on_both_sides_is_named() -> None:
    with pytest.raises(SparseEEGError, match="R5 can't be both"):
        by_release(["R1", "R5"], "R5", "R5")


def test_subject_in_two_releases_is_named() -> None:
    subjects = np.array(["A", "B", "C", "A"])
    split = by_release(["R1", "R1", "R4", "R5"], "R4", "R5")
    with pytest.raises(SparseEEGError, match="subject A is in the training and in the test part"):
        split.check(subjects)


def test_too_few_subjects() -> None:
    with pytest.raises(SparseEEGError, match="found 2"):
        list(leave_one_subject_out(["A", "B", "A"]))
    with pytest.raises(SparseEEGError, match="at least 3"):
        list(subject_folds(["A", "B", "C"], 2))


@pytest.mark.parametrize("share", [np.nan, np.inf, -np.inf, -0.1, 1.0, 1.5])
@pytest.mark.parametrize("name", ["valid", "test"])
def test_shares_lie_between_zero_and_one(name: str, share: float) -> None:
    with pytest.raises(SparseEEGError, match=f"a {'validation' if name == 'valid' else 'test'} share of"):
        by_subject(list("ABCDEF"), **{name: share})


def test_a_validation_share_is_not_zero() -> None:
    with pytest.raises(SparseEEGError, match="a validation share of 0 "):
        by_subject(list("ABCDEF"), valid=0.0)


@pytest.mark.parametrize("k", [np.nan, np.inf, 3.5, -3, 0])
def test_folds_are_counted(k: float) -> None:
    with pytest.raises(SparseEEGError, match="number of folds must be"):
        list(subject_folds(list("ABCDEF"), k))
