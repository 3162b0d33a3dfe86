"""Prediction intervals hold for new subjects, and are no wider than they need to be."""

import numpy as np
import pytest

from sparseeg.evaluation.intervals import coverage, reach_for_new_subject, shortest_interval


def people(rng: np.random.Generator, count: int, trials: int = 30) -> tuple[np.ndarray, np.ndarray]:
    """Absolute errors of people who differ in spread."""
    spread = np.repeat(rng.lognormal(0, 0.4, count), trials)
    return np.abs(rng.normal(0, spread)), np.repeat(np.arange(count), trials)


@pytest.mark.parametrize("count", [4, 8, 20])
def test_intervals_hold_for_new_subjects(count: int) -> None:
    rng = np.random.default_rng(0)
    strangers, _ = people(rng, 3000)
    reaches = [reach_for_new_subject(*people(rng, count)) for _ in range(400)]
    held = [np.mean(strangers <= reach) for reach in reaches]
    assert 0.88 < np.mean(held) < 0.92
    # The largest score of all, which a finite-sample guarantee needs for few subjects, is far wider.
    largest = np.mean([people(rng, count)[0].max() for _ in range(400)])
    assert np.mean(reaches) < 0.75 * largest


def by_brute_force(scores: np.ndarray, subjects: np.ndarray, level: float) -> float:
    """The same definition, by trying every nominal level."""

    def quantile(values: np.ndarray, owners: np.ndarray, nominal: float) -> float:
        shares = [
            np.mean([np.mean(values[owners == one] <= value) for one in set(owners)]) for value in values
        ]
        reached = [value for value, share in zip(values, shares, strict=True) if share >= nominal - 1e-9]
        return min(reached, default=max(values))

    for nominal in np.linspace(0.001, 1, 1000):
        held = [
            np.mean(
                scores[subjects == one]
                <= quantile(scores[subjects != one], subjects[subjects != one], nominal)
            )
            for one in set(subjects)
        ]
        if np.mean(held) >= level:
            return quantile(scores, subjects, nominal)
    return max(scores)


@pytest.mark.parametrize("seed", range(5))
def test_the_level_is_the_smallest_that_holds_for_who_is_left_out(seed: int) -> None:
    rng = np.random.default_rng(seed)
    scores, subjects = rng.exponential(size=24), np.repeat(np.arange(4), [3, 5, 6, 10])
    found = reach_for_new_subject(scores, subjects, level=0.8)
    assert found == pytest.approx(by_brute_force(scores, subjects, 0.8))


def test_one_subject_gives_the_quantile_of_its_trials() -> None:
    assert reach_for_new_subject(np.arange(1.0, 11.0), ["a"] * 10, level=0.9) == 9.0


def test_a_subject_with_many_trials_weighs_no_more_than_another() -> None:
    few = reach_for_new_subject([1.0, 2.0, 3.0, 4.0], ["a", "b", "c", "d"], level=0.5)
    many = reach_for_new_subject([1.0] * 90 + [2.0, 3.0, 4.0], ["a"] * 90 + ["b", "c", "d"], level=0.5)
    assert few == many


def test_the_shortest_interval_is_the_shortest() -> None:
    rng = np.random.default_rng(1)
    target = rng.gamma(2.0, size=50)
    low, high = shortest_interval(target, np.repeat(np.arange(5), 10), level=0.9)
    inside = np.sort(target)
    assert np.mean((target >= low) & (target <= high)) == pytest.approx(0.9)
    assert high - low == (inside[44:] - inside[:6]).min()  # 45 targets in a row


def test_coverage_over_trials_and_subjects() -> None:
    found = coverage([1, 2, 3, 4], [0, 0, 0, 0], [2, 2, 2, 2], ["a", "a", "a", "b"], level=0.5)
    assert found["coverage"] == 0.5
    assert found["coverage_mean_over_subjects"] == pytest.approx(1 / 3)
    assert found["coverage_lowest_subject"] == 0
    assert found["subjects_below_level"] == 1
    assert found["mean_width"] == 2
