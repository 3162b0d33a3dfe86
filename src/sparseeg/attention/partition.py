"""Partitions: which tokens share a head, dealt to heads of equal size at random, strided or locally."""

import operator
from collections.abc import Callable
from functools import lru_cache
from typing import Literal, NamedTuple, get_args

import torch
from torch import Tensor

from .backend import graph_operator, is_compiling, is_exporting

PartitionKind = Literal["random", "strided", "local"]

_PRIME = 2**31 - 1  # squares of residues fit into int64, and x -> x**5 permutes the residues
_MOST_STAGES = 32  # log2(N) for 2**32 tokens, two to a head
_GOLDEN = 618_033_989  # billionths of the golden ratio, whose multiples modulo 1 spread evenly


class Partition(NamedTuple):
    """Tokens dealt to heads: each token is in exactly one head, and head sizes differ by at most one.

    `order` (N,) holds the token indices of head 0, then of head 1, and so on; larger heads come first.
    """

    order: Tensor
    num_heads: int

    @property
    def num_tokens(self) -> int:
        return self.order.shape[0]

    @property
    def inverse(self) -> Tensor:
        """Position of each token in `order`, (N,): `x[:, order][:, inverse]` is x, bit for bit."""
        positions = torch.arange(self.num_tokens, device=self.order.device)
        return torch.empty_like(self.order).scatter(0, self.order, positions)

    @property
    def table(self) -> Tensor:
        """Token indices by head, (num_heads, largest size); heads one token shorter end in -1."""
        positions = _constant("positions", self.num_tokens, self.num_heads, self.order.device)
        return self.order[positions.clamp(min=0)].masked_fill(positions < 0, -1)

    @property
    def slots(self) -> Tensor:
        """Slot of each token in the flattened `table`, (N,)."""
        slots = _constant("slots", self.num_tokens, self.num_heads, self.order.device)
        return torch.empty_like(self.order).scatter(0, self.order, slots)


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
    num_tokens = operator.index(num_tokens)  # a compiled graph holds for one length and number of heads
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
    kind : "random": all groupings are equally likely; "strided": layers with successive indices connect every
        token with every other in ceil(log_g N) layers if g = N / num_heads is a whole number, and in at most
        one more if it is not; "local": consecutive tokens.
    index : selects one of the partitions of a kind, at least 0: another random one, the next stride, or a
        shifted window (the shift wraps around: one head then joins the two ends).
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
    """Return the partitions of a layer, one per round; layers with another index have other partitions."""
    return [
        make_partition(num_tokens, num_heads, kind, index=index, resample=resample, device=device)
        for index in range(layer_index * rounds, (layer_index + 1) * rounds)
    ]


def check_kind(kind: str) -> None:
    """Raise ValueError unless `kind` names a partition."""
    if kind not in get_args(PartitionKind):
        raise ValueError(f"partition must be one of {get_args(PartitionKind)}, got {kind!r}")


def _positions(num_tokens: int, num_heads: int, device: torch.device | None, index: int) -> Tensor:
    """Return the position in the order of each slot (head, column); -1 where a head is shorter."""
    tokens, heads = _count(num_tokens, device), _count(num_heads, device)
    size, larger = tokens // heads, tokens % heads
    symbolic = isinstance(num_tokens, torch.SymInt)
    width = _as_size((tokens + heads - 1) // heads) if symbolic else -(-num_tokens // num_heads)
    head = torch.arange(num_heads, device=device).unsqueeze(1)
    column = torch.arange(width, device=device)
    position = head * size + torch.minimum(head, larger) + column
    return position.masked_fill(column >= size + (head < larger), -1)


def _slots(num_tokens: int, num_heads: int, device: torch.device | None, index: int) -> Tensor:
    """Return the slot of each position in the order, (N,), counted head after head."""
    tokens, heads = _count(num_tokens, device), _count(num_heads, device)
    size, larger = tokens // heads, tokens % heads
    position = torch.arange(num_tokens, device=device)
    shorter = (position - larger * (size + 1)).clamp(min=0) // size  # shorter heads before this position
    return position + shorter * (larger > 0)


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
    """Deal the tokens to the heads one by one, like cards; each further deal multiplies the stride by g."""
    tokens, heads = _count(num_tokens, device), _count(num_heads, device)
    token = torch.arange(num_tokens, device=device)
    deal = (token % heads * tokens + token).argsort()
    orders = [deal]
    for _ in range(min(index, _MOST_STAGES)):
        orders.append(orders[-1][deal])
    if index == 0:
        return deal
    # The strides g, g^2, ... below N differ; then they repeat.
    size = (tokens // heads).clamp(min=2)
    reached, stages = size, torch.ones_like(size)
    for _ in range(_MOST_STAGES):
        stages = stages + (reached < tokens)
        reached = torch.minimum(reached * size, tokens)
    return torch.stack(orders).index_select(0, (index % stages).view(1)).squeeze(0)


def _local_order(num_tokens: int, num_heads: int, device: torch.device | None, index: int) -> Tensor:
    """Keep consecutive tokens together; each index shifts the heads by another part of their size."""
    tokens, heads = _count(num_tokens, device), _count(num_heads, device)
    size = (tokens + heads - 1) // heads
    shift = index * _GOLDEN % 10**9 * size // 10**9
    return (torch.arange(num_tokens, device=device) + shift) % tokens


_MAKERS: dict[str, Callable[..., Tensor]] = {
    "random": _random_order,
    "strided": _strided_order,
    "local": _local_order,
    "positions": _positions,
    "slots": _slots,
}


def _constant(
    what: str, num_tokens: int, num_heads: int, device: torch.device | None, index: int = 0
) -> Tensor:
    """Return indices that depend on the arguments alone: cached, or computed in a graph of any length."""
    if isinstance(num_tokens, torch.SymInt):
        return _MAKERS[what](num_tokens, num_heads, device, index)
    num_tokens = operator.index(num_tokens)
    if is_exporting():  # an exported program must not call operators of this package
        return _MAKERS[what](num_tokens, num_heads, device, index)
    if is_compiling():
        return _copy_in_graph(what, num_tokens, num_heads, device or torch.get_default_device(), index)
    return _copy_of(what, num_tokens, num_heads, device, index)


def _copy_of(what: str, num_tokens: int, num_heads: int, device: torch.device | None, index: int) -> Tensor:
    return _made(what, num_tokens, num_heads, device, index).clone()


@lru_cache(maxsize=64)
def _made(what: str, num_tokens: int, num_heads: int, device: torch.device | None, index: int) -> Tensor:
    """Cached, because at short lengths an order takes longer to make than the attention that uses it."""
    with torch.inference_mode(False):  # tensors made in inference mode cannot be used in training
        return _MAKERS[what](num_tokens, num_heads, device, index)


def _count(number: int, device: torch.device | None = None) -> Tensor:
    """Return a number as a tensor, so that a graph of any length can compute with it."""
    return torch.full((), number, dtype=torch.int64, device=device)


def _as_size(count: Tensor) -> int:
    """Return a count, at least 1, as the size of an axis in a graph of any length."""
    size: int = count.item()  # type: ignore[assignment]
    torch._check(size >= 1)
    return size


def _like_copy(what: str, num_tokens: int, num_heads: int, device: torch.device, index: int) -> Tensor:
    shape = (num_heads, -(-num_tokens // num_heads)) if what == "positions" else (num_tokens,)
    return torch.empty(shape, dtype=torch.int64, device=device)


_copy_in_graph = graph_operator("sparseeg::partition", _copy_of, _like_copy)
