"""The fastest implementation that fits: for given queries, keys and values, and for a whole layer."""

from collections.abc import Sequence
from typing import Literal, cast, overload

import torch
from torch import Tensor

from . import chunked, functional, triton_kernels
from .backend import autocast_dtype, graph_operator, is_compiling
from .chunked import Projections
from .functional import AttentionWeights, check_mask, check_tokens, hide
from .linear import linear
from .partition import Partition, PartitionKind, head_count, layer_partitions


@overload
def partitioned_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    partitions: Partition | Sequence[Partition],
    *,
    key_padding_mask: Tensor | None = None,
    correction: bool = False,
    dropout: float = 0.0,
    return_weights: Literal[False] = False,
) -> Tensor: ...


@overload
def partitioned_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    partitions: Partition | Sequence[Partition],
    *,
    key_padding_mask: Tensor | None = None,
    correction: bool = False,
    dropout: float = 0.0,
    return_weights: Literal[True],
) -> tuple[Tensor, AttentionWeights]: ...


@overload
def partitioned_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    partitions: Partition | Sequence[Partition],
    *,
    key_padding_mask: Tensor | None = None,
    correction: bool = False,
    dropout: float = 0.0,
    return_weights: bool,
) -> Tensor | tuple[Tensor, AttentionWeights]: ...


def partitioned_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    partitions: Partition | Sequence[Partition],
    *,
    key_padding_mask: Tensor | None = None,
    correction: bool = False,
    dropout: float = 0.0,
    return_weights: bool = False,
) -> Tensor | tuple[Tensor, AttentionWeights]:
    """Attend inside the heads of each partition, and merge the partitions by log-sum-exp.

    Parameters
    ----------
    query, key, value : (batch, N, d); scores are divided by sqrt(d).
    key_padding_mask : (batch, N), True = ignore. Masked content, even NaN, reaches no valid output and no
        gradient; the output at masked tokens is zero.
    correction : add log((N-1)/(g-1)) to the logits of the other tokens, N and g counting the valid tokens of
        the sample and of the head: numerator and denominator then match full attention in expectation.
    dropout : probability of dropping an attention weight, applied whenever it is positive.

    Returns the output (batch, N, d), with its `AttentionWeights` (before dropout) if `return_weights`.
    Raises ValueError for shapes that do not fit together.
    Source: Random Batch Attention, arXiv 2511.06044; correction from random batch methods, arXiv 1812.10575.
    """
    partitions = [partitions] if isinstance(partitions, Partition) else list(partitions)
    check_tokens(query, key, value, partitions)
    ignore = key_padding_mask
    if ignore is not None:
        check_mask(ignore, query)
        query, key, value = hide(query, ignore), hide(key, ignore), hide(value, ignore)
    if return_weights:
        return functional.attend_rounds(query, key, value, partitions, ignore, correction, dropout)
    if len(partitions) == 1 and triton_kernels.fits(query, partitions[0]):
        order, num_heads = partitions[0]
        return triton_kernels.attend(query, key, value, order, num_heads, ignore, correction, dropout)
    return functional.attend_heads(query, key, value, partitions, ignore, correction, dropout)


def attend(
    x: Tensor,
    projections: Projections,
    partitions: Sequence[Partition],
    ignore: Tensor | None,
    correction: bool,
    dropout: float = 0.0,
    training: bool = False,
) -> Tensor:
    """Project x (batch, N, d), attend inside the heads of the partitions, and project again.

    Ignored tokens are hidden, whatever they hold. Returns (batch, N, d).
    """
    order, num_heads = partitions[0]
    if len(partitions) == 1 and chunked.fits(x, partitions[0]):
        dealing = chunked.Dealing(order, num_heads, ignore, correction, dropout)
        return chunked.attend(x, projections, dealing)
    x = x if ignore is None else hide(x, ignore)
    qkv = linear(x, projections.qkv_weight, projections.qkv_bias, training)
    if len(partitions) == 1 and triton_kernels.fits(qkv, partitions[0]):
        attended = triton_kernels.attend_packed(qkv, order, num_heads, ignore, correction, dropout)
    else:
        query, key, value = qkv.chunk(3, -1)
        attended = functional.attend_heads(query, key, value, partitions, ignore, correction, dropout)
    return linear(attended, projections.out_weight, projections.out_bias, training)


def takes_graph_operator(x: Tensor) -> bool:
    """Return whether `attend_in_graph` can stand in the graph that is being made for x."""
    differentiates = torch.is_grad_enabled()
    return is_compiling() and not differentiates and autocast_dtype(x.device.type) is None


def _attend(
    x: Tensor,
    qkv_weight: Tensor,
    qkv_bias: Tensor | None,
    out_weight: Tensor,
    out_bias: Tensor | None,
    ignore: Tensor | None,
    scale_factor: float,
    tokens_per_head: int | None,
    kind: str,
    layer_index: int,
    rounds: int,
    correction: bool,
) -> Tensor:
    heads = head_count(x.shape[1], scale_factor, tokens_per_head)
    partitions = layer_partitions(
        x.shape[1], heads, cast(PartitionKind, kind), layer_index, rounds, device=x.device
    )
    projections = Projections(qkv_weight, qkv_bias, out_weight, out_bias)
    return attend(x, projections, partitions, ignore, correction)


def _like_output(x: Tensor, *_: object) -> Tensor:
    return x.new_empty(x.shape)


# In evaluation one node of a compiled graph: it takes the fast path, and the graph fits any length.
attend_in_graph = graph_operator("sparseeg::sparse_attention", _attend, _like_output)
