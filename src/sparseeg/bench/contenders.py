"""The self-attention layers of the benchmark, of width d and with the same weights."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib import metadata
from typing import NamedTuple

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from sparseeg.attention import SparseMultiHeadAttention, head_count, make_partition
from sparseeg.attention.linear import Linear
from sparseeg.bench import peers

FLOOR = "projections (F.linear)"
OURS = "sparseeg"

_FLEX_TOKENS_PER_HEAD = 8
_FLEX_BLOCK = 128


class Weights(NamedTuple):
    """Weights of all layers: `qkv` (3 d, d), for queries, keys and values, and `out` (d, d)."""

    qkv: Tensor
    out: Tensor


def random_weights(dim: int, seed: int = 0) -> Weights:
    """Return weights that keep unit variance, so that scores of white noise have an SD of about 1."""
    drawn = torch.randn(4 * dim, dim, generator=torch.Generator().manual_seed(seed)) * dim**-0.5
    return Weights(drawn[: 3 * dim], drawn[3 * dim :])


@dataclass(frozen=True)
class Contender:
    """A layer of the benchmark.

    Parameters
    ----------
    name : name in tables.
    build : (N, weights, tokens per head) -> module from (batch, N, d) to the same shape; can be pickled.
    settings : description of its settings.
    heads : number of heads of full attention to compare with; 1 if each head has width d.
    backward : whether it has a backward pass.
    package : distribution that it needs in addition to torch.
    by_tokens_per_head : measured for each number of tokens per head, not once per size.
    compiled : whether its first pass compiles it.
    sliceable : a `ProjectedAttention` layer of dense attention, whose time can be measured on some queries.
    """

    name: str
    build: Callable[[int, Weights, int], nn.Module]
    settings: str = ""
    heads: int = 1
    backward: bool = True
    package: str | None = None
    by_tokens_per_head: bool = False
    compiled: bool = False
    sliceable: bool = False

    def missing(self) -> str | None:
        """Return the reason if the layer can't be built because its package is not installed."""
        try:
            if self.package is not None:
                metadata.version(self.package)
        except metadata.PackageNotFoundError:
            return f"{self.package} not installed"
        return None


class FloorLayer(nn.Module):
    """The matrix products of a layer without attention: a lower bound of its time."""

    def __init__(self, weights: Weights, linear: type[nn.Linear] = nn.Linear) -> None:
        super().__init__()
        self.qkv, self.out = peers.linears((weights.qkv, weights.out), linear)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Map (batch, N, d) to the products for queries, keys and values, and to the output product."""
        return self.qkv(x), self.out(x)


class ProjectedAttention(nn.Module):
    """Self-attention with a function `attend` of projected queries, keys and values, (batch, N, d) each."""

    def __init__(
        self,
        weights: Weights,
        attend: Callable[[Tensor, Tensor, Tensor], Tensor],
        linear: type[nn.Linear] = nn.Linear,
    ) -> None:
        super().__init__()
        self.products = FloorLayer(weights, linear)
        self.attend = attend

    def forward(self, x: Tensor, queries: int | None = None) -> Tensor:
        """Map (batch, N, d) to the same shape, or only to the outputs of the first `queries` tokens."""
        query, key, value = self.products.qkv(x).chunk(3, -1)
        return self.products.out(self.attend(query[:, :queries], key, value))


def dense_attention(query: Tensor, key: Tensor, value: Tensor, heads: int) -> Tensor:
    """Attend from queries (batch, n, d) to keys (batch, N, d), with the width divided among the heads."""
    q, k, v = (tensor.unflatten(-1, (heads, -1)).transpose(1, 2) for tensor in (query, key, value))
    return F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)


def literal_attention(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Attend as the specification literally says: permute, pad to a multiple of the heads, attend, undo.

    Padding takes part in the softmax; each call draws a new permutation.
    """
    num_tokens = query.shape[1]
    heads = head_count(num_tokens, 0.5)
    order = torch.randperm(num_tokens)
    padding = -num_tokens % heads
    q, k, v = (
        F.pad(tensor[:, order], (0, 0, 0, padding)).unflatten(1, (heads, -1))
        for tensor in (query, key, value)
    )
    weights = (q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5).softmax(-1)
    return (weights @ v).flatten(1, 2)[:, :num_tokens][:, order.argsort()]


class FlexHeads:
    """The heads of a partition of N tokens, as a block mask of FlexAttention."""

    def __init__(self, num_tokens: int, tokens_per_head: int, compiled: bool = True) -> None:
        from torch.nn.attention.flex_attention import BlockMask, flex_attention

        partition = make_partition(num_tokens, head_count(num_tokens, tokens_per_head=tokens_per_head))
        self.order, self.inverse = partition.order, partition.inverse
        sizes = (partition.table >= 0).sum(1)
        head = torch.arange(len(sizes)).repeat_interleave(sizes)
        end = sizes.cumsum(0)
        rows = torch.arange(0, num_tokens, _FLEX_BLOCK, dtype=torch.int32)
        last = (rows + _FLEX_BLOCK - 1).clamp(max=num_tokens - 1)
        first_block = ((end - sizes)[head[rows]] // _FLEX_BLOCK).int()
        count = ((end[head[last]] - 1) // _FLEX_BLOCK).int() - first_block + 1
        columns = torch.arange(len(rows), dtype=torch.int32)  # the compiler needs all, although few are used
        blocks = (first_block[:, None] + columns).clamp_(max=len(rows) - 1)
        self.mask = BlockMask.from_kv_blocks(
            count[None, None],
            blocks[None, None],
            BLOCK_SIZE=_FLEX_BLOCK,
            mask_mod=lambda batch, _, i, j: head[i] == head[j],
            seq_lengths=(num_tokens, num_tokens),
            compute_q_blocks=False,  # for the backward pass, which FlexAttention lacks on CPUs
        )
        torch._dynamo.reset()  # sizes would otherwise count towards the limit of recompilations
        self.attention = torch.compile(flex_attention, dynamic=False) if compiled else flex_attention

    def __call__(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """Attend within the heads; all tensors are (batch, N, d)."""
        q, k, v = (tensor[:, self.order].unsqueeze(1) for tensor in (query, key, value))
        return self.attention(q, k, v, block_mask=self.mask).squeeze(1)[:, self.inverse]


class MultiheadAttention(nn.Module):
    """`torch.nn.MultiheadAttention` with given weights."""

    def __init__(self, weights: Weights, heads: int) -> None:
        super().__init__()
        self.layer = nn.MultiheadAttention(weights.out.shape[0], heads, batch_first=True)
        with torch.no_grad():
            self.layer.in_proj_weight.copy_(weights.qkv)
        peers.share(self.layer.out_proj, weights.out)

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, N, d) to the same shape."""
        return self.layer(x, x, x, need_weights=False)[0]


def build_sparse(
    num_tokens: int, weights: Weights, tokens_per_head: int, **options: bool | int | str
) -> SparseMultiHeadAttention:
    """Build our layer with given weights; `options` are arguments of the layer."""
    dim = weights.out.shape[0]
    chosen = {"dropout": 0.0, "tokens_per_head": tokens_per_head, **options}
    layer = SparseMultiHeadAttention(dim, **chosen)  # type: ignore[arg-type]
    peers.share(layer.qkv, weights.qkv)
    peers.share(layer.out, weights.out)
    return layer


def _floor(num_tokens: int, weights: Weights, tokens_per_head: int, linear: type[nn.Linear]) -> nn.Module:
    return FloorLayer(weights, linear)


def _dense(
    num_tokens: int, weights: Weights, tokens_per_head: int, heads: int, linear: type[nn.Linear] = nn.Linear
) -> nn.Module:
    return ProjectedAttention(weights, partial(dense_attention, heads=heads), linear)


def _multihead(num_tokens: int, weights: Weights, tokens_per_head: int, heads: int) -> nn.Module:
    return MultiheadAttention(weights, heads)


def _flex(num_tokens: int, weights: Weights, tokens_per_head: int) -> nn.Module:
    return ProjectedAttention(weights, FlexHeads(num_tokens, _FLEX_TOKENS_PER_HEAD))


def _literal(num_tokens: int, weights: Weights, tokens_per_head: int) -> nn.Module:
    return ProjectedAttention(weights, literal_attention)


def _peer(
    num_tokens: int,
    weights: Weights,
    tokens_per_head: int,
    build: Callable[[int, Tensor, Tensor, int], nn.Module],
    heads: int,
) -> nn.Module:
    return build(num_tokens, weights.qkv, weights.out, heads)


def contenders() -> tuple[Contender, ...]:
    """Return all layers of the benchmark, the floor first."""
    one_dnn = partial(_dense, heads=8, linear=Linear)
    own = (
        Contender(FLOOR, partial(_floor, linear=nn.Linear), "the floor: the products alone"),
        Contender("projections (oneDNN)", partial(_floor, linear=Linear), "the same products"),
        Contender(OURS, build_sparse, "random partition", by_tokens_per_head=True),
        Contender("dense 1 head", partial(_dense, heads=1), "SDPA", sliceable=True),
        Contender("dense 8 heads", partial(_dense, heads=8), "SDPA", heads=8, sliceable=True),
        Contender("dense 8 heads (oneDNN)", one_dnn, "SDPA, products by oneDNN", 8, sliceable=True),
        Contender("nn.MultiheadAttention", partial(_multihead, heads=8), "8 heads", heads=8),
        Contender(
            "FlexAttention",
            _flex,
            f"our heads of {_FLEX_TOKENS_PER_HEAD} tokens as block mask, compiled",
            backward=False,
            compiled=True,
        ),
        Contender("literal formulation", _literal, "scale factor 0.5"),
    )
    others = tuple(
        Contender(
            f"{package} {heads} head{'s' if heads > 1 else ''}",
            partial(_peer, build=build, heads=heads),
            settings,
            heads,
            package=package,
        )
        for package, build, settings in peers.PEERS
        for heads in (1, 8)
    )
    return own + others
