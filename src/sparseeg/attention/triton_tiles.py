"""Triton kernels of partitioned attention: one program attends inside a few whole heads.

Importing this module needs triton; `triton_kernels` launches what is here.
"""

import os

import triton
import triton.language as tl

_INTERPRETED = tl.constexpr(os.environ.get("TRITON_INTERPRET") == "1")


@triton.jit(do_not_specialize=["num_tokens", "num_heads"])
def attend_tile(
    query: tl.tensor,
    key: tl.tensor,
    value: tl.tensor,
    output: tl.tensor,
    order: tl.tensor,
    ignore: tl.tensor,
    log_others: tl.tensor,
    seed: tl.tensor,
    query_batch: tl.tensor,
    query_row: tl.tensor,
    key_batch: tl.tensor,
    key_row: tl.tensor,
    value_batch: tl.tensor,
    value_row: tl.tensor,
    output_batch: tl.tensor,
    output_row: tl.tensor,
    num_tokens: tl.tensor,
    num_heads: tl.tensor,
    dropout: tl.tensor,
    scale: tl.tensor,
    width: tl.constexpr,
    block: tl.constexpr,
    columns: tl.constexpr,
) -> None:
    """Write the output of the heads of one tile.

    query, key, value, output : (batch, N, width), with the strides of their first two axes.
    order : (N,). ignore : (batch, N), log_others : (batch,), log of the number of other valid tokens,
    seed : (1,): each of the three may be None.
    """
    sample, position, slot, head, exists = _rows(num_tokens, num_heads, block)
    token, live = _tokens(order, ignore, sample, position, exists, num_tokens)
    query_rows = query + sample * query_batch + token * query_row
    key_rows = key + sample * key_batch + token * key_row
    weights = _weights(query_rows, key_rows, log_others, sample, head, live, scale, width, block, columns)
    if seed is not None:
        weights *= _keep(seed, dropout, sample * num_tokens + position, slot)
    weights = weights.to(value.dtype.element_ty)
    value_rows = value + sample * value_batch + token * value_row
    output_rows = output + sample * output_batch + token * output_row
    for start in range(0, width, columns):
        mixed = _dot(weights, _read(value_rows, live, start, width, columns))
        _write(output_rows, mixed, exists, start, width, columns)


@triton.jit(do_not_specialize=["num_tokens", "num_heads"])
def differentiate_tile(
    query: tl.tensor,
    key: tl.tensor,
    value: tl.tensor,
    grad_output: tl.tensor,
    grad_query: tl.tensor,
    grad_key: tl.tensor,
    grad_value: tl.tensor,
    order: tl.tensor,
    ignore: tl.tensor,
    log_others: tl.tensor,
    seed: tl.tensor,
    query_batch: tl.tensor,
    query_row: tl.tensor,
    key_batch: tl.tensor,
    key_row: tl.tensor,
    value_batch: tl.tensor,
    value_row: tl.tensor,
    output_batch: tl.tensor,
    output_row: tl.tensor,
    grad_batch: tl.tensor,
    grad_row: tl.tensor,
    num_tokens: tl.tensor,
    num_heads: tl.tensor,
    dropout: tl.tensor,
    scale: tl.tensor,
    width: tl.constexpr,
    block: tl.constexpr,
    columns: tl.constexpr,
) -> None:
    """Write the three gradients of the heads of one tile; arguments as for `attend_tile`.

    The gradients share their strides. A head lies in one tile, so that nothing is summed over programs. The
    softmax is computed again from query and key: the forward pass stores only its output.
    """
    sample, position, slot, head, exists = _rows(num_tokens, num_heads, block)
    token, live = _tokens(order, ignore, sample, position, exists, num_tokens)
    query_rows = query + sample * query_batch + token * query_row
    key_rows = key + sample * key_batch + token * key_row
    value_rows = value + sample * value_batch + token * value_row
    output_rows = grad_output + sample * output_batch + token * output_row
    weights = _weights(query_rows, key_rows, log_others, sample, head, live, scale, width, block, columns)
    grad_weights = _product(output_rows, value_rows, live, width, block, columns)
    kept = weights
    if seed is not None:
        keep = _keep(seed, dropout, sample * num_tokens + position, slot)
        kept, grad_weights = weights * keep, grad_weights * keep
    # The second subtraction restores digits that cancel where one weight is nearly one.
    grad_weights -= tl.sum(weights * grad_weights, 1)[:, None]
    grad_weights -= tl.sum(weights * grad_weights, 1)[:, None]
    grad_scores = weights * grad_weights
    kept = tl.trans(kept).to(value.dtype.element_ty)
    grad_scores = grad_scores.to(value.dtype.element_ty)
    grad_scores_by_key = tl.trans(grad_scores)
    offset = sample * grad_batch + token * grad_row
    for start in range(0, width, columns):
        found = _dot(kept, _read(output_rows, live, start, width, columns))
        _write(grad_value + offset, found, exists, start, width, columns)
        found = _dot(grad_scores, _read(key_rows, live, start, width, columns))
        _write(grad_query + offset, found * scale, exists, start, width, columns)
        found = _dot(grad_scores_by_key, _read(query_rows, live, start, width, columns))
        _write(grad_key + offset, found * scale, exists, start, width, columns)


@triton.jit
def _rows(
    num_tokens: tl.tensor, num_heads: tl.tensor, block: tl.constexpr
) -> tuple[tl.tensor, tl.tensor, tl.tensor, tl.tensor, tl.tensor]:
    """Return the sample, and for every row: position in the order, slot in its head, its head, if it exists.

    As many heads as fit share the tile; a head one token shorter leaves its last row empty.
    """
    size, larger = num_tokens // num_heads, num_tokens % num_heads
    widest = size + (larger > 0).to(tl.int32)
    heads_per_tile = block // widest
    tiles = tl.cdiv(num_heads, heads_per_tile)
    program = tl.program_id(0)
    row = tl.arange(0, block)
    slot = row % widest
    head = program % tiles * heads_per_tile + row // widest
    exists = (
        (row < heads_per_tile * widest) & (head < num_heads) & (slot < size + (head < larger).to(tl.int32))
    )
    position = head * size + tl.minimum(head, larger) + slot
    return (program // tiles).to(tl.int64), position, slot, head, exists


@triton.jit
def _tokens(
    order: tl.tensor,
    ignore: tl.tensor,
    sample: tl.tensor,
    position: tl.tensor,
    exists: tl.tensor,
    num_tokens: tl.tensor,
) -> tuple[tl.tensor, tl.tensor]:
    """Return the token of every row, int64 because offsets follow from it, and whether it may be read."""
    token = tl.load(order + position, mask=exists, other=0).to(tl.int64)
    live = exists
    if ignore is not None:
        live = exists & (tl.load(ignore + sample * num_tokens + token, mask=exists, other=1) == 0)
    return token, live


@triton.jit
def _weights(
    query_rows: tl.tensor,
    key_rows: tl.tensor,
    log_others: tl.tensor,
    sample: tl.tensor,
    head: tl.tensor,
    live: tl.tensor,
    scale: tl.tensor,
    width: tl.constexpr,
    block: tl.constexpr,
    columns: tl.constexpr,
) -> tl.tensor:
    """Return the attention weights of the tile, (block, block): zero outside the head and at dead keys."""
    scores = _product(query_rows, key_rows, live, width, block, columns) * scale
    row = tl.arange(0, block)
    itself = row[:, None] == row[None, :]
    together = (head[:, None] == head[None, :]) & live[:, None] & live[None, :]
    if log_others is not None:
        others = tl.sum(together.to(tl.int32), 1) - 1
        gain = tl.load(log_others + sample) - tl.log(tl.maximum(others, 1).to(tl.float32))
        scores += tl.where(itself, 0.0, gain[:, None])
    # An ignored or empty row attends to itself, a zero: its softmax is not NaN, and its output is zero.
    scores = tl.where(together | itself, scores, float("-inf"))
    weights = tl.exp(scores - tl.max(scores, 1)[:, None])
    return weights / tl.sum(weights, 1)[:, None]


@triton.jit
def _product(
    left_rows: tl.tensor,
    right_rows: tl.tensor,
    live: tl.tensor,
    width: tl.constexpr,
    block: tl.constexpr,
    columns: tl.constexpr,
) -> tl.tensor:
    """Return the inner products of two sets of rows, (block, block) float32."""
    product = tl.zeros((block, block), tl.float32)
    for start in range(0, width, columns):
        left = _read(left_rows, live, start, width, columns)
        right = _read(right_rows, live, start, width, columns)
        product = _dot(left, tl.trans(right), product)
    return product


@triton.jit
def _dot(left: tl.tensor, right: tl.tensor, total: tl.tensor = None) -> tl.tensor:
    """Return left @ right + total, accumulated in float32; float32 factors are not rounded to tf32."""
    if _INTERPRETED and left.dtype == tl.bfloat16:
        # The interpreter would multiply the bits of bfloat16 as integers; the conversion is exact.
        left, right = left.to(tl.float32), right.to(tl.float32)
    return tl.dot(left, right, total, input_precision="ieee")


@triton.jit
def _keep(seed: tl.tensor, dropout: tl.tensor, query: tl.tensor, slot: tl.tensor) -> tl.tensor:
    """Return 1 / (1 - dropout) where a weight is kept, else 0: a function of seed, query and slot only."""
    uniform = tl.rand(tl.load(seed), query[:, None] * 128 + slot[None, :])
    return tl.where(uniform >= dropout, 1.0 / (1.0 - dropout), 0.0)


@triton.jit
def _read(
    rows: tl.tensor, live: tl.tensor, start: tl.tensor, width: tl.constexpr, columns: tl.constexpr
) -> tl.tensor:
    """Load the next columns of the rows; rows that are not live are zero, whatever memory holds."""
    column = start + tl.arange(0, columns)
    mask = live[:, None] if width % columns == 0 else live[:, None] & (column < width)[None, :]
    return tl.load(rows[:, None] + column[None, :], mask=mask, other=0.0)


@triton.jit
def _write(
    rows: tl.tensor,
    content: tl.tensor,
    exists: tl.tensor,
    start: tl.tensor,
    width: tl.constexpr,
    columns: tl.constexpr,
) -> None:
    """Store the next columns of the rows that exist."""
    column = start + tl.arange(0, columns)
    mask = exists[:, None] if width % columns == 0 else exists[:, None] & (column < width)[None, :]
    tl.store(rows[:, None] + column[None, :], content.to(rows.dtype.element_ty), mask=mask)
