"""Who meets whom: tokens are dealt to heads of equal size, by chance, by stride or by neighbourhood."""

import operator
from typing import Literal, NamedTuple, get_args

import torch
from torch import Tensor

PartitionKind = Literal["random", "strided", "local"]

_PRIME = 2**31 - 1  # squares of residues fit into int64, and x -> x**5 permutes the residues
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
        (many, size), *rest = head_blocks(self.num_tokens, self.num_heads)
        rows = [self.order[: many * size].view(many, size)]
        for heads, shorter in rest:
            tail = self.order[many * size :].view(heads, shorter)
            rows.append(torch.nn.functional.pad(tail, (0, 1), value=-1))
        return torch.cat(rows)


def head_blocks(num_tokens: int, num_heads: int) -> list[tuple[int, int]]:
    """Return (heads, tokens per head) for the one or two head sizes of a balanced partition, larger first."""
    size, larger = num_tokens // num_heads, num_tokens % num_heads
    blocks = [(larger, size + 1), (num_heads - larger, size)]
    return [(heads, tokens) for heads, tokens in blocks if heads > 0]


def head_count(num_tokens: int, scale_factor: float = 0.5, tokens_per_head: int | None = None) -> int:
    """Return the number of heads for N tokens: max(1, int(scale_factor * N)).

    `tokens_per_head` takes precedence where given: the fewest heads of at most that many tokens.
    """
    num_tokens = operator.index(num_tokens)  # a compiled graph belongs to one N, as its heads do
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
    if not 1 <= num_heads <= num_tokens:
        raise ValueError(f"num_heads must lie in 1..{num_tokens} for {num_tokens} tokens, got {num_heads}")
    check_kind(kind)
    if kind == "strided":
        order = _strided_order(num_tokens, num_heads, index, device)
    elif kind == "local":
        order = _local_order(num_tokens, num_heads, index, device)
    elif resample:
        order = torch.randperm(num_tokens, device=device)
    else:
        order = _hashed_order(num_tokens, index, device)
    return Partition(order, num_heads)


def check_kind(kind: str) -> None:
    """Raise ValueError unless `kind` names a partition."""
    if kind not in get_args(PartitionKind):
        raise ValueError(f"partition must be one of {get_args(PartitionKind)}, got {kind!r}")


def _hashed_order(num_tokens: int, index: int, device: torch.device | None) -> Tensor:
    """Sort tokens by an exact integer hash without ties: one order on every device and torch version."""
    key = torch.arange(num_tokens, device=device) + (1 + index * 1_000_003)
    for _ in range(2):
        key = (key * 1_103_515_245 + 12_345) % _PRIME
        square = key * key % _PRIME
        key = square * square % _PRIME * key % _PRIME
    return key.argsort()


def _strided_order(num_tokens: int, num_heads: int, index: int, device: torch.device | None) -> Tensor:
    """Deal the tokens to the heads like cards, as often as needed: each deal multiplies the stride by g."""
    size = max(2, num_tokens // num_heads)
    stages = 1
    while size**stages < num_tokens:
        stages += 1
    place = torch.arange(num_tokens, device=device)
    deal = (place % num_heads * num_tokens + place).argsort()
    order = deal
    for _ in range(index % stages):
        order = order[deal]
    return order


def _local_order(num_tokens: int, num_heads: int, index: int, device: torch.device | None) -> Tensor:
    """Keep consecutive tokens together; each index shifts the heads' borders by another part of a head."""
    size = -(-num_tokens // num_heads)
    shift = index * _GOLDEN % 10**9 * size // 10**9
    return (torch.arange(num_tokens, device=device) + shift) % num_tokens
