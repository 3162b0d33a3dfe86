"""The attention benchmark: layers that compute what they say, limits that hold, rows that stay."""

import dataclasses
import math
import os
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor, nn

from helpers.patience import SAFETY_NET
from sparseeg.bench import attention, attention_summary
from sparseeg.bench.attention_tables import read_attention, write_attention
from sparseeg.bench.contenders import (
    FLOOR,
    OURS,
    Contender,
    FlexHeads,
    MultiheadAttention,
    ProjectedAttention,
    Weights,
    build_sparse,
    contenders,
    dense_attention,
    literal_attention,
    random_weights,
)
from sparseeg.bench.peers import PEERS, even_part
from sparseeg.bench.probe import (
    BACKWARD,
    FORWARD,
    Case,
    PassLimits,
    ProbeResult,
    make_pass,
    memory_limit,
    probe,
)
from sparseeg.bench.slices import slice_pass
from sparseeg.errors import SparseEEGError

DIM = 32
LAYERS = {layer.name: layer for layer in contenders()}
MEGABYTE = 10**6


def tokens(num_tokens: int, batch: int = 2) -> Tensor:
    return Case(batch, num_tokens, DIM).tokens()


class Toy(nn.Module):
    """A layer that misbehaves as it is told, and otherwise gives back its input."""

    def __init__(self, sleep: float = 0.0, megabytes: int = 0, message: str = "", backward: str = "") -> None:
        super().__init__()
        self.sleep, self.megabytes, self.message, self.backward = sleep, megabytes, message, backward

    def forward(self, x: Tensor) -> Tensor:
        if x.shape[1] > 64:  # The warm-up on few tokens passes.
            time.sleep(self.sleep)
            torch.ones(self.megabytes * MEGABYTE // 4)
            if self.message or (self.backward and self.training):
                raise RuntimeError(self.message or self.backward)
        return x * 1.0


def build_toy(num_tokens: int, weights: Weights, tokens_per_head: int, **options: float | str) -> nn.Module:
    return Toy(**options)  # type: ignore[arg-type]


def toy(name: str = "toy", **options: float | str) -> Contender:
    return Contender(name, partial(build_toy, **options))


def probe_toy(limits: PassLimits, **options: float | str) -> dict[str, ProbeResult]:
    return probe(toy(**options), Case(1, 100, DIM), limits, 1)


@pytest.mark.parametrize("num_tokens", [50, 51])
@torch.inference_mode()
def test_full_attention_in_one_head_is_the_same_in_every_layer(num_tokens: int) -> None:
    x, weights = tokens(num_tokens), random_weights(DIM)
    dense = LAYERS["dense 1 head"].build(num_tokens, weights, 0).eval()(x)
    torch.testing.assert_close(MultiheadAttention(weights, 1).eval()(x), dense)
    torch.testing.assert_close(build_sparse(num_tokens, weights, num_tokens).eval()(x), dense)
    query, key, value = (x @ weights.qkv.T).chunk(3, -1)
    scores = query @ key.transpose(1, 2) / DIM**0.5
    torch.testing.assert_close(scores.softmax(-1) @ value @ weights.out.T, dense)


@torch.inference_mode()
def test_full_attention_in_eight_heads_is_the_same_in_every_layer() -> None:
    x, weights = tokens(50), random_weights(DIM)
    names = ("dense 8 heads", "dense 8 heads (oneDNN)", "nn.MultiheadAttention")
    plain, onednn, multihead = (LAYERS[name].build(50, weights, 0).eval()(x) for name in names)
    torch.testing.assert_close(onednn, plain)
    torch.testing.assert_close(multihead, plain)


@pytest.mark.filterwarnings("ignore:flex_attention called without torch.compile")
@pytest.mark.parametrize("num_tokens", [50, 51, 300])
@torch.inference_mode()
def test_our_heads_as_block_mask_of_flex_attention(num_tokens: int) -> None:
    x, weights = tokens(num_tokens), random_weights(DIM)
    flex = ProjectedAttention(weights, FlexHeads(num_tokens, 8, compiled=False)).eval()
    torch.testing.assert_close(flex(x), build_sparse(num_tokens, weights, 8).eval()(x))


@pytest.mark.parametrize("heads", [1, 8])
@torch.inference_mode()
def test_a_slice_is_the_first_rows_of_the_whole(heads: int) -> None:
    x = tokens(100)
    layer = ProjectedAttention(random_weights(DIM), partial(dense_attention, heads=heads)).eval()
    torch.testing.assert_close(layer(x, queries=7), layer(x)[:, :7])


@pytest.mark.parametrize("name", [FORWARD, BACKWARD])
def test_a_slice_is_timed_in_both_passes(name: str) -> None:
    layer = ProjectedAttention(random_weights(DIM), partial(dense_attention, heads=1))
    products, attended = slice_pass(layer, tokens(2000, batch=1), 7, name)
    assert products > 0
    assert attended > 0
    assert all(parameter.grad is None for parameter in layer.parameters())


@pytest.mark.parametrize(
    ("num_tokens", "padded"), [(50, False), (4, False), (51, False), (53, True), (97, True)]
)
def test_the_literal_formulation_attends_to_padding_only_where_there_is_some(
    num_tokens: int, padded: bool
) -> None:
    """Weights of one softmax sum to one over true tokens: values of one come out as one, but for padding.

    Odd N are dealt in threes, so that 51 tokens fill 17 heads, and padding alone the other 8.
    """
    query, key = tokens(num_tokens), tokens(num_tokens).flip(1)
    output = literal_attention(query, key, torch.ones_like(query))
    assert torch.allclose(output, torch.ones_like(output)) is not padded


def test_the_literal_formulation_restores_the_order_and_draws_anew() -> None:
    query = torch.zeros(1, 50, 1)
    value = torch.arange(50.0).view(1, 50, 1)
    torch.manual_seed(0)
    first = literal_attention(query, query, value)
    partner = 2 * first - value  # With flat scores a token gets the mean of itself and its partner.
    assert torch.equal(partner.flatten().sort().values, value.flatten())
    assert torch.equal(partner[0, partner.long().flatten(), 0], value.flatten())
    assert not torch.equal(literal_attention(query, query, value), first)


@pytest.mark.parametrize("package", [peer[0] for peer in PEERS])
@pytest.mark.parametrize("heads", ["1 head", "8 heads"])
def test_other_packages_use_the_shared_weights(package: str, heads: str) -> None:
    layer = LAYERS[f"{package} {heads}"]
    if layer.missing():
        pytest.skip(layer.missing() or "")
    x, weights = tokens(48), random_weights(DIM)
    torch.manual_seed(0)
    module = layer.build(48, weights, 0).eval()
    torch.manual_seed(0)
    silent = layer.build(48, weights._replace(out=torch.zeros(DIM, DIM)), 0).eval()
    with torch.no_grad():
        assert module(x).shape == x.shape
        assert not silent(x).any()
    make_pass(module, x, BACKWARD)()
    held = sum(parameter.numel() for parameter in module.parameters() if parameter.dim() == 2)
    assert held == 4 * DIM * DIM


def test_local_attention_with_a_window_over_everything_is_full_attention() -> None:
    layer = LAYERS["local-attention 8 heads"]
    if layer.missing():
        pytest.skip(layer.missing() or "")
    x, weights = tokens(48), random_weights(DIM)
    with torch.inference_mode():
        full = LAYERS["dense 8 heads"].build(48, weights, 0).eval()(x)
        torch.testing.assert_close(layer.build(48, weights, 0).eval()(x), full)


def test_windows_and_landmarks_divide_the_tokens_where_they_can() -> None:
    assert [even_part(*case) for case in ((200, 128), (1024, 256), (50, 12), (97, 24), (50, 128))] == [
        100,
        256,
        10,
        24,
        50,
    ]


@pytest.mark.parametrize("name", [FORWARD, BACKWARD])
def test_a_pass_leaves_nothing_behind(name: str) -> None:
    x, layer = tokens(50), build_sparse(50, random_weights(DIM), 8)
    assert make_pass(layer, x, name)() > 0
    assert all(parameter.grad is None for parameter in layer.parameters())
    assert x.grad is None
    assert not x.requires_grad
    assert layer.training is (name == BACKWARD)


def test_peak_memory_of_a_known_allocation() -> None:
    outcomes = probe_toy(PassLimits(), megabytes=200)
    peaks = [outcomes[name].peak for name in (FORWARD, BACKWARD)]
    assert peaks == [pytest.approx(200 * MEGABYTE, rel=0.1)] * 2


def test_a_pass_over_the_time_limit_is_given_up() -> None:
    started = time.perf_counter()
    outcomes = probe_toy(PassLimits(seconds=0.3), sleep=2 * SAFETY_NET)
    assert time.perf_counter() - started < SAFETY_NET
    assert outcomes == {FORWARD: ProbeResult(problem="over 0.3 s", grows=True)}


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc to know what is mapped")
def test_a_pass_over_the_memory_limit_is_out_of_memory() -> None:
    limits = PassLimits(memory=600 * MEGABYTE)
    assert probe_toy(limits, megabytes=1200) == {FORWARD: ProbeResult(problem="out of memory", grows=True)}
    assert not probe_toy(limits, megabytes=100)[BACKWARD].problem


def test_an_error_in_a_pass_is_its_reason() -> None:
    outcomes = probe_toy(PassLimits(), backward="no gradient\nand more")
    assert outcomes[FORWARD].seconds is not None
    assert outcomes[BACKWARD] == ProbeResult(problem="RuntimeError: no gradient")


def late_is_who_sleeps(
    contender: Contender, case: Case, limits: PassLimits, *options: Any
) -> dict[str, ProbeResult]:
    """Probe with the limit for toys that sleep, and with a long one for what may work on a busy machine."""
    if "sleep" not in getattr(contender.build, "keywords", {}):
        limits = dataclasses.replace(limits, seconds=SAFETY_NET)
    return probe(contender, case, limits, *options)


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> tuple[pd.DataFrame, list[bool], Path]:
    missing = dataclasses.replace(toy("missing"), package="no-such-package")
    dense = dataclasses.replace(toy("dense 1 head", sleep=2 * SAFETY_NET), sliceable=True)
    layers = (LAYERS[FLOOR], LAYERS[OURS], missing, toy("failing", message="it broke"), dense)
    options = attention.BenchmarkOptions(
        dim=DIM, tokens_per_head=(8,), repeats=4, limits=PassLimits(seconds=0.5)
    )
    folder, saved = tmp_path_factory.mktemp("tables"), []

    def save(table: pd.DataFrame, complete: bool) -> None:
        saved.append(complete)
        write_attention(table, complete, options, folder, "sparseeg bench attention")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(attention, "probe", late_is_who_sleeps)
        table = attention.measure_attention(layers, [(1, 100), (1, 200)], options, save=save)
    return table, saved, folder


def test_every_layer_keeps_its_row_at_every_size(found: tuple[pd.DataFrame, list[bool], Path]) -> None:
    table = found[0].set_index(["layer", "N"])
    assert len(table) == 10
    for num_tokens in (100, 200):
        floor, ours = table.loc[(FLOOR, num_tokens)], table.loc[(OURS, num_tokens)]
        assert (floor["forward / floor"], floor["forward+backward / floor"]) == (1.0, 1.0)
        assert ours["tokens per head"] == 8
        for name in (FORWARD, BACKWARD):
            low, high = map(float, ours[f"{name} min-max"].split("-"))
            assert 0 < low * 0.999 <= ours[f"{name} ms"] <= high * 1.001
            assert ours[f"{name} peak MB"] >= 0
        assert table.loc[("missing", num_tokens), "note"] == "forward: no-such-package not installed"
        assert math.isnan(table.loc[("missing", num_tokens), "forward ms"])
    assert table.loc[("failing", 100), "note"] == "forward: RuntimeError: it broke"
    assert table.loc[("failing", 200), "note"] == "forward: RuntimeError: it broke"
    assert table.loc[("dense 1 head", 100), "note"] == "forward: over 0.5 s"
    assert table.loc[("dense 1 head", 200), "note"] == "forward: stopped at N = 100 (over 0.5 s)"


def test_tables_are_saved_after_every_size_and_read_back(
    found: tuple[pd.DataFrame, list[bool], Path],
) -> None:
    table, saved, folder = found
    assert saved == [False, False, True]
    read = pd.read_csv(folder / "attention.tsv", sep="\t")
    assert read["layer"].tolist() == table["layer"].tolist()
    np.testing.assert_allclose(read["forward ms"], table["forward ms"], rtol=1e-4)
    for name in ("attention", "attention-summary", "attention-scaling"):
        text = (folder / f"{name}.md").read_text()
        assert "`sparseeg bench attention`" in text
        assert "PARTIAL" not in text


def test_dense_attention_over_the_limit_is_timed_by_a_slice(monkeypatch: pytest.MonkeyPatch) -> None:
    def over(contender: Contender, *_: object) -> dict[str, ProbeResult]:
        return {
            FORWARD: ProbeResult(0.01, 5)
            if contender.name == FLOOR
            else ProbeResult(problem="over 60 s", grows=True)
        }

    monkeypatch.setattr(attention, "probe", over)
    options = attention.BenchmarkOptions(dim=DIM, repeats=3)
    table = attention.measure_attention(
        (LAYERS[FLOOR], LAYERS["dense 1 head"]), [(1, 700)], options
    ).set_index("layer")
    dense = table.loc["dense 1 head"]
    assert dense["note"] == (
        "forward: over 60 s; forward: slice 700 of 700; forward+backward: slice 700 of 700"
    )
    assert dense["forward ms"] > 0
    assert dense["forward+backward ms"] > 0
    assert math.isnan(dense["forward peak MB"])


def test_an_interrupted_run_leaves_a_table_marked_partial(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attention, "probe", lambda *_: {FORWARD: ProbeResult(0.01, 5)})
    options = attention.BenchmarkOptions(dim=DIM, repeats=3, backward=False)
    saved: list[pd.DataFrame] = []

    def report(line: str) -> None:
        if line.startswith("1x100: repeat 2"):
            raise KeyboardInterrupt

    def save(table: pd.DataFrame, complete: bool) -> None:
        assert not complete
        saved.append(table)
        write_attention(table, complete, options, tmp_path, "command")

    with pytest.raises(KeyboardInterrupt):
        attention.measure_attention(
            (LAYERS[FLOOR], toy()), [(1, 50), (1, 100)], options, report=report, save=save
        )
    assert [len(table) for table in saved] == [2, 4]
    assert saved[1]["forward ms"].notna().all()
    assert "PARTIAL" in (tmp_path / "attention.md").read_text()
    measured = read_attention(tmp_path)
    lines: list[str] = []
    sizes, layers = [(1, 50), (1, 100)], (LAYERS[FLOOR], toy())
    table = attention.measure_attention(layers, sizes, options, report=lines.append, measured=measured)
    assert {line.split(":")[0] for line in lines} == {"1x100"}  # what was finished isn't measured again
    assert table["N"].tolist() == [50, 50, 100, 100]
    assert not table["note"].str.contains("interrupted").any()
    with pytest.raises(SparseEEGError, match="leave --resume out"):
        read_attention(tmp_path / "elsewhere")


def test_a_resumed_run_knows_what_was_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attention, "probe", late_is_who_sleeps)
    options = attention.BenchmarkOptions(dim=DIM, repeats=3, backward=False, limits=PassLimits(seconds=0.5))
    layers = (LAYERS[FLOOR], toy(sleep=2 * SAFETY_NET))
    first = attention.measure_attention(layers, [(1, 100)], options)
    second = attention.measure_attention(layers, [(1, 100), (1, 200)], options, measured=first).set_index(
        ["layer", "N"]
    )
    assert second.loc[("toy", 200), "note"] == "forward: stopped at N = 100 (over 0.5 s)"


def test_selection_and_sizes() -> None:
    assert [layer.name for layer in attention.select(["dense 8", OURS])] == [
        FLOOR,
        OURS,
        "dense 8 heads",
        "dense 8 heads (oneDNN)",
    ]
    assert attention.select([])[0].name == FLOOR
    with pytest.raises(SparseEEGError, match="no layer is called 'flash'"):
        attention.select(["flash"])
    assert attention.parse_sizes("8x200, 32x50") == ((32, 50), (8, 200))
    with pytest.raises(SparseEEGError, match="got '8'"):
        attention.parse_sizes("8x200,8")
    with pytest.raises(SparseEEGError, match="got '0'"):
        attention.parse_numbers("2,0")


def test_growth_and_crossing_on_known_growth() -> None:
    sizes = [4096, 16384, 65536]
    many = [*sizes, 262144, 1048576]
    for constant in (0.0, 15.0):
        found = attention_summary.growth(many, [constant + 1e-3 * size**1.1 for size in many])
        assert found == pytest.approx((constant, 1.1), rel=1e-3, abs=1e-3)
    assert math.isnan(attention_summary.growth(sizes[:3], [1.0, 2.0, 3.0])[1])
    ratios = [size / 100 for size in sizes]
    at, how = attention_summary.crossing(sizes, ratios, 300.0)
    assert at == pytest.approx(30000)
    assert how == "interpolated between N = 16384 (163.8x) and 65536 (655.4x)"
    assert attention_summary.crossing(sizes, ratios, 40.96) == (4096.0, "as measured, 40.96x there")
    at, how = attention_summary.crossing(sizes, ratios, 1250.0)
    assert math.isnan(at)
    assert how == "not reached up to N = 65536: 655.4x there"


def test_summary_compares_with_the_fastest_and_counts_memory_by_sample() -> None:
    rows = []
    for batch, num_tokens in ((2, 4096), (1, 16384), (1, 65536), (1, 262144)):
        seconds = {OURS: 1.0, "dense 1 head": num_tokens / 8, "dense 8 heads": num_tokens / 4}
        seconds |= {
            "dense 8 heads (oneDNN)": 90.0,
            "performer-pytorch 1 head": 7.0,
            "local-attention 1 head": 9.0,
        }
        for layer, milliseconds in seconds.items():
            rows.append(
                {
                    "batch": batch,
                    "N": num_tokens,
                    "layer": layer,
                    "tokens per head": 8 if layer == OURS else None,
                    "forward ms": milliseconds,
                    "forward / floor": milliseconds * 2,
                    "forward peak MB": 15 + batch * num_tokens * 0.5,
                    "forward+backward ms": None,
                    "forward+backward peak MB": None,
                    "note": "forward: slice 768 of 16384" if layer == "dense 1 head" else "",
                }
            )
    table = pd.DataFrame(rows)
    first = attention_summary.by_size(table).iloc[0]
    assert first["time / floor"] == 2.0
    assert (first["dense / ours"], first["fastest dense"]) == (512.0, "dense 1 head (slice)")
    assert first["dense with oneDNN products / ours"] == 90.0
    assert (first["fastest package / ours"], first["fastest package"]) == (7.0, "performer-pytorch 1 head")
    scaling = attention_summary.scaling(table).set_index("pass")
    assert scaling.loc[FORWARD, "exponent of peak memory"] == pytest.approx(1.0, abs=1e-3)
    assert scaling.loc[FORWARD, "constant MB"] == pytest.approx(15.0, rel=0.02)
    assert scaling.loc[FORWARD, "N where dense takes 1250x"] == pytest.approx(10000)
    assert math.isnan(scaling.loc[BACKWARD, "N where dense takes 1250x"])


def test_systems_that_cannot_limit_or_measure_memory_say_so(monkeypatch) -> None:
    assert memory_limit(10**9) == 10**9
    assert 0 < memory_limit(None) < os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    monkeypatch.setattr("sparseeg.bench.probe.memory_status", lambda field: None)  # as on macOS
    assert memory_limit(None) is None
    with pytest.raises(SparseEEGError, match="can't limit the memory of a layer; run without"):
        memory_limit(10**9)
    monkeypatch.setattr(sys, "platform", "win32")
    with pytest.raises(SparseEEGError, match="run it on Linux or in WSL"):
        memory_limit(None)
