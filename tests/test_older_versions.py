"""What an earlier version has written opens as before: stores, runs, an interrupted run, a comparison."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sparseeg.data.store.store import open_store
from sparseeg.training.lineage import seen_by

COMMAND = (
    *("--split", "release", "--valid", "R4", "--test", "R5", "--seeds", 1),
    *("--models", "sparse-attention-locator@n_filters=4@width=8@epochs=2,ridge"),
)


@pytest.fixture
def old(version_0_1: Path) -> Path:
    return version_0_1


def test_stores(old: Path) -> None:
    prepared, saved = open_store(old / "store"), open_store(old / "saved")
    assert (len(prepared), prepared.shape, prepared.ch_names[-1]) == (12, (4, 200), "Cz")
    assert prepared.gather([0]).std() == pytest.approx(10.0, rel=0.5)
    assert (len(saved), saved.shape) == (16, (3, 60))


def test_run_is_evaluated(old: Path, sparseeg) -> None:
    before = json.loads((old / "run" / "metrics.json").read_text())
    code, text = sparseeg("evaluate", old / "run", "--out", old / "again")
    assert code == 0, text
    after = json.loads((old / "again" / "metrics.json").read_text())
    assert after["nrmse"] == pytest.approx(before["nrmse"], rel=1e-5)
    ridge = before["baselines"]["ridge"]["nrmse"]
    assert after["baselines"]["ridge"]["nrmse"] == pytest.approx(ridge, rel=1e-5)


def test_run_is_reported(old: Path, sparseeg) -> None:
    assert sparseeg("report", old / "run")[0] == 0
    assert (old / "run" / "report.html").is_file()


def test_interrupted_run_is_resumed(old: Path, sparseeg) -> None:
    code, text = sparseeg("train", "--out", old / "interrupted", "--resume")
    assert code == 0, text
    assert json.loads((old / "interrupted" / "effort.json").read_text())["epochs"] == 400
    assert "epoch 394" not in text  # it goes on from its checkpoint, after epoch 395


def test_who_trained_is_known(old: Path) -> None:
    (in_comparison,) = (old / "comparison" / "runs").glob("*/seed-0")
    for folder in (old / "run", old / "interrupted", in_comparison):
        seen = seen_by(folder)
        assert set(seen.trained) == {"sub-S00", "sub-S01", "sub-S02", "sub-S03"}
        assert set(seen.validated) == {"sub-S04"}
        assert seen.unknown == []


def test_comparison_is_taken_up(old: Path, sparseeg) -> None:
    folder = old / "comparison"
    before = pd.read_csv(folder / "predictions.tsv", sep="\t")
    network = next(folder.rglob("model.safetensors"))
    written = network.stat().st_mtime_ns
    code, text = sparseeg("compare", "--data", old / "store", "--out", folder, *COMMAND)
    assert code == 0, text
    assert network.stat().st_mtime_ns == written
    after = pd.read_csv(folder / "predictions.tsv", sep="\t")
    np.testing.assert_allclose(after.drop(columns="subject"), before.drop(columns="subject"), rtol=1e-5)
