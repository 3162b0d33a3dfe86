"""Attention layers of other packages, built with given weights; packages are imported on demand."""

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

_LANDMARKS = 256
_WINDOW = 128


def share(linear: nn.Linear, weight: Tensor) -> nn.Linear:
    """Copy a weight to a linear layer, and set its bias to zero, if it has one."""
    if linear.weight.shape != weight.shape:
        raise ValueError(f"a weight {tuple(weight.shape)} doesn't fit {tuple(linear.weight.shape)}")
    with torch.no_grad():
        linear.weight.copy_(weight)
        if linear.bias is not None:
            linear.bias.zero_()
    return linear


def linears(weights: Sequence[Tensor], linear: type[nn.Linear] = nn.Linear) -> list[nn.Linear]:
    """Return a linear layer for each weight (out, in), with a bias of zero."""
    return [share(linear(weight.shape[1], weight.shape[0]), weight) for weight in weights]


def even_part(num_tokens: int, most: int) -> int:
    """Return the largest divisor of N up to `most`; `most` itself if all divisors are much smaller.

    Without a divisor, the packages pad, and the padding takes part in the attention.
    """
    most = max(1, min(most, num_tokens))
    divisor = next(part for part in range(most, 0, -1) if num_tokens % part == 0)
    return divisor if 4 * divisor >= most else most


@contextmanager
def _quiet() -> Iterator[None]:
    """Suppress deprecation warnings from the imports of other packages."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def build_local(num_tokens: int, qkv: Tensor, out: Tensor, heads: int) -> nn.Module:
    """Build `local_attention.LocalMHA`: each token attends to a window on each side."""
    with _quiet():
        from local_attention import LocalMHA  # type: ignore[attr-defined, unused-ignore]
    dim = out.shape[0]
    layer = LocalMHA(
        dim=dim,
        dim_head=dim // heads,
        heads=heads,
        window_size=even_part(num_tokens, _WINDOW),
        use_rotary_pos_emb=False,
    )
    share(layer.to_qkv, qkv)
    share(layer.to_out, out)
    return layer


def build_linear(num_tokens: int, qkv: Tensor, out: Tensor, heads: int) -> nn.Module:
    """Build `linear_attention_transformer.SelfAttention` with global heads only."""
    with _quiet():
        from linear_attention_transformer.linear_attention_transformer import SelfAttention
    layer = SelfAttention(out.shape[0], heads)
    _share_apart(layer, qkv, out)
    return layer


def build_nystrom(num_tokens: int, qkv: Tensor, out: Tensor, heads: int) -> nn.Module:
    """Build `nystrom_attention.NystromAttention` without the convolution of values."""
    with _quiet():
        from nystrom_attention import NystromAttention
    dim = out.shape[0]
    landmarks = even_part(num_tokens, min(_LANDMARKS, num_tokens // 4))
    layer = NystromAttention(dim, dim // heads, heads, num_landmarks=landmarks, residual=False)
    share(layer.to_qkv, qkv)
    share(layer.to_out[0], out)
    return layer


def build_performer(num_tokens: int, qkv: Tensor, out: Tensor, heads: int) -> nn.Module:
    """Build `performer_pytorch.SelfAttention` with its default number of random features."""
    with _quiet():
        from performer_pytorch import SelfAttention
    dim = out.shape[0]
    layer = SelfAttention(dim, heads=heads, dim_head=dim // heads)
    _share_apart(layer, qkv, out)
    return layer


def _share_apart(layer: nn.Module, qkv: Tensor, out: Tensor) -> None:
    """Copy weights to a layer with separate projections of queries, keys and values."""
    for name, weight in zip(("to_q", "to_k", "to_v", "to_out"), (*qkv.chunk(3), out), strict=True):
        share(layer.get_submodule(name), weight)  # type: ignore[arg-type]


PEERS: tuple[tuple[str, Callable[[int, Tensor, Tensor, int], nn.Module], str], ...] = (
    ("local-attention", build_local, f"LocalMHA, window {_WINDOW} to each side, no rotary embedding"),
    ("linear-attention-transformer", build_linear, "SelfAttention, no local heads"),
    (
        "nystrom-attention",
        build_nystrom,
        f"{_LANDMARKS} landmarks, N/4 at most, 6 iterations, no convolution",
    ),
    ("performer-pytorch", build_performer, "SelfAttention, d log d random features for heads d wide"),
)
