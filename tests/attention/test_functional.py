"""Partitioned attention against the float64 reference, against full attention, and under masks."""

import math
from typing import Any

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from sparseeg.attention import (
    Partition,
    head_count,
    make_partition,
    partitioned_attention,
    reference_attention,
)

LENGTHS = (1, 2, 3, 50, 51, 97, 200)
SCALES = (0.05, 0.3, 0.5, 1.0)
KINDS = ("random", "strided", "local")


def tokens(*shape: int, seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    drawn = torch.randn(3, *shape, dtype=torch.float64, generator=generator)
    query, key, value = (tensor.requires_grad_() for tensor in drawn.unbind(0))
    return query, key, value


def mask_of(batch: int, length: int, seed: int = 0) -> Tensor:
    """Ignore about a third of the tokens; sample 0 has none but the last, sample 1 nothing valid at all."""
    mask = torch.rand(batch, length, generator=torch.Generator().manual_seed(seed)) < 0.35
    mask[0] = True
    mask[0, -1] = False
    mask[1] = True
    return mask


def rounds_of(kind: str, length: int, scale: float, rounds: int) -> list[Partition]:
    heads = head_count(length, scale)
    return [make_partition(length, heads, kind, index=index) for index in range(rounds)]


def output_and_gradients(inputs: tuple[Tensor, ...], output: Tensor) -> list[Tensor]:
    weight = torch.linspace(-1.0, 1.0, output.numel(), dtype=output.dtype).view_as(output)
    return [output.detach(), *torch.autograd.grad((output * weight).sum(), inputs)]


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("correction", [False, True])
@pytest.mark.parametrize("rounds", [1, 3])
@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=4)
@given(length=st.sampled_from(LENGTHS[:-1]), scale=st.sampled_from(SCALES), weighted=st.booleans())
def test_output_and_gradients_match_the_reference(
    kind: str, rounds: int, correction: bool, masked: bool, length: int, scale: float, weighted: bool
) -> None:
    inputs = tokens(3, length, 5)
    partitions = rounds_of(kind, length, scale, rounds)
    options: dict[str, Any] = {
        "correction": correction,
        "key_padding_mask": mask_of(3, length) if masked else None,
    }
    result = partitioned_attention(*inputs, partitions, return_weights=weighted, **options)
    output = result[0] if weighted else result
    expected = output_and_gradients(inputs, reference_attention(*inputs, partitions, **options))
    for found, wanted in zip(output_and_gradients(inputs, output), expected, strict=True):
        torch.testing.assert_close(found, wanted, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("rounds", [1, 2])
def test_every_length_and_scale_matches_the_reference(length: int, scale: float, rounds: int) -> None:
    inputs = tokens(2, length, 4)
    partitions = rounds_of("random", length, scale, rounds)
    output = partitioned_attention(*inputs, partitions, correction=True)
    expected = reference_attention(*inputs, partitions, correction=True)
    torch.testing.assert_close(output, expected, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("rounds", [1, 3])
@pytest.mark.parametrize("correction", [False, True])
def test_one_head_is_full_attention(
    dtype: torch.dtype, weighted: bool, rounds: int, correction: bool
) -> None:
    """The error is at most twice that of `scaled_dot_product_attention` in one precision, plus one ulp."""
    exact = tokens(2, 97, 16)
    truth = reference_attention(*exact, [make_partition(97, 1)])
    inputs = tuple(tensor.to(dtype) for tensor in exact)
    result = partitioned_attention(
        *inputs, [make_partition(97, 1)] * rounds, correction=correction, return_weights=weighted
    )
    output = result[0] if weighted else result
    allowed = 2 * (F.scaled_dot_product_attention(*inputs) - truth).abs().max() + torch.finfo(dtype).eps
    assert (output - truth).abs().max() <= allowed


@pytest.mark.parametrize("garbage", [math.nan, math.inf, -math.inf, 1e30])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("rounds", [1, 2])
@pytest.mark.parametrize("correction", [False, True])
def test_masked_content_changes_nothing(
    garbage: float, weighted: bool, rounds: int, correction: bool
) -> None:
    mask = mask_of(3, 51)
    partitions = rounds_of("random", 51, 0.3, rounds)
    found = []
    for content in (0.0, garbage):
        inputs = tuple(
            tensor.detach().masked_fill(mask[..., None], content).requires_grad_()
            for tensor in tokens(3, 51, 4)
        )
        result = partitioned_attention(
            *inputs, partitions, key_padding_mask=mask, correction=correction, return_weights=weighted
        )
        found.append(output_and_gradients(inputs, result[0] if weighted else result))
    for clean, dirty in zip(*found, strict=True):
        assert dirty.isfinite().all()
        assert torch.equal(clean, dirty)
        assert not dirty[mask].any()
    assert found[1][0][~mask].all()


def test_masking_tokens_equals_removing_them_where_all_share_one_head() -> None:
    query, key, value = tokens(1, 20, 4)
    mask = torch.zeros(1, 20, dtype=torch.bool)
    mask[0, ::3] = True
    masked = partitioned_attention(query, key, value, make_partition(20, 1), key_padding_mask=mask)
    kept = [tensor[:, ~mask[0]] for tensor in (query, key, value)]
    removed = partitioned_attention(*kept, make_partition(kept[0].shape[1], 1))
    torch.testing.assert_close(masked[:, ~mask[0]], removed, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("length", [3, 51, 97])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("rounds", [1, 3])
def test_weights_belong_to_the_tokens_they_name(length: int, kind: str, rounds: int) -> None:
    query, key, value = tokens(3, length, 4)
    mask = mask_of(3, length)
    partitions = rounds_of(kind, length, 0.3, rounds)
    output, (weights, indices) = result = partitioned_attention(
        query, key, value, partitions, key_padding_mask=mask, return_weights=True
    )
    assert weights.shape[:3] == (3, rounds, partitions[0].num_heads)
    assert torch.equal(indices, torch.stack([partition.table for partition in partitions]))
    dense = result[1].dense()
    torch.testing.assert_close(dense @ value.masked_fill(mask[..., None], 0.0), output)
    torch.testing.assert_close(dense.sum(-1), (~mask).double())
    assert not dense[mask].any()
    assert not dense.transpose(1, 2)[mask].any()
    torch.testing.assert_close(weights.sum(), dense.sum())  # nothing lies in the places of index -1


def distance_to_full(rounds: int, correction: bool) -> float:
    torch.manual_seed(rounds)
    inputs = tuple(tensor.detach() for tensor in tokens(4, 64, 8, seed=7))
    full = F.scaled_dot_product_attention(*inputs)
    squares = []
    for _ in range(8):
        partitions = [make_partition(64, 8, resample=True) for _ in range(rounds)]
        output = partitioned_attention(*inputs, partitions, correction=correction)
        squares.append((output - full).square().mean() / full.square().mean())
    return torch.stack(squares).mean().sqrt().item()


def test_corrected_rounds_converge_to_full_attention_as_one_over_their_root() -> None:
    few, many = distance_to_full(4, True), distance_to_full(256, True)
    slope = math.log(many / few) / math.log(256 / 4)
    assert slope == pytest.approx(-0.5, abs=0.06)
    assert distance_to_full(256, False) > 3 * many  # without the correction a bias stays


def test_dropout_keeps_the_expectation_and_spares_the_weights() -> None:
    torch.manual_seed(0)
    inputs = tuple(tensor.detach() for tensor in tokens(2, 12, 4))
    for rounds in (1, 2):
        partitions = rounds_of("random", 12, 0.25, rounds)
        plain, weights = partitioned_attention(*inputs, partitions, return_weights=True)
        draws = torch.stack([partitioned_attention(*inputs, partitions, dropout=0.5) for _ in range(2000)])
        error = draws.std(0) / math.sqrt(len(draws))
        assert ((draws.mean(0) - plain).abs() < 5 * error).all()
        assert not torch.equal(draws[0], draws[1])
        _, dropped = partitioned_attention(*inputs, partitions, dropout=0.5, return_weights=True)
        assert torch.equal(dropped.weights, weights.weights)


@pytest.mark.parametrize("weighted", [False, True])
def test_gradcheck(weighted: bool) -> None:
    inputs = tokens(2, 7, 3)
    mask = mask_of(2, 7)
    partitions = rounds_of("random", 7, 0.4, 2 if weighted else 1)

    def attend(*projected: Tensor) -> Any:
        options = {"key_padding_mask": mask, "correction": True, "return_weights": weighted}
        result = partitioned_attention(*projected, partitions, **options)
        return (result[0], result[1].weights) if weighted else result

    assert torch.autograd.gradcheck(attend, inputs)


def test_errors_carry_the_shapes() -> None:
    x, partition = torch.zeros(2, 6, 4), make_partition(6, 3)
    with pytest.raises(
        ValueError, match=r"one shape \(batch, N, d\), got \[\(2, 6, 4\), \(2, 6, 4\), \(2, 6, 3\)\]"
    ):
        partitioned_attention(x, x, x[..., :3], partition)
    with pytest.raises(ValueError, match=r"deals 5 tokens, the query is \(2, 6, 4\)"):
        partitioned_attention(x, x, x, make_partition(5, 2))
    with pytest.raises(ValueError, match=r"one number of heads, got \[3, 2\]"):
        partitioned_attention(x, x, x, [partition, make_partition(6, 2)])
    with pytest.raises(ValueError, match="at least one partition"):
        partitioned_attention(x, x, x, [])
    with pytest.raises(
        ValueError, match=r"boolean with shape \(2, 6\), got torch.float32 with shape \(2, 6\)"
    ):
        partitioned_attention(x, x, x, partition, key_padding_mask=torch.zeros(2, 6))
    with pytest.raises(ValueError, match=r"boolean with shape \(2, 6\), got torch.bool with shape \(2, 5\)"):
        partitioned_attention(x, x, x, partition, key_padding_mask=torch.zeros(2, 5, dtype=torch.bool))
