"""The block of the networks whose size no specification fixes."""

from typing import Any

from torch import Tensor, nn

from sparseeg.attention import SparseMultiHeadAttention
from sparseeg.attention.dropout import Dropout
from sparseeg.attention.feedforward import FeedForward


class AttentionBlock(nn.Module):
    """Attention and a feed-forward network, each behind a norm of its own and beside an open path.

    Norms before the branches, not after them (Xiong et al. 2020, arXiv 2002.04745): a few hundred steps on a
    few hundred trials are enough to train it.

    Parameters
    ----------
    width : of the tokens; the feed-forward network is twice as wide inside.
    dropout : of both branches; the weights of the attention have none.
    attention_options : of `sparseeg.attention.SparseMultiHeadAttention`.
    """

    def __init__(self, width: int, dropout: float, **attention_options: Any) -> None:
        super().__init__()
        self.norm_attention = nn.LayerNorm(width)
        self.attention = SparseMultiHeadAttention(width, **{"dropout": 0.0, **attention_options})
        self.dropout = Dropout(dropout)
        self.norm_feedforward = nn.LayerNorm(width)
        self.feedforward = FeedForward(width, 2 * width, dropout)

    def forward(self, x: Tensor) -> Tensor:
        """Map x (batch, N, width) to the same shape."""
        x = x + self.dropout(self.attention(self.norm_attention(x)))
        return x + self.feedforward(self.norm_feedforward(x))
