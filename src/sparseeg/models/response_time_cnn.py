"""The specification's baseline: four convolutions, a global average, a multilayer perceptron."""

from typing import Any

from torch import Tensor, nn

from .base import EEGNetwork, mlp
from .conv import ConvBlock
from .pool import AveragePool


class ResponseTimeCNN(EEGNetwork):
    """Convolutional baseline without attention; 798,081 parameters at 129 x 200.

    Parameters
    ----------
    dropout : after each strided convolution.
    standardize, output : as in `EEGNetwork`, like the other parameters.
    """

    def __init__(
        self,
        n_chans: int,
        n_times: int,
        n_outputs: int = 1,
        sfreq: float = 100.0,
        chs_info: list[dict[str, Any]] | None = None,
        *,
        dropout: float = 0.2,
        standardize: str = "window",
        output: str = "scalar",
    ) -> None:
        super().__init__(n_chans, n_times, n_outputs, sfreq, chs_info, standardize, output)
        self.features = nn.Sequential(
            ConvBlock(n_chans, 64, kernel_size=1),
            ConvBlock(64, 128, kernel_size=7, stride=2, dropout=dropout),
            ConvBlock(128, 256, kernel_size=5, stride=2, dropout=dropout),
            ConvBlock(256, 512, kernel_size=3, stride=2, dropout=dropout),
        )
        self._finish(512, nn.Sequential(AveragePool(), mlp(512, 256, 128, 64, dropouts=(0.3, 0.2))), 64)

    def forward_features(self, x: Tensor) -> Tensor:
        return self.features(x)
