"""The counts behind the specification's figures, each against a second way to get it."""

import pandas as pd
import pytest
import torch
from torch import nn

from sparseeg.attention import SparseMultiHeadAttention, head_count, make_partition
from sparseeg.bench import claims


@pytest.mark.parametrize(
    ("tokens", "size", "scale"), [(50, 16, 0.5), (51, 8, 0.5), (50, 16, 0.01), (23, 8, 0.3)]
)
def test_counted_products_are_those_of_the_formula(tokens: int, size: int, scale: float) -> None:
    layer, x = SparseMultiHeadAttention(size, scale).eval(), torch.randn(1, tokens, size)
    expected = claims.multiply_adds(tokens, size, head_count(tokens, scale))
    assert claims.counted_multiply_adds(lambda: layer(x)) == expected.layer
    assert expected.layer == 4 * tokens * size**2 + expected.core


def test_a_head_for_every_token_meets_itself_and_one_head_meets_all() -> None:
    assert claims.multiply_adds(7, 3, 7).core == 2 * 7 * 3
    assert claims.multiply_adds(7, 3, 1).core == 2 * 49 * 3


@pytest.mark.parametrize("kind", ["random", "strided", "local"])
def test_matrix_products_and_gradients_find_the_same_inputs(kind: str) -> None:
    tokens, limit = 23, 4
    layers = [
        SparseMultiHeadAttention(4, tokens_per_head=limit, partition=kind, layer_index=index).double().eval()
        for index in range(3)
    ]
    found = claims.dependence(tokens, head_count(tokens, tokens_per_head=limit), kind, 3)
    for depth in (1, 2, 3):
        assert torch.equal(found[depth - 1], claims.dependence_by_gradient(layers[:depth], tokens, 4))


def test_reach_grows_from_one_head_to_everything() -> None:
    found = claims.dependence(49, 7, "strided", 2).double().mean((1, 2))
    assert found.tolist() == pytest.approx([1 / 7, 1.0])
    assert claims.dependence(10, 1, "random", 1).all()


def test_expected_coverage_is_that_of_random_heads() -> None:
    tokens, size, deals = 200, 10, 40
    found = [claims.dependence(tokens, tokens // size, "random", 2, 2 * deal)[1] for deal in range(deals)]
    mean = torch.stack(found).double().mean().item()
    assert claims.expected_coverage(tokens, size) == pytest.approx(mean, abs=0.02)


def test_exchanged_heads_compute_the_same_function() -> None:
    layer, x = SparseMultiHeadAttention(8).double().eval(), torch.randn(2, 50, 8).double()
    partition = layer.partitions(50)[0]
    moved = claims.exchange_heads(x, partition, 3, 11)
    assert torch.equal(claims.exchange_heads(moved, partition, 3, 11), x)
    assert torch.equal(moved[:, partition.table[3]], x[:, partition.table[11]])
    assert int((moved != x).any(-1).sum()) == 2 * 2 * 2  # samples, heads, tokens of a head
    assert claims.exchange_error(layer, x, 3, 11) < 1e-12


def test_exchange_sees_a_head_of_its_own() -> None:
    class OwnHead(SparseMultiHeadAttention):
        def forward(self, x, *rest):  # type: ignore[no-untyped-def]
            output = super().forward(x, *rest).clone()
            output[:, self.partitions(x.shape[1])[0].table[0]] *= 2
            return output

    assert claims.exchange_error(OwnHead(8).eval(), torch.randn(1, 50, 8)) > 0.01


def test_heads_of_different_sizes_cannot_be_exchanged() -> None:
    with pytest.raises(ValueError, match="heads 0 and 1 hold different numbers of tokens"):
        claims.exchange_heads(torch.zeros(1, 5, 2), make_partition(5, 2), 0, 1)


def test_the_first_press_of_any_kind_counts_from_the_start_of_its_own_trial() -> None:
    names = ("contrastTrial_start", "left_buttonPress", "right_buttonPress", "left_target")
    rows = [(30.0, 0), (9.0, 0), (2.0, 0), (1.0, 1), (5.5, 3), (4.0, 2), (6.0, 1), (20.0, 0), (21.0, 2)]
    events = pd.DataFrame({"onset": [time for time, _ in rows], "value": [names[kind] for _, kind in rows]})
    found = claims.first_presses(events)
    assert found.tolist() == pytest.approx([2.0, float("nan"), 1.0, float("nan")], nan_ok=True)


def test_saved_bytes_count_each_activation_once() -> None:
    x = torch.randn(4, 10)
    network = nn.Sequential(nn.Linear(10, 6), nn.Sigmoid(), nn.Linear(6, 3))
    # The input, the sigmoid's output (kept by two layers) and the last output, kept by the square.
    assert claims.saved_bytes(network, x) == 4 * (4 * 10 + 4 * 6 + 4 * 3)
