"""One interface to the layer's implementations: projections, attention, projection by the path that fits."""

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor

from . import chunked, triton_kernels
from .backend import autocast_dtype, graph_operator, is_compiling
from .chunked import Projections
from .functional import attend_heads, hide
from .linear import linear
from .partition import Partition, PartitionKind, head_count, layer_partitions


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
    if len(partitions) == 1 and chunked.fits(x, partitions[0]):
        return chunked.attend(x, projections, chunked.Dealing(*partitions[0], ignore, correction, dropout))
    x = x if ignore is None else hide(x, ignore)
    qkv = linear(x, projections.qkv_weight, projections.qkv_bias, training)
    if len(partitions) == 1 and triton_kernels.fits(qkv, partitions[0]):
        attended = triton_kernels.attend_packed(qkv, *partitions[0], ignore, correction, dropout)
    else:
        query, key, value = qkv.chunk(3, -1)
        attended = attend_heads(query, key, value, partitions, ignore, correction, dropout)
    return linear(attended, projections.out_weight, projections.out_bias, training)


def takes_graph_operator(x: Tensor) -> bool:
    """Return whether `attend_in_graph` can stand in a graph that is being made for x."""
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
