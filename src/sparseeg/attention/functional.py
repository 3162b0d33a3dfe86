"""Attention inside the heads of partitions by plain PyTorch operations, and a reference in float64."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from .partition import Partition


class AttentionWeights(NamedTuple):
    """Attention weights with the tokens they belong to.

    weights : (batch, rounds, heads, g, g), query by key; a token's weights sum to one over all its rounds.
        Rows and columns of masked tokens are zero.
    indices : (rounds, heads, g), the token in each slot; -1 where a head is one token shorter.
    """

    weights: Tensor
    indices: Tensor

    def dense(self) -> Tensor:
        """Return the weights as (batch, N, N), query by key, in the order of the tokens."""
        num_tokens = int((self.indices[0] >= 0).sum())
        side = num_tokens + 1  # index -1 is the last row and column, cut off below
        token = self.indices % side
        cell = token.unsqueeze(-1) * side + token.unsqueeze(-2)
        full = self.weights.new_zeros(self.weights.shape[0], side * side)
        full = full.index_add(1, cell.flatten(), self.weights.flatten(1))
        return full.unflatten(1, (side, side))[:, :num_tokens, :num_tokens]


def attend_heads(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    partitions: Sequence[Partition],
    ignore: Tensor | None,
    correction: bool,
    dropout: float,
) -> Tensor:
    """Attend inside the heads of the partitions; tokens must be finite, also where they are ignored.

    Arguments and result are those of `dispatch.partitioned_attention`.
    """
    if len(partitions) > 1:
        return attend_rounds(query, key, value, partitions, ignore, correction, dropout)[0]
    heads = _Heads.of(partitions[0], ignore)
    gain = log_of_others(query.shape[1], ignore, query) if correction else None
    bias = logit_bias(heads.hidden, gain, heads.width, query)
    bias = None if bias is None else bias.to(query.dtype)
    q, k, v = heads.deal(query), heads.deal(key), heads.deal(value)
    output = heads.collect(F.scaled_dot_product_attention(q, k, v, attn_mask=bias, dropout_p=dropout))
    return output if ignore is None else hide(output, ignore)


def attend_rounds(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    partitions: Sequence[Partition],
    ignore: Tensor | None,
    correction: bool,
    dropout: float,
) -> tuple[Tensor, AttentionWeights]:
    """Attend in several partitions at once: one softmax over the keys that a token meets in all of them.

    This adds up the partitions' numerators and denominators. Returns what `attend_heads` returns, and the
    weights before dropout.
    """
    gain = log_of_others(query.shape[1], ignore, query) if correction else None
    rounds = [_Heads.of(partition, ignore) for partition in partitions]
    logits = []
    for heads in rounds:
        q, k = heads.deal(query * query.shape[-1] ** -0.5), heads.deal(key)
        products = q @ k.transpose(-1, -2)
        bias = logit_bias(heads.hidden, gain, products.shape[-1], products)
        logits.append(heads.collect(products if bias is None else products + bias))
    weights = torch.cat(logits, -1).to(torch.promote_types(query.dtype, torch.float32)).softmax(-1)
    weights = weights if ignore is None else hide(weights, ignore)
    kept = F.dropout(weights, dropout, training=dropout > 0.0).to(value.dtype)
    output = torch.zeros_like(value)
    parts = kept.split([heads.width for heads in rounds], -1)
    for heads, part in zip(rounds, parts, strict=True):
        output = output + heads.collect(heads.deal(part) @ heads.deal(value))
    return output, _weights_by_head(weights, partitions)


class _Heads(NamedTuple):
    """The heads of a partition as one array, the shorter ones padded: one graph serves any length.

    tokens : (heads * width,), the token in each slot, any other token where the slot is empty.
    slots : (N,), the slot of each token.
    hidden : (batch or 1, heads, width), True = empty or ignored; None where there is nothing to hide.
    """

    tokens: Tensor
    slots: Tensor
    hidden: Tensor | None
    num_heads: int
    width: int

    @classmethod
    def of(cls, partition: Partition, ignore: Tensor | None) -> "_Heads":
        table = partition.table
        tokens, hidden = table.clamp(min=0).flatten(), None
        if isinstance(partition.num_heads, torch.SymInt) or partition.num_tokens % partition.num_heads:
            hidden = (table < 0).unsqueeze(0)
        if ignore is not None:
            ignored = ignore.index_select(1, tokens).unflatten(1, table.shape)
            hidden = ignored if hidden is None else ignored | hidden
        return cls(tokens, partition.slots, hidden, table.shape[0], table.shape[1])

    def deal(self, rows: Tensor) -> Tensor:
        """Deal rows (batch, N, any) to the heads: (batch, heads, width, any)."""
        return rows.index_select(1, self.tokens).unflatten(1, (self.num_heads, self.width))

    def collect(self, dealt: Tensor) -> Tensor:
        """Return rows (batch, N, any) in the order of the tokens."""
        return dealt.flatten(1, 2).index_select(1, self.slots)


def hide(tokens: Tensor, ignore: Tensor) -> Tensor:
    """Set ignored tokens to zero, whatever they held: neither NaN nor a gradient passes."""
    return tokens.masked_fill(ignore.unsqueeze(-1), 0.0)


def logit_bias(hidden: Tensor | None, gain: Tensor | None, size: int, like: Tensor) -> Tensor | None:
    """Return what is added to the logits of heads of one size: the correction, and -inf at ignored keys.

    hidden : (batch, heads, size), True = ignore, or None.
    gain : `log_of_others` of the whole sequence, or None for no correction.

    The result broadcasts to (batch, heads, size, size), in the dtype of `like` but at least float32.
    """
    if hidden is None and gain is None:
        return None
    dtype = torch.promote_types(like.dtype, torch.float32)
    others = ~torch.eye(size, dtype=torch.bool, device=like.device)
    bias = None
    if gain is not None:
        in_head = log_of_others(size, hidden, gain)
        bias = others * (gain.to(dtype).view(-1, 1, 1, 1) - in_head.to(dtype)[..., None, None])
    if hidden is not None:
        # An ignored token still attends to itself: no row of the softmax is empty, so none is NaN.
        closed = hidden.unsqueeze(-2) & others
        bias = torch.zeros_like(closed, dtype=dtype) if bias is None else bias
        bias = bias.masked_fill(closed, -math.inf)
    return bias


def log_of_others(num_tokens: int, ignore: Tensor | None, like: Tensor) -> Tensor:
    """Return log(n - 1), n counting the valid of `num_tokens` tokens along the last axis of `ignore`."""
    dtype = torch.promote_types(like.dtype, torch.float32)
    if ignore is None:
        return torch.full((), num_tokens - 1, dtype=dtype, device=like.device).clamp(min=1).log()
    # Looked up in a table: elementwise kernels round a logarithm differently at different positions.
    log = torch.arange(num_tokens + 1, dtype=dtype, device=like.device).clamp(min=1).log()
    return log[((~ignore).sum(-1) - 1).clamp(min=0)]


def _weights_by_head(weights: Tensor, partitions: Sequence[Partition]) -> AttentionWeights:
    """Sort the weights of `attend_rounds`, (batch, N, rounds * g), by round and head."""
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
            for tokens in partition.table:
                head = tokens[tokens >= 0]
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


def check_tokens(query: Tensor, key: Tensor, value: Tensor, partitions: Sequence[Partition]) -> None:
    """Raise ValueError unless query, key and value share one shape that fits the partitions."""
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
