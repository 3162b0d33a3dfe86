"""The loading benchmark on a tiny set: its rows, and what a missing package does to it."""

from functools import partial

import numpy as np
import pytest

from sparseeg.bench import loading
from sparseeg.simulate import simulate_dataset


def test_rows_of_every_loader_and_the_share_of_a_step(tmp_path, monkeypatch):
    monkeypatch.setattr(loading, "SECONDS", 0.05)
    monkeypatch.setattr(loading, "simulate_dataset", partial(simulate_dataset, trials=8))
    monkeypatch.setattr(loading.importlib.util, "find_spec", lambda name: None)
    table = loading.measure_loading([3], tmp_path, batch_size=16, repeats=2, n_jobs=1)
    assert table["loader"].tolist() == list(loading.LOADERS)
    assert table["windows/s"].notna().tolist() == [True, True, False, False]
    assert table["note"].tolist()[2:] == ["braindecode is not installed"] * 2
    assert np.isclose(table[f"{loading.BASE} / this"].iloc[0], 1.0)
    share = loading.share_of_step(tmp_path / "3-subjects", batch_size=8, steps=2, network="response-time-cnn")
    assert share["batch / step"] == pytest.approx(share["batch (ms)"] / share["step (ms)"])
