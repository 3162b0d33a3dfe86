"""The network for latencies: convolutions of several lengths, then sparse attention at every sample."""

import math
from typing import Any

import torch
from torch import Tensor, nn

from sparseeg.attention.dropout import Dropout

from .base import EEGNetwork
from .block import AttentionBlock
from .pool import AveragePool


class SparseAttentionLocator(EEGNetwork):
    """Spatial filters, temporal filters of several lengths, local and strided attention, a latency head.

    Every sample of the window is a token in all blocks. Of each pair of blocks, the first attends to
    neighbours, the second in strides over the whole window: together they connect all samples.

    Parameters
    ----------
    n_filters : spatial filters.
    width : of the tokens.
    kernels : lengths of the temporal filters in seconds; every spatial filter gets one of each.
    n_blocks : blocks of attention.
    neighbours : length of a local head in seconds.
    dropout : before the tokens and in the blocks.
    attention_options : further options of `sparseeg.attention.SparseMultiHeadAttention`, for all blocks.
    n_auxiliary : yes-or-no labels that `auxiliary` learns beside the target.
    output, standardize : as in `EEGNetwork`, like the other parameters. `output` is "latency" by default for
        one number and "scalar" for several.
    """

    def __init__(
        self,
        n_chans: int,
        n_times: int,
        n_outputs: int = 1,
        sfreq: float = 100.0,
        chs_info: list[dict[str, Any]] | None = None,
        *,
        n_filters: int = 32,
        width: int = 64,
        kernels: tuple[float, ...] = (0.09, 0.25, 0.65),
        n_blocks: int = 2,
        neighbours: float = 0.2,
        dropout: float = 0.2,
        attention_options: dict[str, Any] | None = None,
        n_auxiliary: int = 2,
        standardize: str = "channel",
        output: str | None = None,
    ) -> None:
        output = output or ("latency" if n_outputs == 1 else "scalar")
        super().__init__(n_chans, n_times, n_outputs, sfreq, chs_info, standardize, output)
        self.spatial = nn.Sequential(nn.Conv1d(n_chans, n_filters, 1, bias=False), nn.BatchNorm1d(n_filters))
        self.temporal = nn.ModuleList(
            nn.Conv1d(n_filters, n_filters, size, padding=size // 2, groups=n_filters, bias=False)
            for size in (2 * round(seconds * sfreq / 2) + 1 for seconds in kernels)
        )
        n_features = len(kernels) * n_filters
        self.tokens = nn.Sequential(
            nn.BatchNorm1d(n_features), nn.GELU(), Dropout(dropout), nn.Conv1d(n_features, width, 1)
        )
        self.position = nn.Parameter(0.02 * torch.randn(n_times, width))
        sizes = {"local": round(neighbours * sfreq), "strided": math.isqrt(n_times - 1) + 1}
        kinds = [("local", "strided")[index % 2] for index in range(n_blocks)]
        self.blocks = nn.Sequential(
            *(
                AttentionBlock(
                    width,
                    dropout,
                    layer_index=index // 2,
                    **{
                        "partition": kind,
                        "tokens_per_head": max(2, sizes[kind]),
                        **(attention_options or {}),
                    },
                )
                for index, kind in enumerate(kinds)
            )
        )
        self.norm = nn.LayerNorm(width)
        self.auxiliary_layer = nn.Linear(width, n_auxiliary)
        self._finish(width, AveragePool(), width)

    def forward_features(self, x: Tensor) -> Tensor:
        x = self.spatial(x)
        x = self.tokens(torch.cat([filters(x) for filters in self.temporal], dim=1))
        x = x.transpose(1, 2) + self.position[: x.shape[2]]
        return self.norm(self.blocks(x)).transpose(1, 2)

    @property
    def n_auxiliary(self) -> int:
        """Number of labels that `auxiliary` predicts."""
        return self.auxiliary_layer.out_features

    def auxiliary(self, encoded: Tensor) -> Tensor:
        """Return the logits of the labels, (batch, n_auxiliary), for the output of `encode`."""
        return self.auxiliary_layer(encoded.mean(dim=2) if encoded.ndim == 3 else encoded)
