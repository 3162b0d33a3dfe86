"""Attention inside the heads of partitions: the fast path, and the reference it is tested against."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from .partition import Partition, head_blocks


class AttentionWeights(NamedTuple):
    """Attention weights with the tokens they belong to.

    weights : (batch, rounds, heads, g, g), query by key; a token's weights sum to one over all its rounds.
        Rows and columns of masked tokens are zero.
    indices : (rounds, heads, g), the token in each place; -1 where a head is one token shorter.
    """

    weights: Tensor
    indices: Tensor

    def dense(self) -> Tensor:
        """Return the weights as (batch, N, N), query by key, in the order of the tokens."""
        num_tokens = int((self.indices[0] >= 0).sum())
        side = num_tokens + 1  # the places of index -1 fall on the last row and column, cut off below
        place = self.indices % side
        cell = place.unsqueeze(-1) * side + place.unsqueeze(-2)
        full = self.weights.new_zeros(self.weights.shape[0], side * side)
        full = full.index_add(1, cell.flatten(), self.weights.flatten(1))
        return full.unflatten(1, (side, side))[:, :num_tokens, :num_tokens]


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
    _check(query, key, value, partitions)
    ignore = key_padding_mask
    if ignore is not None:
        check_mask(ignore, query)
        query, key, value = hide(query, ignore), hide(key, ignore), hide(value, ignore)
    if len(partitions) == 1 and not return_weights:
        order, inverse, num_heads = partitions[0].order, partitions[0].inverse, partitions[0].num_heads
        query, key, value = (tensor.index_select(1, order) for tensor in (query, key, value))
        ignore = None if ignore is None else ignore.index_select(1, order)
        output = attend_heads(query, key, value, num_heads, ignore, correction, dropout)
        return output.index_select(1, inverse)
    output, weights = attend_rounds(query, key, value, partitions, ignore, correction, dropout)
    return (output, weights_by_head(weights, partitions)) if return_weights else output


def attend_heads(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    num_heads: int,
    ignore: Tensor | None,
    correction: bool,
    dropout: float,
) -> Tensor:
    """Attend inside heads of consecutive tokens: the core, for tokens already in a partition's order.

    query, key, value : (batch, N, d), finite also where `ignore` (batch, N) is True; the output is zero
    there.
    """
    outputs = []
    for block, shape in _blocks(query.shape[1], num_heads):
        q, k, v = (tensor[:, block].unflatten(1, shape) for tensor in (query, key, value))
        bias = _logit_bias(query, ignore, block, shape, correction)
        bias = None if bias is None else bias.to(q.dtype)
        output = F.scaled_dot_product_attention(q, k, v, attn_mask=bias, dropout_p=dropout)
        outputs.append(output.flatten(1, 2))
    joined = torch.cat(outputs, 1)
    return joined if ignore is None else hide(joined, ignore)


def attend_rounds(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    partitions: Sequence[Partition],
    ignore: Tensor | None,
    correction: bool,
    dropout: float,
) -> tuple[Tensor, Tensor]:
    """Attend in several partitions at once: one softmax over the keys that a token meets in all of them.

    That adds the partitions' numerators and denominators. Arguments as for `attend_heads`, in token order;
    returns the output and the weights, (batch, N, rounds * g).
    """
    orders = [(partition.order, partition.inverse, partition.num_heads) for partition in partitions]
    logits = []
    for order, inverse, num_heads in orders:
        hidden = None if ignore is None else ignore.index_select(1, order)
        met = _head_logits(
            query.index_select(1, order), key.index_select(1, order), num_heads, hidden, correction
        )
        logits.append(met.index_select(1, inverse))
    weights = torch.cat(logits, -1).softmax(-1)
    weights = weights if ignore is None else hide(weights, ignore)
    kept = F.dropout(weights, dropout, training=dropout > 0.0).to(value.dtype)
    output = torch.zeros_like(value)
    for part, (order, inverse, num_heads) in zip(kept.chunk(len(orders), -1), orders, strict=True):
        mixed = _head_output(part.index_select(1, order), value.index_select(1, order), num_heads)
        output = output + mixed.index_select(1, inverse)
    return output, weights


def hide(tokens: Tensor, ignore: Tensor) -> Tensor:
    """Set ignored tokens to zero, whatever they held: neither NaN nor a gradient passes."""
    return tokens.masked_fill(ignore.unsqueeze(-1), 0.0)


def _blocks(num_tokens: int, num_heads: int) -> list[tuple[slice, tuple[int, int]]]:
    """Return, for each head size, the slice of ordered tokens it covers and its (heads, size)."""
    blocks, start = [], 0
    for heads, size in head_blocks(num_tokens, num_heads):
        blocks.append((slice(start, start + heads * size), (heads, size)))
        start += heads * size
    return blocks


def _head_logits(
    query: Tensor, key: Tensor, num_heads: int, ignore: Tensor | None, correction: bool
) -> Tensor:
    """Return the logits of ordered tokens in their heads, (batch, N, g); -inf where heads are shorter."""
    blocks = _blocks(query.shape[1], num_heads)
    widest = blocks[0][1][1]
    rows = []
    for block, shape in blocks:
        q, k = _matrices(query[:, block], shape), _matrices(key[:, block], shape)
        logits = torch.bmm(q * q.shape[-1] ** -0.5, k.transpose(1, 2)).unflatten(0, (-1, shape[0]))
        logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
        bias = _logit_bias(query, ignore, block, shape, correction)
        logits = logits if bias is None else logits + bias
        rows.append(F.pad(logits.flatten(1, 2), (0, widest - shape[1]), value=-math.inf))
    return torch.cat(rows, 1)


def _head_output(weights: Tensor, value: Tensor, num_heads: int) -> Tensor:
    """Mix the values of every head by weights (batch, N, g) laid out as `_head_logits` does."""
    rows = []
    for block, shape in _blocks(value.shape[1], num_heads):
        w, v = _matrices(weights[:, block, : shape[1]], shape), _matrices(value[:, block], shape)
        rows.append(torch.bmm(w, v).view(*value[:, block].shape))
    return torch.cat(rows, 1)


def _matrices(tokens: Tensor, shape: tuple[int, int]) -> Tensor:
    """Return one dense matrix (size, columns) a head: a product of them is the same in any batch."""
    return tokens.contiguous().view(-1, shape[1], tokens.shape[-1])


def _logit_bias(
    query: Tensor, ignore: Tensor | None, block: slice, shape: tuple[int, int], correction: bool
) -> Tensor | None:
    """Return what is added to the logits of a block of heads: the correction, and -inf at ignored keys."""
    others = ~torch.eye(shape[1], dtype=torch.bool, device=query.device)
    hidden = None if ignore is None else ignore[:, block].unflatten(1, shape)
    dtype = torch.promote_types(query.dtype, torch.float32)
    bias = None
    if correction:
        # Logarithms are looked up: elementwise kernels round them differently from place to place.
        log = torch.arange(query.shape[1] + 1, dtype=dtype, device=query.device).clamp(min=1).log()
        total: int | Tensor = query.shape[1]
        met: int | Tensor = shape[1]
        if ignore is not None and hidden is not None:
            total = (~ignore).sum(1)[:, None, None, None]
            met = (~hidden).sum(-1)[:, :, None, None]
        bias = others * (log[total - 1] - log[met - 1])
    if hidden is not None:
        # An ignored token may still meet itself: no row of the softmax is ever empty, so none is NaN.
        closed = hidden.unsqueeze(-2) & others
        bias = torch.zeros_like(closed, dtype=dtype) if bias is None else bias
        bias = bias.masked_fill(closed, -math.inf)
    return bias


def weights_by_head(weights: Tensor, partitions: Sequence[Partition]) -> AttentionWeights:
    """Sort the weights of `attend_rounds` by round and head."""
    tables = torch.stack([partition.table for partition in partitions])
    rounds = torch.arange(len(partitions), device=tables.device)[:, None, None]
    sorted_weights = weights.unflatten(-1, (len(partitions), -1))[:, tables.clamp(min=0), rounds]
    return AttentionWeights(hide(sorted_weights, tables < 0), tables)


def reference_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    partitions: Sequence[Partition],
    *,
    key_padding_mask: Tensor | None = None,
    correction: bool = False,
) -> Tensor:
    """Compute `partitioned_attention` in float64, head by head: slow, and easy to check."""
    query, key, value = query.double(), key.double(), value.double()
    outputs = []
    for sample in range(query.shape[0]):
        valid = torch.ones(query.shape[1], dtype=torch.bool, device=query.device)
        if key_padding_mask is not None:
            valid = ~key_padding_mask[sample]
        numerator, denominator = torch.zeros_like(query[sample]), torch.zeros_like(query[sample, :, :1])
        for partition in partitions:
            for places in partition.table:
                head = places[places >= 0]
                head = head[valid[head]]
                logits = query[sample, head] @ key[sample, head].T / math.sqrt(query.shape[-1])
                if correction and len(head) > 1:
                    gain = math.log((int(valid.sum()) - 1) / (len(head) - 1))
                    logits = logits + gain * (1 - torch.eye(len(head)).to(logits))
                numerator = numerator.index_add(0, head, logits.exp() @ value[sample, head])
                denominator = denominator.index_add(0, head, logits.exp().sum(1, keepdim=True))
        outputs.append(torch.where(valid[:, None], numerator / denominator, 0.0))
    return torch.stack(outputs)


def check_mask(key_padding_mask: Tensor, tokens: Tensor) -> None:
    """Raise ValueError unless the mask is boolean and has one entry for each token."""
    if key_padding_mask.dtype != torch.bool or key_padding_mask.shape != tokens.shape[:2]:
        raise ValueError(
            f"key_padding_mask must be boolean with shape {tuple(tokens.shape[:2])}, "
            f"got {key_padding_mask.dtype} with shape {tuple(key_padding_mask.shape)}"
        )


def _check(query: Tensor, key: Tensor, value: Tensor, partitions: Sequence[Partition]) -> None:
    shapes = [tuple(tensor.shape) for tensor in (query, key, value)]
    if query.dim() != 3 or shapes[0] != shapes[1] or shapes[0] != shapes[2]:
        raise ValueError(f"query, key and value must share one shape (batch, N, d), got {shapes}")
    if not partitions:
        raise ValueError("at least one partition is needed, got none")
    for partition in partitions:
        if partition.num_tokens != query.shape[1]:
            raise ValueError(f"the partition deals {partition.num_tokens} tokens, the query is {shapes[0]}")
        if partition.num_heads != partitions[0].num_heads:
            heads = [partition.num_heads for partition in partitions]
            raise ValueError(f"partitions that are merged must have one number of heads, got {heads}")
