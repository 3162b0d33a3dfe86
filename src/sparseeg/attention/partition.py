"""Who meets whom: tokens are dealt to heads of equal size, by chance, by stride or by neighbourhood."""

import operator
from collections.abc import Callable
from functools import lru_cache
from typing import Literal, NamedTuple, get_args

import torch
from torch import Tensor

from .backend import graph_operator, is_compiling, is_exporting

PartitionKind = Literal["random", "strided", "local"]

_PRIME = 2**31 - 1  # squares of residues fit into int64, and x -> x**5 permutes the residues
_MOST_STAGES = 32  # deals of two tokens a head among 2**32 tokens
_GOLDEN = 618_033_989  # billionths of the golden section: successive multiples never crowd


class Partition(NamedTuple):
    """Every token in exactly one head, head after head; sizes differ by at most one, larger heads first.

    `order` (N,) holds the token indices of head 0, then of head 1, and so on.
    """

    order: Tensor
    num_heads: int

    @property
    def num_tokens(self) -> int:
        return self.order.shape[0]

    @property
    def inverse(self) -> Tensor:
        """Where each token stands in `order`, (N,): `x[:, order][:, inverse]` is x, bit for bit."""
        places = torch.arange(self.num_tokens, device=self.order.device)
        return torch.empty_like(self.order).scatter(0, self.order, places)

    @property
    def table(self) -> Tensor:
        """Token indices by head, (num_heads, largest size); heads one token shorter end in -1."""
        places = _constant("places", self.num_tokens, self.num_heads, self.order.device)
        return self.order[places.clamp(min=0)].masked_fill(places < 0, -1)

    @property
    def cells(self) -> Tensor:
        """Where each token stands in the flattened `table`, (N,)."""
        cells = _constant("cells", self.num_tokens, self.num_heads, self.order.device)
        return torch.empty_like(self.order).scatter(0, self.order, cells)


def head_blocks(num_tokens: int, num_heads: int) -> list[tuple[int, int]]:
    """Return (heads, tokens per head) for the one or two head sizes of a balanced partition, larger first."""
    size, larger = num_tokens // num_heads, num_tokens % num_heads
    blocks = [(larger, size + 1), (num_heads - larger, size)]
    return [(heads, tokens) for heads, tokens in blocks if heads > 0]


def head_count(num_tokens: int, scale_factor: float = 0.5, tokens_per_head: int | None = None) -> int:
    """Return the number of heads for N tokens: max(1, int(scale_factor * N)).

    `tokens_per_head` takes precedence where given: the fewest heads of at most that many tokens.
    """
    if isinstance(num_tokens, torch.SymInt):
        tokens = _count(num_tokens)
        if tokens_per_head is not None:
            return _as_size((tokens + tokens_per_head - 1) // tokens_per_head)
        return _as_size((tokens.double() * scale_factor).long().clamp(min=1))
    num_tokens = operator.index(num_tokens)  # a compiled graph belongs to one length, as its heads do
    if tokens_per_head is not None:
        return -(-num_tokens // tokens_per_head)
    return max(1, int(scale_factor * num_tokens))


def make_partition(
    num_tokens: int,
    num_heads: int,
    kind: PartitionKind = "random",
    *,
    index: int = 0,
    resample: bool = False,
    device: torch.device | None = None,
) -> Partition:
    """Deal N tokens to heads; the result depends on the arguments alone unless `resample` is set.

    Parameters
    ----------
    kind : "random": all groupings alike; "strided": with g = N / num_heads a whole number, successive indices
        carry every token to every other in ceil(log_g N) steps (one more at the most where it is not whole);
        "local": consecutive tokens.
    index : which of the partitions of its kind: another random one, the next stride, or a shifted window
        (the shift wraps: one head then joins the two ends).
    resample : draw a new random partition from torch's default generator instead (kind "random" only).

    Raises ValueError for a number of heads outside 1..N and for an unknown kind.
    """
    if not isinstance(num_heads, torch.SymInt) and not 1 <= num_heads <= num_tokens:
        raise ValueError(f"num_heads must lie in 1..{num_tokens} for {num_tokens} tokens, got {num_heads}")
    check_kind(kind)
    if kind == "random" and resample:
        return Partition(torch.randperm(num_tokens, device=device), num_heads)
    return Partition(_constant(kind, num_tokens, num_heads, device, index), num_heads)


def layer_partitions(
    num_tokens: int,
    num_heads: int,
    kind: PartitionKind,
    layer_index: int,
    rounds: int,
    *,
    resample: bool = False,
    device: torch.device | None = None,
) -> list[Partition]:
    """Return the partitions, one a round, of a layer by its place in the stack: each place has its own."""
    return [
        make_partition(num_tokens, num_heads, kind, index=index, resample=resample, device=device)
        for index in range(layer_index * rounds, (layer_index + 1) * rounds)
    ]


def check_kind(kind: str) -> None:
    """Raise ValueError unless `kind` names a partition."""
    if kind not in get_args(PartitionKind):
        raise ValueError(f"partition must be one of {get_args(PartitionKind)}, got {kind!r}")


def _places(num_tokens: int, num_heads: int, device: torch.device | None, index: int) -> Tensor:
    """Return where each cell (head, column) of the heads stands in the order; -1 where a head is shorter."""
    tokens, heads = _count(num_tokens, device), _count(num_heads, device)
    size, larger = tokens // heads, tokens % heads
    symbolic = isinstance(num_tokens, torch.SymInt)
    width = _as_size((tokens + heads - 1) // heads) if symbolic else -(-num_tokens // num_heads)
    head = torch.arange(num_heads, device=device).unsqueeze(1)
    column = torch.arange(width, device=device)
    place = head * size + torch.minimum(head, larger) + column
    return place.masked_fill(column >= size + (head < larger), -1)


def _cells(num_tokens: int, num_heads: int, device: torch.device | None, index: int) -> Tensor:
    """Return the cell of each place in the order, (N,), counted head after head."""
    tokens, heads = _count(num_tokens, device), _count(num_heads, device)
    size, larger = tokens // heads, tokens % heads
    place = torch.arange(num_tokens, device=device)
    behind = (place - larger * (size + 1)).clamp(min=0) // size  # shorter heads that end before this place
    return place + behind * (larger > 0)


def _random_order(num_tokens: int, num_heads: int, device: torch.device | None, index: int) -> Tensor:
    """Sort tokens by an exact integer hash: one order on every device and torch version.

    The hash permutes the residues modulo 2**31 - 1: as many tokens have different keys, for any index.
    """
    # The offset is reduced as a Python integer: no product below leaves int64, whatever the index.
    offset = (1 + index * 1_000_003) % _PRIME
    key = (torch.arange(num_tokens, device=device) + offset) % _PRIME
    for _ in range(2):
        key = (key * 1_103_515_245 + 12_345) % _PRIME
        square = key * key % _PRIME
        key = square * square % _PRIME * key % _PRIME
    return key.argsort()


def _strided_order(num_tokens: int, num_heads: int, device: torch.device | None, index: int) -> Tensor:
    """Deal the tokens to the heads like cards, as often as needed: each deal multiplies the stride by g."""
    tokens, heads = _count(num_tokens, device), _count(num_heads, device)
    place = torch.arange(num_tokens, device=device)
    deal = (place % heads * tokens + place).argsort()
    orders = [deal]
    for _ in range(min(index, _MOST_STAGES)):  # no stage after these is chosen below
        orders.append(orders[-1][deal])
    if index == 0:
        return deal
    # g, g^2, ... up to N: as many strides differ.
    size = (tokens // heads).clamp(min=2)
    reached, stages = size, torch.ones_like(size)
    for _ in range(_MOST_STAGES):
        stages = stages + (reached < tokens)
        reached = torch.minimum(reached * size, tokens)
    return torch.stack(orders).index_select(0, (index % stages).view(1)).squeeze(0)


def _local_order(num_tokens: int, num_heads: int, device: torch.device | None, index: int) -> Tensor:
    """Keep consecutive tokens together; each index shifts the heads' borders by another part of a head."""
    tokens, heads = _count(num_tokens, device), _count(num_heads, device)
    size = (tokens + heads - 1) // heads
    shift = index * _GOLDEN % 10**9 * size // 10**9
    return (torch.arange(num_tokens, device=device) + shift) % tokens


_MAKERS: dict[str, Callable[..., Tensor]] = {
    "random": _random_order,
    "strided": _strided_order,
    "local": _local_order,
    "places": _places,
    "cells": _cells,
}


def _constant(
    what: str, num_tokens: int, num_heads: int, device: torch.device | None, index: int = 0
) -> Tensor:
    """Return what depends on numbers alone: made once for each length, or part of a graph of any length."""
    if isinstance(num_tokens, torch.SymInt):
        return _MAKERS[what](num_tokens, num_heads, device, index)
    num_tokens = operator.index(num_tokens)
    if is_exporting():  # an exported program must run without this package
        return _MAKERS[what](num_tokens, num_heads, device, index)
    if is_compiling():
        return _copy_in_graph(what, num_tokens, num_heads, device or torch.get_default_device(), index)
    return _copy_of(what, num_tokens, num_heads, device, index)


def _copy_of(what: str, num_tokens: int, num_heads: int, device: torch.device | None, index: int) -> Tensor:
    return _made(what, num_tokens, num_heads, device, index).clone()


@lru_cache(maxsize=64)
def _made(what: str, num_tokens: int, num_heads: int, device: torch.device | None, index: int) -> Tensor:
    """At short lengths an order takes longer to make than the attention that uses it."""
    with torch.inference_mode(False):  # what is made in inference mode can never be used in training
        return _MAKERS[what](num_tokens, num_heads, device, index)


def _count(number: int, device: torch.device | None = None) -> Tensor:
    """Return a number as a tensor: a graph of any length computes with it, and assumes nothing about it."""
    return torch.full((), number, dtype=torch.int64, device=device)


def _as_size(count: Tensor) -> int:
    """Return a count, at least 1, as the size of an axis that a graph of any length has."""
    size: int = count.item()  # type: ignore[assignment]
    torch._check(size >= 1)
    return size


def _like_copy(what: str, num_tokens: int, num_heads: int, device: torch.device, index: int) -> Tensor:
    shape = (num_heads, -(-num_tokens // num_heads)) if what == "places" else (num_tokens,)
    return torch.empty(shape, dtype=torch.int64, device=device)


_copy_in_graph = graph_operator("sparseeg::partition", _copy_of, _like_copy)
