"""Baselines: what they know, what they must not know, and that they find a signal that is there."""

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from sparseeg.data.splits import Split
from sparseeg.evaluation import baselines
from sparseeg.evaluation.controls import shuffle_within, shuffled
from sparseeg.evaluation.metrics import nrmse

TRAIN, VALID, TEST = np.arange(240), np.arange(240, 320), np.arange(320, 480)


@pytest.fixture(scope="module")
def data() -> tuple[np.ndarray, np.ndarray]:
    """Windows (480, 6, 60) whose second channel carries the target as a slow deflection in noise."""
    rng = np.random.default_rng(0)
    target = rng.normal(1.6, 0.4, 480)
    windows = rng.normal(0, 10, (480, 6, 60)).astype(np.float32)
    windows[:, 1, 20:40] += 20 * (target[:, None] - 1.6)
    return windows, target


def test_constants() -> None:
    target, subjects = np.array([1.0, 3.0, 5.0, 10.0]), np.array(["a", "a", "a", "b"])
    assert baselines.train_mean(target, 2).tolist() == [4.75, 4.75]
    assert baselines.subject_mean_oracle(target, subjects).tolist() == [3.0, 3.0, 3.0, 10.0]
    assert baselines.subject_mean_loo(target, subjects, fallback=2.0).tolist() == [4.0, 3.0, 2.0, 2.0]


@pytest.mark.parametrize("baseline", [baselines.ridge, baselines.hist_gradient_boosting])
def test_finds_a_signal_and_only_that(baseline, data) -> None:
    windows, target = data
    prediction = baseline(windows.__getitem__, target, TRAIN, VALID, TEST)
    assert nrmse(target[TEST], prediction) < 0.85
    noise = np.random.default_rng(1).normal(1.6, 0.4, len(target))
    assert nrmse(noise[TEST], baseline(windows.__getitem__, noise, TRAIN, VALID, TEST)) > 0.97


@pytest.mark.parametrize("baseline", [baselines.ridge, baselines.hist_gradient_boosting])
def test_targets_of_the_test_part_are_not_seen(baseline, data) -> None:
    windows, target = data
    other = target.copy()
    other[TEST] = 99.0
    first = baseline(windows.__getitem__, target, TRAIN, VALID, TEST)
    assert np.array_equal(first, baseline(windows.__getitem__, other, TRAIN, VALID, TEST))


@pytest.mark.parametrize("n_train", [240, 40])
def test_ridge_agrees_with_scikit_learn_in_both_spaces(n_train: int, data) -> None:
    windows, target = data
    train = TRAIN[:n_train]
    ours = baselines.ridge(windows.__getitem__, target, train, VALID, TEST, alphas=(100.0,))
    features = baselines.bin_means(windows, 5)
    theirs = Ridge(alpha=100.0).fit(features[train], target[train]).predict(features[TEST])
    np.testing.assert_allclose(ours, theirs, rtol=1e-4)


@pytest.mark.parametrize("baseline", [baselines.ridge, baselines.hist_gradient_boosting])
def test_blocks_of_samples_change_nothing(baseline, data, monkeypatch) -> None:
    windows, target = data
    whole = baseline(windows.__getitem__, target, TRAIN, VALID, TEST)
    asked: list[int] = []

    def gather(indices: np.ndarray) -> np.ndarray:
        asked.append(len(indices))
        return windows[indices]

    monkeypatch.setattr(baselines, "BLOCK", 7)
    np.testing.assert_allclose(baseline(gather, target, TRAIN, VALID, TEST), whole, rtol=1e-4)
    assert max(asked) == 7


def test_trees_grow_on_a_part_of_many_samples(data, monkeypatch) -> None:
    windows, target = data
    seen: set[int] = set()

    def gather(indices: np.ndarray) -> np.ndarray:
        seen.update(indices.tolist())
        return windows[indices]

    monkeypatch.setattr(baselines, "MOST_SAMPLES", 150)
    prediction = baselines.hist_gradient_boosting(gather, target, TRAIN, VALID, TEST)
    assert len(seen & set(TRAIN.tolist())) == 150
    assert nrmse(target[TEST], prediction) < 0.9


def test_trees_do_not_depend_on_the_order_in_which_samples_are_summed(data) -> None:
    # Backwards, windows of a single bin have the same features but for rounding; the mean of a z-scored
    # channel over the whole window is nothing but rounding.
    windows, target = data[0][:, :, 20:40], data[1]
    found = [
        baselines.hist_gradient_boosting(part.__getitem__, target, TRAIN, VALID, TEST)
        for part in (windows, windows[:, :, ::-1].copy())
    ]
    assert np.array_equal(found[0], found[1])


@pytest.mark.parametrize("seed", range(3))
def test_trees_do_not_depend_on_rounding_of_the_features(seed: int, data, monkeypatch) -> None:
    windows, target = data
    expected = baselines.hist_gradient_boosting(windows.__getitem__, target, TRAIN, VALID, TEST)
    exact, rng = baselines.band_features, np.random.default_rng(seed)

    def rounded_otherwise(windows: np.ndarray, width: int) -> np.ndarray:
        features = exact(windows, width)
        assert features.dtype == np.float64
        return features * (1 + 1e-12 * rng.standard_normal(features.shape)) + 1e-14 * rng.standard_normal()

    monkeypatch.setattr(baselines, "band_features", rounded_otherwise)
    found = baselines.hist_gradient_boosting(windows.__getitem__, target, TRAIN, VALID, TEST)
    assert np.array_equal(found, expected)


def test_features_have_no_unit(data) -> None:
    windows, _ = data
    for extract in (baselines.bin_means, baselines.band_features):
        np.testing.assert_allclose(extract(windows * 1e3, 20), extract(windows, 20), atol=1e-4)


def test_flat_channels_and_short_windows_are_finite() -> None:
    windows = np.zeros((3, 2, 7), dtype=np.float32)
    assert baselines.bin_means(windows, 20).shape == (3, 2)
    assert np.isfinite(baselines.band_features(windows, 20)).all()


def test_shuffle_stays_inside_the_subject_and_moves_trials() -> None:
    subjects = np.repeat(["a", "b", "c"], 20)
    target = np.arange(60.0)
    found = shuffle_within(target, subjects, seed=1)
    for name in "abc":
        assert sorted(found[subjects == name]) == sorted(target[subjects == name])
    assert (found != target).mean() > 0.8


def test_the_control_of_all_trials_keeps_the_parts_apart_and_the_means_of_no_subject() -> None:
    subjects = np.repeat(np.arange(12), 50)
    target = np.repeat(np.arange(12.0), 50)
    split = Split(np.arange(300), np.arange(300, 400), np.arange(400, 600))
    found = shuffled("shuffled_trials", target, subjects, split, seed=1)
    for rows in split:
        assert sorted(found[rows]) == sorted(target[rows])
    means = [found[subjects == subject].mean() for subject in range(6)]
    assert np.ptp(means) < 1.5  # 5 before


@pytest.mark.parametrize("learn", [baselines.ridge, baselines.hist_gradient_boosting])
def test_a_refit_learns_from_the_validation_samples_too(learn) -> None:
    rng = np.random.default_rng(0)
    windows = rng.normal(size=(300, 4, 40)).astype(np.float32)
    target = windows[:, 0, :20].mean(axis=1) - windows[:, 0, 20:].mean(axis=1) + 0.1 * rng.normal(size=300)
    parts = np.arange(40), np.arange(40, 200), np.arange(200, 300)
    once, twice = (learn(windows.__getitem__, target, *parts, refit=refit) for refit in (False, True))
    assert nrmse(target[200:], twice) < 0.9 * nrmse(target[200:], once)
    hidden = target.copy()
    hidden[200:] = 99.0
    assert np.array_equal(twice, learn(windows.__getitem__, hidden, *parts, refit=True))
