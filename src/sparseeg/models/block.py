"""The transformer block of the networks that are not part of the specification."""

from typing import Any

from torch import Tensor, nn

from sparseeg.attention import SparseMultiHeadAttention
from sparseeg.attention.dropout import Dropout
from sparseeg.attention.feedforward import FeedForward


class AttentionBlock(nn.Module):
    """Attention and a feed-forward network, each with a norm before it and a residual connection.

    Pre-norm blocks (Xiong et al. 2020, arXiv 2002.04745) train within a few hundred steps on a few hundred
    trials.

    Parameters
    ----------
    width : of the tokens; the hidden layer of the feed-forward network is twice as wide.
    dropout : after both branches; attention weights are not dropped.
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
