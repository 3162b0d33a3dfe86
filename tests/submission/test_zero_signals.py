"""Real labels of release 5 with signals of zeros, some of its people: constants score as the labels say."""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sparseeg.data.bids.trials import trial_table
from sparseeg.evaluation.metrics import nrmse
from sparseeg.files.tsv import read_tsv
from sparseeg.submission.score import challenge_windows, score

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

from zero_signals import bids_of_zeros, submissions


def test_constants_on_real_labels(shared_data: Path, tmp_path: Path) -> None:
    labels = shared_data / "hbn-r5-labels" / "ds005509-labels.zip"
    root = bids_of_zeros(labels, tmp_path / "set", subjects=6)
    tables = [trial_table(read_tsv(path)) for path in sorted(root.rglob("*_events.tsv"))]
    truth = pd.concat(tables)["rt"].dropna().to_numpy()
    windows = {1: challenge_windows(1, root, tmp_path / "cache")}
    assert len(windows[1]) == len(truth) > 100
    found = [score(path, windows, check_order=False)[0] for _, path in submissions(truth.mean(), tmp_path)]
    zeros, mean = (one.scores["nrmse"] for one in found)
    assert zeros == pytest.approx(nrmse(truth, np.zeros(len(truth))), rel=1e-6)
    assert mean == pytest.approx(1.0, abs=1e-6)
