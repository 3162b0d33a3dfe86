"""Differences are paired over subjects: small and certain where both err alike."""

import numpy as np
import pandas as pd
import pytest

from sparseeg.evaluation.compare import differences, scores
from sparseeg.evaluation.metrics import nrmse, permutation_p


@pytest.fixture
def predictions() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    subjects = np.repeat(np.arange(40), 30)
    target = rng.normal(1.6, 0.4, 1200) + np.repeat(rng.normal(0, 0.2, 40), 30)
    shared = rng.normal(0, 0.4, 1200)
    return pd.DataFrame(
        {
            "subject": subjects,
            "target": target,
            "good": 1.6 + 0.5 * (target + shared - 1.6),
            "worse": 1.6 + 0.5 * (target + shared - 1.6) + rng.normal(0, 0.1, 1200),
            "other": 1.6 + 0.5 * (target + rng.normal(0, 0.41, 1200) - 1.6),
            "mean": 1.6,
        }
    )


RUNS = {"good": ["good"], "worse": ["worse"], "two": ["good", "other"], "mean": ["mean"]}


def test_scores_are_means_over_runs(predictions: pd.DataFrame) -> None:
    table = scores(predictions, RUNS, reference="good").set_index("model")
    target = predictions["target"]
    expected = (nrmse(target, predictions["good"]) + nrmse(target, predictions["other"])) / 2
    assert table.loc["two", "nrmse"] == pytest.approx(expected)
    assert table.loc["two", "difference"] == pytest.approx(expected - nrmse(target, predictions["good"]))
    assert np.isnan(table.loc["good", "difference"])
    assert table.loc["mean", "permutation_p"] == 1
    assert table.loc["good", "permutation_p"] == 1e-4


def test_paired_intervals_find_what_separate_ones_cannot(predictions: pd.DataFrame) -> None:
    table = scores(predictions, RUNS, reference="good").set_index("model")
    assert table.loc["worse", "nrmse_low"] < table.loc["good", "nrmse_high"]
    assert table.loc["worse", "difference_low"] > 0


def test_every_pair_is_there_once(predictions: pd.DataFrame) -> None:
    table = differences(predictions, RUNS)
    assert len(table) == 6
    assert (
        (table["difference_low"] < table["difference"]) & (table["difference"] < table["difference_high"])
    ).all()


def test_rank_correlations_are_compared_in_pairs_too(predictions: pd.DataFrame) -> None:
    table = scores(predictions, RUNS, reference="good").set_index("model")
    good, worse = table.loc["good"], table.loc["worse"]
    assert good["spearman_low"] < good["spearman_within_subject"] < good["spearman_high"]
    assert worse["spearman_high"] > good["spearman_low"]
    pair = differences(predictions, RUNS).set_index(["model", "other"]).loc[("good", "worse")]
    expected = good["spearman_within_subject"] - worse["spearman_within_subject"]
    assert pair["spearman_difference"] == pytest.approx(expected)
    assert pair["spearman_difference_low"] > 0
    assert table.loc["mean", ["spearman_low", "spearman_high"]].tolist() == [0, 0]


def test_permutation_p_is_uniform_without_a_relation() -> None:
    rng = np.random.default_rng(0)
    subjects = np.repeat(np.arange(8), 20)
    values = [
        permutation_p(rng.normal(size=160), rng.normal(size=160), subjects, n_permutations=199, seed=seed)
        for seed in range(200)
    ]
    assert np.mean(np.array(values) <= 0.1) == pytest.approx(0.1, abs=0.06)


def test_permutation_p_knows_no_difference_between_subjects() -> None:
    rng = np.random.default_rng(0)
    subjects = np.repeat(np.arange(8), 20)
    level = np.repeat(rng.normal(0, 5, 8), 20)
    assert permutation_p(level + rng.normal(size=160), level + rng.normal(size=160), subjects) > 0.01
