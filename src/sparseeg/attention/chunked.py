"""The fast path on CPUs: projections and attention of about a thousand tokens at a time, inside the cache.

Each chunk is gathered, projected, attended to and scattered before the next one: no array but input and
output spans the whole sequence. Training keeps queries, keys and values, and computes the probabilities again
in the backward pass.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from .backend import autocast_dtype, fast_path_fits
from .dropout import draw_kept, kept_gain
from .functional import hide, log_of_others, logit_bias
from .linear import GradientSum, product
from .partition import Partition, head_blocks

_LARGEST_HEAD = 128  # tokens; the probabilities of larger heads do not fit into the cache
_ROWS = 1024  # tokens of a chunk: at d = 256 its queries, keys and values are 3 MB


class Chunk(NamedTuple):
    """Some samples, some positions of the partition's order, and the heads there: (heads, tokens of each)."""

    samples: slice
    positions: slice
    shape: tuple[int, int]


class Projections(NamedTuple):
    """Weights and biases around the attention: (3 d, d) and (3 d) before it, (d, d) and (d) after it."""

    qkv_weight: Tensor
    qkv_bias: Tensor | None
    out_weight: Tensor
    out_bias: Tensor | None


class Dealing(NamedTuple):
    """Which tokens share a head, and how they attend: see `dispatch.partitioned_attention`."""

    order: Tensor
    num_heads: int
    ignore: Tensor | None
    correction: bool
    dropout: float


def attend(x: Tensor, projections: Projections, dealing: Dealing) -> Tensor:
    """Project x (batch, N, d), attend inside the heads, and project again.

    Ignored tokens are hidden, whatever they hold. Returns (batch, N, d), differentiable once.
    """
    # Gathering rows of another layout would copy the whole sequence for every chunk.
    x, dtype, differentiates = x.contiguous(), autocast_dtype("cpu"), torch.is_grad_enabled()
    if dtype is None:
        return _Attend.apply(x, *projections, dealing, differentiates)
    with torch.autocast("cpu", enabled=False):
        cast = [None if tensor is None else tensor.to(dtype) for tensor in projections]
        return _Attend.apply(x.to(dtype), *cast, dealing, differentiates)


def fits(x: Tensor, partition: Partition) -> bool:
    """Return whether this path takes x (batch, N, d)."""
    return fast_path_fits(x.device, "cpu") and x.shape[1] <= _LARGEST_HEAD * partition.num_heads


def chunks(batch: int, num_tokens: int, num_heads: int) -> Iterator[Chunk]:
    """Cut samples and heads into chunks of about a thousand tokens: each token in one, heads whole."""
    start = 0
    for heads, size in head_blocks(num_tokens, num_heads):
        for some in _parts(heads, max(1, _ROWS // size)):
            tokens = (some.stop - some.start) * size
            positions = slice(start + some.start * size, start + some.stop * size)
            for samples in _parts(batch, max(1, _ROWS // tokens)):
                yield Chunk(samples, positions, (some.stop - some.start, size))
        start += heads * size


def _parts(total: int, most: int) -> Iterator[slice]:
    """Cut range(total) into the fewest parts of at most `most`, as equal as possible."""
    count = -(-total // most)
    for part in range(count):
        yield slice(part * total // count, (part + 1) * total // count)


class _Input(NamedTuple):
    """The input of a chunk: its rows, zero where they are ignored, and what is added to its logits."""

    rows: Tensor
    ignore: Tensor | None
    bias: Tensor | None


def _read(x: Tensor, chunk: Chunk, dealing: Dealing, others: Tensor | None) -> _Input:
    tokens = dealing.order[chunk.positions]
    rows, ignore, hidden = x[chunk.samples].index_select(1, tokens), None, None
    if dealing.ignore is not None:
        ignore = dealing.ignore[chunk.samples].index_select(1, tokens)
        hidden, rows = ignore.unflatten(1, chunk.shape), hide(rows, ignore)
        others = others if others is None else others[chunk.samples]
    heads, size = chunk.shape
    bias = logit_bias(hidden, others, size, x)
    if bias is not None:
        bias = bias.expand(rows.shape[0], heads, size, size).flatten(0, 1)
    return _Input(rows, ignore, bias)


class _Heads(NamedTuple):
    """Queries, keys and values of a chunk, (heads, tokens of each, d), and its softmax."""

    query: Tensor
    key: Tensor
    value: Tensor
    weights: Tensor


def _heads(projected: Tensor, size: int, bias: Tensor | None) -> _Heads:
    """Split projected rows (samples, positions, 3 d) into heads, and compute their attention weights."""
    exact = projected.to(torch.promote_types(projected.dtype, torch.float32))
    query, key, value = exact.view(-1, size, exact.shape[-1]).chunk(3, -1)
    logits = torch.baddbmm(
        query.new_empty(()).expand(query.shape[0], size, size) if bias is None else bias,
        query,
        key.transpose(1, 2),
        beta=0 if bias is None else 1,
        alpha=query.shape[-1] ** -0.5,
    )
    return _Heads(query, key, value, logits.softmax(-1))


def _attended(heads: _Heads, factors: Tensor | None, given: _Input) -> Tensor:
    """Average the values by the weights times `factors` (dropout), in the shape and dtype of the rows."""
    weights = heads.weights if factors is None else heads.weights * factors
    mixed = torch.bmm(weights, heads.value).view(given.rows.shape).to(given.rows.dtype)
    return mixed if given.ignore is None else hide(mixed, given.ignore)


def _projected_grad(heads: _Heads, factors: Tensor | None, attended_grad: Tensor) -> Tensor:
    """Return the gradient of queries, keys and values side by side, (heads, tokens of each, 3 d)."""
    weights, grad = heads.weights, attended_grad.to(heads.value.dtype).view(heads.value.shape)
    weights_grad = torch.bmm(grad, heads.value.transpose(1, 2))
    weights_grad = weights_grad if factors is None else weights_grad * factors
    logits_grad = weights * (weights_grad - (weights_grad * weights).sum(-1, keepdim=True))
    logits_grad *= heads.query.shape[-1] ** -0.5
    dropped = weights if factors is None else weights * factors
    query_grad = torch.bmm(logits_grad, heads.key)
    key_grad = torch.bmm(logits_grad.transpose(1, 2), heads.query)
    return torch.cat([query_grad, key_grad, torch.bmm(dropped.transpose(1, 2), grad)], -1)


class _Attend(torch.autograd.Function):
    """The loop over the chunks, forward and backward."""

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        qkv_weight: Tensor,
        qkv_bias: Tensor | None,
        out_weight: Tensor,
        out_bias: Tensor | None,
        dealing: Dealing,
        differentiates: bool,
    ) -> Tensor:
        others = log_of_others(x.shape[1], dealing.ignore, x) if dealing.correction else None
        gain, masks, projections = kept_gain(dealing.dropout), [], []
        output = x.new_empty(x.shape)
        for chunk in chunks(x.shape[0], x.shape[1], dealing.num_heads):
            given = _read(x, chunk, dealing, others)
            projected = product(given.rows, qkv_weight, qkv_bias)
            heads = _heads(projected, chunk.shape[1], given.bias)
            kept = draw_kept(heads.weights.shape, dealing.dropout) if dealing.dropout else None
            attended = _attended(heads, None if kept is None else kept * gain, given)
            result = product(attended, out_weight, out_bias)
            output[chunk.samples].index_copy_(1, dealing.order[chunk.positions], result)
            if differentiates:
                projections.append(projected)
                masks.append(kept)
        ctx.dealing, ctx.others, ctx.num_chunks = dealing, others, len(projections)
        ctx.save_for_backward(x, qkv_weight, out_weight, *projections, *masks)
        return output

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, qkv_weight, out_weight, *saved = ctx.saved_tensors
        grad = grad.contiguous()
        dealing: Dealing = ctx.dealing
        gain, wants = kept_gain(dealing.dropout), ctx.needs_input_grad
        qkv_sum = GradientSum(qkv_weight, wants[1], wants[2])
        out_sum = GradientSum(out_weight, wants[3], wants[4])
        x_grad = x.new_empty(x.shape) if wants[0] else None
        cut = chunks(x.shape[0], x.shape[1], dealing.num_heads)
        for chunk, projected, kept in zip(cut, saved[: ctx.num_chunks], saved[ctx.num_chunks :], strict=True):
            given, tokens = _read(x, chunk, dealing, ctx.others), dealing.order[chunk.positions]
            heads = _heads(projected, chunk.shape[1], given.bias)
            factors = None if kept is None else kept * gain
            rows_grad = grad[chunk.samples].index_select(1, tokens)
            out_sum.add(rows_grad, _attended(heads, factors, given))
            attended_grad = product(rows_grad, out_weight.t())
            attended_grad = attended_grad if given.ignore is None else hide(attended_grad, given.ignore)
            projected_grad = _projected_grad(heads, factors, attended_grad).view_as(projected).to(x.dtype)
            qkv_sum.add(projected_grad, given.rows)
            if x_grad is not None:
                result = product(projected_grad, qkv_weight.t())
                result = result if given.ignore is None else hide(result, given.ignore)
                x_grad[chunk.samples].index_copy_(1, tokens, result)
        return x_grad, *qkv_sum.result(), *out_sum.result(), None, None
