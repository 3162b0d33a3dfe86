"""The table of scores, from a table of predictions."""

import numpy as np
import pandas as pd
import pytest

from sparseeg.evaluation.evaluate import add_constant_baselines, evaluate
from sparseeg.report.score_table import rows


@pytest.fixture
def predictions() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    target = rng.normal(1.6, 0.4, 200)
    return pd.DataFrame(
        {
            "subject": np.repeat(list("abcdefghij"), 20),
            "target": target,
            "prediction": 1.6 + 0.3 * (target - 1.6),
            "train_mean": 1.6,
            "ridge": 1.6 + 0.1 * (target - 1.6),
        }
    )


def test_one_row_per_predictor(predictions: pd.DataFrame) -> None:
    metrics = evaluate(add_constant_baselines(predictions))
    assert set(metrics["baselines"]) == {"train_mean", "subject_mean_oracle", "subject_mean_loo", "ridge"}
    assert metrics["controls"] == {}
    assert metrics["normalizer"] == "std"
    assert metrics["nrmse"] == pytest.approx(0.7, abs=0.01)
    assert metrics["baselines"]["ridge"]["nrmse"] == pytest.approx(0.9, abs=0.01)
    assert next(label for label, _ in rows(metrics)) == "model"


def test_constants_have_no_correlation_inside_a_subject(predictions: pd.DataFrame) -> None:
    metrics = evaluate(add_constant_baselines(predictions))
    assert np.isnan(metrics["baselines"]["subject_mean_loo"]["spearman_within_subject"])
