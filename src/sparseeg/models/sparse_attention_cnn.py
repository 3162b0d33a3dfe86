"""The specification's full network: both gates, three convolutions, two blocks of sparse attention."""

from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn

from sparseeg.attention import ChannelAttention, SparseAttentionBlock, TemporalAttention

from .base import EEGNetwork, mlp
from .conv import ConvBlock
from .pool import AverageMaxPool

GATES = ("channel", "temporal")


class SparseAttentionCNN(EEGNetwork):
    """Channel and temporal gates, convolutions, sparse attention; 6,163,375 parameters at 129 x 200.

    Parameters
    ----------
    scale_factor : number of heads as a share of the time steps (0.5: two steps per head).
    dropout : after convolutions, in the attention blocks and in the head.
    gates : any of "channel" and "temporal".
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
        gates: Sequence[str] = GATES,
        attention_options: dict[str, Any] | None = None,
        standardize: str = "window",
        output: str = "scalar",
    ) -> None:
        super().__init__(n_chans, n_times, n_outputs, sfreq, chs_info, standardize, output)
        unknown = [name for name in gates if name not in GATES]
        if unknown:
            raise ValueError(f"gates must be among {', '.join(GATES)}, not {unknown[0]!r}")
        no_gate = nn.Identity()
        self.channel_attention = ChannelAttention(n_chans, 8) if "channel" in gates else no_gate
        self.temporal_attention = TemporalAttention() if "temporal" in gates else no_gate
        self.features = nn.Sequential(
            ConvBlock(n_chans, 256, kernel_size=7, dropout=dropout, pool=2),
            ConvBlock(256, 512, kernel_size=5, dropout=dropout, pool=2),
            ConvBlock(512, 512, kernel_size=3, dropout=dropout),
        )
        self.blocks = nn.Sequential(
            *(
                SparseAttentionBlock(
                    512,
                    1024,
                    scale_factor=scale_factor,
                    dropout=dropout,
                    layer_index=layer_index,
                    **(attention_options or {}),
                )
                for layer_index in range(2)
            )
        )
        self._finish(
            512, nn.Sequential(AverageMaxPool(), mlp(1024, 256, 64, dropouts=(dropout, dropout))), 64
        )

    def forward_features(self, x: Tensor) -> Tensor:
        x = self.features(self.temporal_attention(self.channel_attention(x)))
        return self.blocks(x.transpose(1, 2).contiguous()).transpose(1, 2)
