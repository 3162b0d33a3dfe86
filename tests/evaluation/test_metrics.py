"""Metrics against their definitions, scikit-learn and scipy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats
from sklearn.metrics import mean_absolute_error, root_mean_squared_error

from sparseeg.evaluation import metrics

values = arrays(np.float64, st.integers(3, 40), elements=st.floats(-100, 100, width=32))


def example(n: int = 400, n_subjects: int = 20, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    subjects = np.repeat([f"s{number:02d}" for number in range(n_subjects)], n // n_subjects)
    target = rng.normal(1.6, 0.4, n)
    return target, 1.6 + 0.3 * (target - 1.6) + rng.normal(0, 0.1, n), subjects


def test_against_scikit_learn_and_scipy() -> None:
    target, prediction, _ = example()
    assert metrics.rmse(target, prediction) == pytest.approx(root_mean_squared_error(target, prediction))
    assert metrics.mae(target, prediction) == pytest.approx(mean_absolute_error(target, prediction))
    assert metrics.pearson(target, prediction) == pytest.approx(stats.pearsonr(target, prediction)[0])
    assert metrics.spearman(target, prediction) == pytest.approx(stats.spearmanr(target, prediction)[0])


@given(values)
def test_the_mean_scores_one(target: np.ndarray) -> None:
    if np.std(target) > 1e-3:
        assert metrics.nrmse(target, np.full_like(target, target.mean())) == pytest.approx(1.0)


@given(values, st.floats(0.1, 1000), st.floats(-50, 50))
def test_nrmse_has_no_unit_and_no_origin(target: np.ndarray, scale: float, offset: float) -> None:
    if np.std(target) > 1e-2:
        prediction = target[::-1]
        expected = metrics.nrmse(target, prediction)
        moved = metrics.nrmse(scale * target + offset, scale * prediction + offset)
        assert moved == pytest.approx(expected, rel=1e-6, abs=1e-9)


def test_normalizers_differ_and_std_is_the_default() -> None:
    target, prediction = np.array([1.0, 2.0, 3.0]), np.array([2.0, 2.0, 2.0])
    error = np.sqrt(2 / 3)
    assert metrics.nrmse(target, prediction) == pytest.approx(1.0)
    assert metrics.nrmse(target, prediction, "range") == pytest.approx(error / 2)
    assert metrics.nrmse(target, prediction, "mean") == pytest.approx(error / 2)
    with pytest.raises(ValueError, match="'minmax'"):
        metrics.nrmse(target, prediction, "minmax")


def test_pooled_not_averaged_over_batches() -> None:
    target = np.array([0.0, 0.1, 5.0, 5.1])
    prediction = np.array([0.05, 0.05, 5.05, 5.05])
    per_batch = [metrics.nrmse(target[part], prediction[part]) for part in (slice(0, 2), slice(2, 4))]
    assert np.mean(per_batch) == pytest.approx(1.0)
    assert metrics.nrmse(target, prediction) < 0.03


def test_constant_target_or_shape_mismatch() -> None:
    assert np.isnan(metrics.nrmse([1.0, 1.0], [1.0, 2.0]))
    with pytest.raises(ValueError, match=r"\(2,\).*\(3,\)"):
        metrics.rmse([1.0, 2.0], [1.0, 2.0, 3.0])
    with pytest.raises(ValueError, match="no samples"):
        metrics.rmse([], [])


def test_spearman_within_subject_ignores_what_lies_between_subjects() -> None:
    rng = np.random.default_rng(0)
    subjects = np.repeat(np.arange(30), 40)
    level = np.repeat(rng.normal(0, 5, 30), 40)
    target, prediction = level + rng.normal(size=1200), level + rng.normal(size=1200)
    assert metrics.spearman(target, prediction) > 0.9
    assert abs(metrics.spearman_within_subject(target, prediction, subjects)) < 0.06


def test_equal_targets_have_no_score_whatever_their_rounding() -> None:
    target = np.full(49, 1.1)
    assert np.std(target) > 0  # a rounding error
    assert np.isnan(metrics.nrmse(target, np.zeros(49)))
    assert np.isnan(metrics.bootstrap_nrmse(target, np.zeros(49), np.repeat(["a", "b"], [24, 25]))).all()
    two = np.repeat([1.1, 2.3], [24, 25])  # a resample may draw one subject twice
    scores = metrics.bootstrap_nrmse(two, np.zeros(49), np.repeat(["a", "b"], [24, 25]))
    assert np.isnan(scores).any()
    assert np.nanmax(scores) < 10


def test_constant_prediction_counts_as_no_correlation() -> None:
    target = np.array([1.0, 2.0, 3.0, 1.0, 2.0, 3.0])
    prediction = np.array([1.0, 2.0, 3.0, 7.0, 7.0, 7.0])
    assert metrics.spearman_within_subject(target, prediction, [0, 0, 0, 1, 1, 1]) == pytest.approx(0.5)


def test_a_correlation_weighs_by_the_trials_that_it_comes_from() -> None:
    subjects = np.repeat(["a", "b", "c"], [4, 10, 2])
    target = np.concatenate([np.arange(4.0), np.arange(10.0), [0.0, 1.0]])
    prediction = np.concatenate([np.arange(4.0), -np.arange(10.0), [0.0, 1.0]])
    found = metrics.summarize(target, prediction, subjects)
    assert found["spearman_within_subject"] == pytest.approx((3 * 1.0 + 9 * -1.0) / 12)
    assert found["spearman_n_subjects"] == 2  # two trials have no correlation
    resamples = metrics.bootstrap_spearman(target, prediction, subjects, n_resamples=500)
    expected = [-1.0, 1.0, (3 - 9) / 12, (2 * 3 - 9) / 15, (3 - 2 * 9) / 21]
    known = resamples[~np.isnan(resamples)]
    assert all(np.isclose(value, expected).any() for value in known)


def test_bootstrap_agrees_with_a_plain_loop() -> None:
    target, prediction, subjects = example(60, 6)
    fast = metrics.bootstrap_nrmse(target, prediction, subjects, n_resamples=50, seed=3)
    counts = np.random.default_rng(3).multinomial(6, np.full(6, 1 / 6), size=50)
    names = np.unique(subjects)
    for draw, value in zip(counts, fast, strict=True):
        rows = np.concatenate(
            [
                np.flatnonzero(subjects == name)
                for name, times in zip(names, draw, strict=True)
                for _ in range(times)
            ]
        )
        assert value == pytest.approx(metrics.nrmse(target[rows], prediction[rows]))


def test_interval_covers_and_is_wider_over_subjects_than_over_trials() -> None:
    rng = np.random.default_rng(1)
    subjects = np.repeat(np.arange(20), 50)
    target = np.repeat(rng.normal(0, 1, 20), 50) + rng.normal(0, 0.2, 1000)
    prediction = np.zeros(1000)
    low, high = metrics.interval(metrics.bootstrap_nrmse(target, prediction, subjects))
    trial_low, trial_high = metrics.interval(metrics.bootstrap_nrmse(target, prediction, np.arange(1000)))
    assert low < metrics.nrmse(target, prediction) < high
    assert high - low > 2 * (trial_high - trial_low)


def test_summary_has_every_score() -> None:
    summary = metrics.summarize(*example())
    assert summary["n_trials"] == 400
    assert summary["n_subjects"] == 20
    low, high = summary["nrmse_ci95"]
    assert low < summary["nrmse"] < high


def test_one_subject_has_no_interval() -> None:
    rng = np.random.default_rng(0)
    target, prediction = rng.standard_normal((2, 30))
    one = ["a"] * 30
    assert np.isnan(metrics.bootstrap_nrmse(target, prediction, one)).all()
    assert np.isnan(metrics.bootstrap_spearman(target, prediction, one)).all()
    scores = metrics.summarize(target, prediction, one)
    assert np.isfinite(scores["nrmse"])
    assert np.isnan(scores["nrmse_ci95"]).all()
