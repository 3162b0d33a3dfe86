"""The training benchmark on a tiny input: its rows, its floor, and what a failing network does to it."""

from pathlib import Path

import pandas as pd
import pytest
import torch
from torch import nn

from sparseeg import models
from sparseeg.bench import training
from sparseeg.report import tables


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    names = ["response-time-cnn", "light-sparse-attention-cnn", "no-such-network"]
    return training.measure_training(names, batch_size=4, n_chans=8, n_times=40, repeats=2)


def test_one_row_per_network_also_for_one_that_fails(table: pd.DataFrame) -> None:
    assert table["model"].tolist() == ["response-time-cnn", "light-sparse-attention-cnn", "no-such-network"]
    assert "unknown model 'no-such-network'" in table["note"].iloc[2]
    assert table["training windows/s"].notna().tolist() == [True, True, False]
    assert (table["training / floor"].dropna() > 0).all()


def test_the_floor_holds_every_product_once_and_nothing_else() -> None:
    network = nn.Sequential(nn.Conv1d(3, 5, 3), nn.BatchNorm1d(5), nn.ReLU(), nn.Flatten(), nn.Linear(40, 2))
    with training._RecordProducts() as products:
        network(torch.randn(6, 3, 10)).sum().backward()
    names = sorted(call[0].__name__.split(".")[0] for call in products.calls)
    assert names == ["addmm", "convolution", "convolution_backward", "mm", "mm"]
    products.replay()


def test_the_floor_of_the_attention_network_holds_its_attention() -> None:
    network = models.build("light-sparse-attention-cnn", 8, 40).eval()
    with torch.no_grad(), training._RecordProducts() as products:
        network(torch.randn(2, 8, 40))
    text = " ".join(call[0].__name__ for call in products.calls)
    assert "scaled_dot_product" in text or text.count("bmm") >= 2


def test_tables_carry_their_origin(tmp_path: Path) -> None:
    frame = pd.DataFrame({"model": ["a", "b"], "rate": [12.3456, float("nan")]})
    path = tables.write(frame, tmp_path, "x", title="Title", command="sparseeg bench x", notes=("a note",))
    text = path.read_text()
    for word in (
        "`sparseeg bench x`",
        "machine:",
        "torch 2",
        "commit:",
        "a note",
        "| a | 12.35 |",
        "| b | - |",
    ):
        assert word in text
    assert (tmp_path / "x.tsv").read_text().splitlines()[0] == "model\trate"
