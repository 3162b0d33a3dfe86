"""Partitioned attention on a GPU: tokens are read and written in their own order, without gathered copies.

The kernels are in `triton_tiles`, which is imported at the first call: importing this module needs no triton.
"""

import importlib.util
import os
from functools import lru_cache
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from .backend import fast_path_fits
from .partition import Partition

_SHARED_MEMORY = 160 * 1024  # bytes that the backward pass of heads of 128 tokens needs in float32
_DTYPES = (torch.float32, torch.bfloat16, torch.float16)


def fits(x: Tensor, partition: Partition) -> bool:
    """Return whether the kernels take tokens like x (batch, N, any) dealt by this partition."""
    return (
        fast_path_fits(x.device, "cuda")
        and is_available()
        and x.dtype in _DTYPES
        and x.shape[1] <= max_tokens_per_head(x.device) * partition.num_heads
    )


@lru_cache(maxsize=1)
def is_available() -> bool:
    """Return whether triton is installed and has a CUDA device or its interpreter to run on."""
    if importlib.util.find_spec("triton") is None:
        return False
    return torch.cuda.is_available() or os.environ.get("TRITON_INTERPRET") == "1"


def attend(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    order: Tensor,
    num_heads: int,
    ignore: Tensor | None,
    correction: bool,
    dropout: float,
) -> Tensor:
    """Compute `partitioned_attention` for one partition, without reordering the tokens in memory.

    Parameters
    ----------
    query, key, value : (batch, N, d) in the order of the tokens, of one dtype: float32, bfloat16 or float16.
        Products accumulate in float32. They are read without a copy where the last axis is contiguous.
    order : (N,), `Partition.order`.
    ignore : (batch, N), True = ignore; the content there changes no output. A NaN in a valid token may reach
        the heads that share a tile with its own.
    correction, dropout : as for `partitioned_attention`; dropout follows torch's generator of the device.

    Returns (batch, N, d). Raises ValueError for more tokens per head than `max_tokens_per_head` (128), other
    dtypes and unfit shapes.
    Source: Random Batch Attention, arXiv 2511.06044; recomputation as in FlashAttention, arXiv 2205.14135.
    """
    if query.dim() != 3 or query.shape != key.shape or query.shape != value.shape:
        shapes = [tuple(tensor.shape) for tensor in (query, key, value)]
        raise ValueError(f"query, key and value must share one shape (batch, N, d), got {shapes}")
    return _launch((query, key, value), order, num_heads, ignore, correction, dropout)


def attend_packed(
    qkv: Tensor, order: Tensor, num_heads: int, ignore: Tensor | None, correction: bool, dropout: float
) -> Tensor:
    """Attend as `attend` does, to one tensor of query, key and value: its gradient needs no concatenation.

    qkv : (batch, N, 3 d), query, key and value along the last axis.

    Returns (batch, N, d). Raises ValueError as `attend` does.
    """
    if qkv.dim() != 3 or qkv.shape[-1] % 3:
        raise ValueError(f"qkv must have the shape (batch, N, 3 d), got {tuple(qkv.shape)}")
    return _launch((qkv,), order, num_heads, ignore, correction, dropout)


def _launch(
    tokens: tuple[Tensor, ...],
    order: Tensor,
    num_heads: int,
    ignore: Tensor | None,
    correction: bool,
    dropout: float,
) -> Tensor:
    tokens = tuple(_with_contiguous_rows(tensor) for tensor in tokens)
    _check(tokens, tokens[0].shape[1], order, num_heads, dropout)
    return _Attention.apply(order, num_heads, ignore, correction, dropout, *tokens)


class _Attention(torch.autograd.Function):
    """Attention of packed tokens (one tensor) or of query, key and value (three)."""

    @staticmethod
    def forward(
        ctx: Any,
        order: Tensor,
        num_heads: int,
        ignore: Tensor | None,
        correction: bool,
        dropout: float,
        *tokens: Tensor,
    ) -> Tensor:
        from .triton_tiles import attend_tile

        query, key, value = _split(tokens)
        batch, num_tokens, width = query.shape
        order, ignore = order.contiguous(), None if ignore is None else ignore.contiguous()
        log_others = _log_others(query, ignore) if correction else None
        # On the device: no synchronisation, and a captured CUDA graph draws a new seed at every replay.
        seed = torch.randint(2**62, (1,), device=query.device) if dropout > 0.0 else None
        output = query.new_empty(query.shape)
        tile = choose_tile(num_tokens, num_heads, width, query.dtype)
        with torch.cuda.device_of(query):
            attend_tile[(batch * tile.programs,)](
                query,
                key,
                value,
                output,
                order,
                ignore,
                log_others,
                seed,
                *_strides(query, key, value, output),
                num_tokens,
                num_heads,
                dropout,
                width**-0.5,
                width,
                **tile.options,
            )
        ctx.save_for_backward(order, ignore, log_others, seed, *tokens)
        ctx.num_heads, ctx.dropout = num_heads, dropout
        return output

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_output: Tensor) -> tuple[Tensor | None, ...]:
        from .triton_tiles import differentiate_tile

        order, ignore, log_others, seed, *tokens = ctx.saved_tensors
        query, key, value = _split(tokens)
        batch, num_tokens, width = query.shape
        grad_output = _with_contiguous_rows(grad_output)
        grads = [tensor.new_empty(tensor.shape) for tensor in tokens]
        grad_query, grad_key, grad_value = _split(grads)
        tile = choose_tile(num_tokens, ctx.num_heads, width, query.dtype)
        with torch.cuda.device_of(query):
            differentiate_tile[(batch * tile.programs,)](
                query,
                key,
                value,
                grad_output,
                grad_query,
                grad_key,
                grad_value,
                order,
                ignore,
                log_others,
                seed,
                *_strides(query, key, value, grad_output, grad_query),
                num_tokens,
                ctx.num_heads,
                ctx.dropout,
                width**-0.5,
                width,
                **tile.options,
            )
        return (None, None, None, None, None, *grads)


class Tile(NamedTuple):
    """Number of programs that a sample is cut into, and the launch options of the kernels."""

    programs: int
    options: dict[str, int]


def choose_tile(num_tokens: int, num_heads: int, width: int, dtype: torch.dtype) -> Tile:
    """Return the smallest tile that holds a head and has the 16 rows that a matrix instruction needs.

    The kernels are limited by memory: small tiles spend least on pairs in different heads, and many programs
    keep loads in flight. Columns are read in pieces, so that registers do not grow with the width. The sizes
    of the pieces and the numbers of warps are those with which the compiler for compute capability 9.0 spills
    few registers or none.
    """
    widest = -(-num_tokens // num_heads)
    block = max(16, _power_of_two(widest))
    single = dtype == torch.float32
    most = (32 if single else 64) // (2 if block == 128 else 1)
    columns = max(16, min(most, _power_of_two(width)))
    warps = block // (8 if single else 16)
    programs = -(-num_heads // (block // widest))
    return Tile(programs, {"block": block, "columns": columns, "num_warps": warps, "num_stages": 2})


def max_tokens_per_head(device: torch.device) -> int:
    """Return how many tokens a head may have: 128, or 64 on GPUs whose shared memory holds no larger tile."""
    if device.type != "cuda":
        return 128
    properties = torch.cuda.get_device_properties(device)
    return 128 if getattr(properties, "shared_memory_per_block_optin", 0) >= _SHARED_MEMORY else 64


def _check(
    tokens: tuple[Tensor, ...], num_tokens: int, order: Tensor, num_heads: int, dropout: float
) -> None:
    dtypes = {tensor.dtype for tensor in tokens}
    if len(dtypes) != 1 or not dtypes.issubset(_DTYPES):
        raise ValueError(f"tokens must share one dtype of {_DTYPES}, got {sorted(map(str, dtypes))}")
    if order.shape != (num_tokens,) or not 1 <= num_heads <= num_tokens:
        raise ValueError(
            f"{num_tokens} tokens need an order of that length and 1..{num_tokens} heads, "
            f"got {tuple(order.shape)} and {num_heads}"
        )
    widest = -(-num_tokens // num_heads)
    most = max_tokens_per_head(order.device)
    if widest > most:
        raise ValueError(f"at most {most} tokens per head are supported, got {widest}")
    if not 0.0 <= dropout < 1.0:
        raise ValueError(f"dropout must lie in [0, 1), got {dropout}")


def _power_of_two(number: int) -> int:
    return 1 << (number - 1).bit_length()


def _split(tokens: Any) -> Any:
    """Return query, key and value as views, from one packed tensor or from three."""
    return tokens if len(tokens) == 3 else tokens[0].chunk(3, -1)


def _strides(*tensors: Tensor) -> list[int]:
    return [stride for tensor in tensors for stride in tensor.stride()[:2]]


def _with_contiguous_rows(tensor: Tensor) -> Tensor:
    return tensor if tensor.stride(-1) == 1 else tensor.contiguous()


def _log_others(tokens: Tensor, ignore: Tensor | None) -> Tensor:
    """Return the log of the number of other valid tokens of every sample, (batch,) float32; 0 for none."""
    valid = torch.full(tokens.shape[:1], tokens.shape[1], device=tokens.device)
    valid = valid if ignore is None else valid - ignore.sum(1)
    return (valid - 1).clamp(min=1).to(torch.float32).log()
