"""The specification's recommended network: channel gate, two convolutions, one block of sparse attention."""

from typing import Any

from torch import Tensor, nn

from sparseeg.attention import ChannelAttention, SparseAttentionBlock

from .base import EEGNetwork, mlp
from .conv import ConvBlock
from .pool import AveragePool


class LightSparseAttentionCNN(EEGNetwork):
    """Channel gate, two convolutions, one sparse attention block; 846,289 parameters at 129 x 200.

    Parameters
    ----------
    scale_factor : number of heads as a share of the time steps (0.5: two steps per head).
    dropout : after convolutions, in the attention block and in the head.
    attention_options : further options of `sparseeg.attention.SparseMultiHeadAttention`.
    standardize, output : as in `EEGNetwork`, like the other parameters.
    """

    min_times = 4

    def __init__(
        self,
        n_chans: int,
        n_times: int,
        n_outputs: int = 1,
        sfreq: float = 100.0,
        chs_info: list[dict[str, Any]] | None = None,
        *,
        scale_factor: float = 0.5,
        dropout: float = 0.4,
        attention_options: dict[str, Any] | None = None,
        standardize: str = "window",
        output: str = "scalar",
    ) -> None:
        super().__init__(n_chans, n_times, n_outputs, sfreq, chs_info, standardize, output)
        self.channel_attention = ChannelAttention(n_chans, reduction_ratio=16)
        self.features = nn.Sequential(
            ConvBlock(n_chans, 128, kernel_size=7, dropout=dropout, pool=2),
            ConvBlock(128, 256, kernel_size=5, dropout=dropout, pool=2),
        )
        self.block = SparseAttentionBlock(
            256, 512, scale_factor=scale_factor, dropout=dropout, **(attention_options or {})
        )
        self._finish(256, nn.Sequential(AveragePool(), mlp(256, 128, 32, dropouts=(dropout, dropout))), 32)

    def forward_features(self, x: Tensor) -> Tensor:
        x = self.features(self.channel_attention(x))
        return self.block(x.transpose(1, 2).contiguous()).transpose(1, 2)
