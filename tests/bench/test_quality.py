"""The quality table: its signals, its error, and what must be exact in it."""

import pandas as pd
import pytest
import torch

from sparseeg.bench import quality
from sparseeg.bench.attention_tables import write_quality
from sparseeg.bench.contenders import ProjectedAttention, build_sparse, contenders


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return quality.measure_quality([64], dim=16, seeds=3, score_sds=[1.0])


@pytest.mark.parametrize("kind", quality.SIGNALS)
def test_signals_have_unit_variance_and_the_smoothness_they_promise(kind: str) -> None:
    x = quality.make_signal(kind, 4096, 16, seed=0)
    assert x.shape == (1, 4096, 16)
    assert x.std().item() == pytest.approx(1.0, abs=1e-3)
    expected = {1: 0.974, 8: 0.0} if kind == "smooth" else {1: 0.0, 8: 0.0}  # sinc(2 * cutoff * lag)
    for lag, correlation in expected.items():
        assert (x[:, lag:] * x[:, :-lag]).mean().item() == pytest.approx(correlation, abs=0.02)
    assert torch.equal(quality.make_signal(kind, 4096, 16, seed=0), x)
    assert not torch.equal(quality.make_signal(kind, 4096, 16, seed=1), x)


@pytest.mark.parametrize("kind", quality.SIGNALS)
@pytest.mark.parametrize("score_sd", [1.0, 3.0])
def test_scores_have_the_sd_that_is_asked_for(kind: str, score_sd: float) -> None:
    x = quality.make_signal(kind, 200, 16, seed=0)
    query, key, _ = (x @ quality.scaled_weights(x, score_sd, 0).qkv.T).chunk(3, -1)
    assert (query @ key.transpose(1, 2) / 4).std().item() == pytest.approx(score_sd, rel=1e-4)


def test_relative_error_is_its_formula() -> None:
    full = torch.tensor([3.0, -4.0])
    assert quality.relative_error(full, full) == 0.0
    assert quality.relative_error(torch.zeros(2), full) == pytest.approx(1.0)
    assert quality.relative_error(full * 1.5, full) == pytest.approx(0.5)


def test_the_mean_of_values_is_full_attention_without_scores() -> None:
    x = quality.make_signal("random", 20, 16, seed=0)
    weights = quality.scaled_weights(x, 1e-12, 0)
    with torch.inference_mode():
        flat = build_sparse(20, weights, 20).eval()(x)
        mean = ProjectedAttention(weights, quality.mean_of_values).eval()(x)
    torch.testing.assert_close(mean, flat)


def test_heads_of_all_tokens_have_no_error_and_many_rounds_have_less(table: pd.DataFrame) -> None:
    ours = table[(table["layer"] == "sparseeg") & (table["partition"] == "random")]
    for kind in quality.SIGNALS:
        own = ours[ours["signal"] == kind]
        assert (own.loc[own["tokens per head"] == 64, "relative error"] < 1e-5).all()
        for tokens in (4, 8, 16):
            corrected = own[(own["tokens per head"] == tokens) & (own["correction"] == "on")]
            errors = corrected.sort_values("rounds")["relative error"].tolist()
            assert errors == sorted(errors, reverse=True)
            assert errors[-1] < errors[0] / 2


def test_every_layer_has_a_row_on_every_signal(table: pd.DataFrame) -> None:
    own = len(quality.TOKENS_PER_HEAD) * len(quality.ROUNDS) * 2 + 4
    others = [layer for layer in contenders() if layer.package]
    for kind in quality.SIGNALS:
        rows = table[table["signal"] == kind].set_index("layer")
        assert len(rows) == own + 2 + len(others)
        for layer in others:
            reason = layer.missing()
            assert rows.loc[layer.name, "note"] == (reason or "")
            assert pd.isna(rows.loc[layer.name, "relative error"]) == bool(reason)
    assert table["time / floor"].dropna().gt(0).all()


def test_longer_inputs_get_a_few_settings() -> None:
    few = [setting.columns for setting in quality.settings(4096) if setting.columns]
    assert {(row["tokens per head"], row["rounds"], row["correction"]) for row in few} == {
        (8, 1, "on"),
        (8, 8, "on"),
        (64, 1, "on"),
        (64, 8, "on"),
        (8, 1, "off"),
    }


def test_a_layer_that_fails_keeps_its_row() -> None:
    def build(num_tokens: int, weights: object, seed: int) -> torch.nn.Module:
        raise RuntimeError("it broke\nhere")

    x = quality.make_signal("random", 8, 4, 0)
    inputs = [(x, quality.scaled_weights(x, 1.0, 0), {1: x})]
    assert quality._row(quality.Setting("bad", build), inputs)["note"] == "RuntimeError: it broke"


def test_the_table_says_how_it_came_about(table: pd.DataFrame, tmp_path) -> None:
    path = write_quality(table, 3, tmp_path, "sparseeg bench attention-quality")
    text = path.read_text()
    assert "`sparseeg bench attention-quality`" in text
    assert "median, minimum and maximum of 3 seeds" in text
    assert len(pd.read_csv(path.with_suffix(".tsv"), sep="\t")) == len(table)
