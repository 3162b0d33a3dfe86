"""The sparse attention layer, and the transformer block built on it."""

from typing import Any, Literal, overload

import torch
from torch import Tensor, nn

from .chunked import Projections
from .dispatch import attend, attend_in_graph, takes_graph_operator
from .feedforward import FeedForward
from .functional import AttentionWeights, attend_rounds, check_mask, hide
from .linear import Linear
from .partition import Partition, PartitionKind, check_kind, head_count, layer_partitions


class SparseMultiHeadAttention(nn.Module):
    """Self-attention in which every token is in exactly one head, at full width; the cost is linear in N.

    Parameters
    ----------
    hidden_size : width d of the tokens; queries, keys and values have the same width inside each head.
    scale_factor : in (0, 1]; N tokens are dealt equally to max(1, int(scale_factor * N)) heads.
    dropout : probability of dropping an attention weight in training, in [0, 1).
    tokens_per_head : instead of `scale_factor`: the fewest heads of at most this many tokens.
    partition : "random" (a new one every training step, a fixed one in evaluation), "strided" or "local".
    correction : make numerator and denominator match full attention in expectation; see
        `partitioned_attention`.
    rounds : number of partitions that are merged into one result; for corrected random partitions, the error
        against full attention falls as 1/sqrt(rounds).
    bias : whether the projections have a bias; with it there are 4 (d^2 + d) parameters.
    layer_index : index of the layer in its stack. Layers with different indices use different evaluation
        partitions and strides, so that a stack connects more tokens than one layer.

    Raises ValueError, naming the value, for options out of range.
    Source: Random Batch Attention, arXiv 2511.06044.

    >>> layer = SparseMultiHeadAttention(16, scale_factor=0.5)
    >>> layer(torch.zeros(2, 51, 16)).shape
    torch.Size([2, 51, 16])
    """

    def __init__(
        self,
        hidden_size: int,
        scale_factor: float = 0.5,
        dropout: float = 0.1,
        *,
        tokens_per_head: int | None = None,
        partition: PartitionKind = "random",
        correction: bool = False,
        rounds: int = 1,
        bias: bool = True,
        layer_index: int = 0,
    ) -> None:
        super().__init__()
        if not 0.0 < scale_factor <= 1.0:
            raise ValueError(f"scale_factor must lie in (0, 1], got {scale_factor}")
        if not 0.0 <= dropout < 1.0:
            raise ValueError(f"dropout must lie in [0, 1), got {dropout}")
        at_least_one = {"hidden_size": hidden_size, "tokens_per_head": tokens_per_head, "rounds": rounds}
        for name, value in at_least_one.items():
            if value is not None and value < 1:
                raise ValueError(f"{name} must be at least 1, got {value}")
        if layer_index < 0:
            raise ValueError(f"layer_index must not be negative, got {layer_index}")
        check_kind(partition)
        self.hidden_size = hidden_size
        self.scale_factor = scale_factor
        self.dropout = dropout
        self.tokens_per_head = tokens_per_head
        self.partition = partition
        self.correction = correction
        self.rounds = rounds
        self.layer_index = layer_index
        self.qkv = Linear(hidden_size, 3 * hidden_size, bias=bias)
        self.out = Linear(hidden_size, hidden_size, bias=bias)

    @overload
    def forward(
        self, x: Tensor, key_padding_mask: Tensor | None = None, return_weights: Literal[False] = False
    ) -> Tensor: ...

    @overload
    def forward(
        self, x: Tensor, key_padding_mask: Tensor | None = None, *, return_weights: Literal[True]
    ) -> tuple[Tensor, AttentionWeights]: ...

    @overload
    def forward(
        self, x: Tensor, key_padding_mask: Tensor | None, return_weights: bool
    ) -> Tensor | tuple[Tensor, AttentionWeights]: ...

    def forward(
        self, x: Tensor, key_padding_mask: Tensor | None = None, return_weights: bool = False
    ) -> Tensor | tuple[Tensor, AttentionWeights]:
        """Attend from every token of x (batch, N, d) to the tokens in its head.

        key_padding_mask : (batch, N), True = ignore; at ignored tokens the output is the output bias.

        Returns (batch, N, d), with the `AttentionWeights` if `return_weights`.
        Raises ValueError, naming the shapes, for an input that is not (batch, N >= 1, d) or a mask that does
        not fit it.
        """
        if x.dim() != 3 or x.shape[-1] != self.hidden_size or x.shape[1] == 0:
            raise ValueError(f"expected (batch, N >= 1, {self.hidden_size}), got {tuple(x.shape)}")
        if key_padding_mask is not None:
            check_mask(key_padding_mask, x)
        projections = Projections(self.qkv.weight, self.qkv.bias, self.out.weight, self.out.bias)
        if not (self.training or return_weights) and takes_graph_operator(x):
            return attend_in_graph(
                x,
                projections.qkv_weight,
                projections.qkv_bias,
                projections.out_weight,
                projections.out_bias,
                key_padding_mask,
                self.scale_factor,
                self.tokens_per_head,
                self.partition,
                self.layer_index,
                self.rounds,
                self.correction,
            )
        partitions = self.partitions(x.shape[1], x.device)
        dropout = self.dropout if self.training else 0.0
        if not return_weights:
            return attend(
                x, projections, partitions, key_padding_mask, self.correction, dropout, self.training
            )
        x = x if key_padding_mask is None else hide(x, key_padding_mask)
        query, key, value = self.qkv(x).chunk(3, -1)
        attended, weights = attend_rounds(
            query, key, value, partitions, key_padding_mask, self.correction, dropout
        )
        return self.out(attended), weights

    def partitions(self, num_tokens: int, device: torch.device | None = None) -> list[Partition]:
        """Return the partitions for N tokens, one per round; in training, random ones are drawn anew."""
        heads = head_count(num_tokens, self.scale_factor, self.tokens_per_head)
        return layer_partitions(
            num_tokens,
            heads,
            self.partition,
            self.layer_index,
            self.rounds,
            resample=self.training,
            device=device,
        )

    def extra_repr(self) -> str:
        """Name the options that decide which tokens share a head."""
        share = (
            f"scale_factor={self.scale_factor}"
            if self.tokens_per_head is None
            else f"tokens_per_head={self.tokens_per_head}"
        )
        return (
            f"{self.hidden_size}, {share}, dropout={self.dropout}, partition={self.partition!r}, "
            f"correction={self.correction}, rounds={self.rounds}, layer_index={self.layer_index}"
        )


class SparseAttentionBlock(nn.Module):
    """Sparse attention and a feed-forward network: y = norm(x + attention(x)), then y + feedforward(y).

    Parameters
    ----------
    hidden_size : width d of the tokens.
    feedforward_size : width of the hidden layer (GELU) of the feed-forward network.
    scale_factor, dropout, attention_options : as in `SparseMultiHeadAttention`; `dropout` also follows the
        two layers of the feed-forward network. Give the blocks of a stack their `layer_index`.

    There are 4 (d^2 + d) + 2 d f + f + d + 2 d parameters, f being the feed-forward size.
    """

    def __init__(
        self,
        hidden_size: int,
        feedforward_size: int,
        scale_factor: float = 0.5,
        dropout: float = 0.1,
        **attention_options: Any,
    ) -> None:
        super().__init__()
        if feedforward_size < 1:
            raise ValueError(f"feedforward_size must be at least 1, got {feedforward_size}")
        self.attention = SparseMultiHeadAttention(hidden_size, scale_factor, dropout, **attention_options)
        self.norm = nn.LayerNorm(hidden_size)
        self.feedforward = FeedForward(hidden_size, feedforward_size, dropout)

    @overload
    def forward(
        self, x: Tensor, key_padding_mask: Tensor | None = None, return_weights: Literal[False] = False
    ) -> Tensor: ...

    @overload
    def forward(
        self, x: Tensor, key_padding_mask: Tensor | None = None, *, return_weights: Literal[True]
    ) -> tuple[Tensor, AttentionWeights]: ...

    @overload
    def forward(
        self, x: Tensor, key_padding_mask: Tensor | None, return_weights: bool
    ) -> Tensor | tuple[Tensor, AttentionWeights]: ...

    def forward(
        self, x: Tensor, key_padding_mask: Tensor | None = None, return_weights: bool = False
    ) -> Tensor | tuple[Tensor, AttentionWeights]:
        """Map x (batch, N, d) to the same shape; arguments and result as in `SparseMultiHeadAttention`."""
        if return_weights:
            attended, weights = self.attention(x, key_padding_mask, return_weights=True)
            return self._add(x, attended, key_padding_mask), weights
        return self._add(x, self.attention(x, key_padding_mask), key_padding_mask)

    def _add(self, x: Tensor, attended: Tensor, key_padding_mask: Tensor | None) -> Tensor:
        """Add what the attention and the feed-forward network give to x."""
        x = x if key_padding_mask is None else hide(x, key_padding_mask)
        x = self.norm(x + attended)
        return x + self.feedforward(x)
