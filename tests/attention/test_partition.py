"""Partitions: balanced, complete, invertible, reproducible, and with the reach they promise."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sparseeg.attention import Partition, head_count, make_partition

KINDS = ("random", "strided", "local")


@st.composite
def partitions(draw: st.DrawFn) -> Partition:
    tokens = draw(st.integers(1, 300))
    heads = head_count(tokens, draw(st.floats(0.001, 1.0)))
    kind, index = draw(st.sampled_from(KINDS)), draw(st.integers(0, 20))
    return make_partition(tokens, heads, kind, index=index, resample=draw(st.booleans()))


def meetings(partition: Partition) -> torch.Tensor:
    """Return (N, N) booleans: who is in one head with whom."""
    table = partition.table
    numbers = torch.arange(len(table))[:, None].expand_as(table)
    head = torch.empty(partition.num_tokens, dtype=torch.long)
    head[table[table >= 0]] = numbers[table >= 0]
    return head[:, None] == head[None, :]


@given(partitions())
def test_every_token_is_in_exactly_one_head_of_balanced_size(partition: Partition) -> None:
    table = partition.table
    assert table.shape[0] == partition.num_heads
    assert torch.equal(table[table >= 0].sort().values, torch.arange(partition.num_tokens))
    sizes = (table >= 0).sum(1)
    assert sizes.min() >= 1
    assert sizes.max() - sizes.min() <= 1
    assert table.shape[1] == sizes.max()


@given(partitions())
def test_inverse_restores_the_order_bit_for_bit(partition: Partition) -> None:
    x = torch.randn(2, partition.num_tokens, 3)
    assert torch.equal(x[:, partition.order][:, partition.inverse], x)


@pytest.mark.parametrize(
    ("tokens", "scale", "heads"),
    [
        (50, 0.5, 25),
        (51, 0.5, 25),
        (200, 0.05, 10),
        (1, 0.05, 1),
        (3, 0.5, 1),
        (97, 1.0, 97),
        (100, 0.29, 28),
    ],
)
def test_head_count_is_the_specified_formula(tokens: int, scale: float, heads: int) -> None:
    assert head_count(tokens, scale) == heads


@given(st.integers(1, 300), st.integers(1, 300))
def test_tokens_per_head_is_an_upper_bound_met_by_the_fewest_heads(tokens: int, limit: int) -> None:
    heads = head_count(tokens, tokens_per_head=limit)
    assert make_partition(tokens, heads).table.shape[1] <= limit
    assert heads == 1 or math.ceil(tokens / (heads - 1)) > limit


def test_evaluation_partitions_are_the_same_on_every_machine() -> None:
    assert make_partition(12, 5).order.tolist() == [11, 0, 1, 4, 9, 6, 5, 2, 7, 3, 8, 10]
    assert make_partition(12, 5, index=3).order.tolist() == [1, 9, 5, 7, 0, 2, 8, 4, 11, 3, 6, 10]
    strided, local = make_partition(12, 5, "strided"), make_partition(12, 5, "local", index=1)
    assert strided.table.tolist() == [[0, 5, 10], [1, 6, 11], [2, 7, -1], [3, 8, -1], [4, 9, -1]]
    assert local.table.tolist() == [[1, 2, 3], [4, 5, 6], [7, 8, -1], [9, 10, -1], [11, 0, -1]]


def exact_random_order(num_tokens: int, index: int) -> list[int]:
    """The order of the random partitions in Python's integers, which have no largest value."""
    prime = 2**31 - 1
    keys = []
    for token in range(num_tokens):
        key = token + 1 + index * 1_000_003
        for _ in range(2):
            key = pow((key * 1_103_515_245 + 12_345) % prime, 5, prime)
        keys.append(key)
    return sorted(range(num_tokens), key=keys.__getitem__)


# From index 8,359 on, the first product of the hash exceeds 64 bits.
@pytest.mark.parametrize("index", [0, 1, 7_001, 8_358, 8_359, 9_000, 10**6 + 3, 2**40, 2**62 + 1])
@pytest.mark.parametrize("num_tokens", [1, 50, 200])
def test_random_partitions_are_exact_for_any_index(num_tokens: int, index: int) -> None:
    found = make_partition(num_tokens, 1, index=index).order.tolist()
    assert found == exact_random_order(num_tokens, index)


@pytest.mark.parametrize("index", [8_359, 10**9, 2**62])
@pytest.mark.parametrize("kind", KINDS)
def test_large_indices_deal_every_token_once(kind: str, index: int) -> None:
    order = make_partition(51, 10, kind, index=index).order  # type: ignore[arg-type]
    assert torch.equal(order.sort().values, torch.arange(51))


def test_only_resampled_partitions_touch_the_generator() -> None:
    state = torch.get_rng_state()
    for kind in KINDS:
        make_partition(50, 25, kind)
        make_partition(50, 25, kind, resample=kind != "random")
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(3)
    first, second = (make_partition(50, 25, resample=True).order for _ in range(2))
    torch.manual_seed(3)
    assert torch.equal(make_partition(50, 25, resample=True).order, first)
    assert not torch.equal(first, second)


@pytest.mark.parametrize(("tokens", "size"), [(50, 2), (51, 3), (200, 10)])
def test_evaluation_partitions_mix_like_chance(tokens: int, size: int) -> None:
    """Over many indices, pairs meet about equally often: mean and variance are those of a random deal."""
    deals = 600
    counts = sum(
        meetings(make_partition(tokens, tokens // size, index=index)).double() for index in range(deals)
    )
    pairs = counts[~torch.eye(tokens, dtype=torch.bool)]
    chance = (size - 1) / (tokens - 1)
    assert pairs.mean().item() == pytest.approx(deals * chance, rel=1e-9)
    assert pairs.var().item() == pytest.approx(deals * chance * (1 - chance), rel=0.2)


def layers_to_reach_all(tokens: int, heads: int, at_most: int) -> int:
    reached = torch.eye(tokens)
    for layer in range(at_most):
        reached = (
            reached @ meetings(make_partition(tokens, heads, "strided", index=layer)).float() > 0
        ).float()
        if bool(reached.all()):
            return layer + 1
    return at_most + 1


@pytest.mark.parametrize(
    ("tokens", "size"),
    [(49, 7), (100, 10), (196, 14), (64, 4), (81, 3), (128, 2), (96, 8), (50, 2), (200, 5)],
)
def test_strided_layers_reach_every_token_in_log_g_n_layers(tokens: int, size: int) -> None:
    layers = 1
    while size**layers < tokens:
        layers += 1
    assert layers_to_reach_all(tokens, tokens // size, layers) == layers


def test_strided_layers_need_at_most_one_more_layer_where_heads_are_uneven() -> None:
    for tokens in (25, 51, 61, 97, 137):
        for size in range(2, tokens):
            layers = 1
            while size**layers < tokens:
                layers += 1
            assert layers_to_reach_all(tokens, tokens // size, layers + 1) <= layers + 1


def test_local_heads_are_neighbours_and_their_borders_move() -> None:
    unshifted = make_partition(51, 10, "local")
    assert unshifted.order.tolist() == list(range(51))
    shifted = [make_partition(50, 10, "local", index=index) for index in range(5)]
    assert len({tuple(partition.order.tolist()) for partition in shifted}) == 5
    for partition in shifted:
        assert torch.equal(partition.order.diff() % 50, torch.ones(49, dtype=torch.long))


@pytest.mark.parametrize("heads", [0, 11])
def test_impossible_head_counts_are_named(heads: int) -> None:
    with pytest.raises(ValueError, match=rf"1\.\.10 for 10 tokens, got {heads}"):
        make_partition(10, heads)


def test_unknown_kind_is_named() -> None:
    with pytest.raises(ValueError, match=r"\('random', 'strided', 'local'\), got 'diagonal'"):
        make_partition(10, 5, "diagonal")  # type: ignore[arg-type]
