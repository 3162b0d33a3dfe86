"""Gates that weigh channels and time points: CBAM (Woo et al. 2018) in one dimension."""

import torch
from torch import Tensor, nn


class ChannelAttention(nn.Module):
    """Weigh every channel by its mean and its maximum over time.

    Parameters
    ----------
    num_channels : number of channels C.
    reduction_ratio : r; the bottleneck behind both summaries is max(1, C // r) wide.

    There are 2 * C * (C // r) parameters, no bias. Raises ValueError for arguments below 1.
    Source: CBAM, Woo et al. 2018.
    """

    def __init__(self, num_channels: int, reduction_ratio: int = 8) -> None:
        super().__init__()
        if num_channels < 1 or reduction_ratio < 1:
            raise ValueError(
                "num_channels and reduction_ratio must be at least 1, "
                f"got {num_channels} and {reduction_ratio}"
            )
        width = max(1, num_channels // reduction_ratio)
        self.bottleneck = nn.Sequential(
            nn.Linear(num_channels, width, bias=False),
            nn.ReLU(),
            nn.Linear(width, num_channels, bias=False),
        )

    def gates(self, x: Tensor) -> Tensor:
        """Return the weight in (0, 1) of every channel, (batch, channel)."""
        return torch.sigmoid(self.bottleneck(x.mean(-1)) + self.bottleneck(x.amax(-1)))

    def forward(self, x: Tensor) -> Tensor:
        """Scale the channels of x (batch, channel, time)."""
        _check(x)
        return x * self.gates(x).unsqueeze(-1)


class TemporalAttention(nn.Module):
    """Weigh every time point by the mean and the maximum over channels at the time points around it.

    `kernel_size` (odd) is the number of time points that a weight depends on; there are 2 * kernel_size
    parameters, no bias. Raises ValueError for an even kernel. Source: CBAM, Woo et al. 2018.
    """

    def __init__(self, kernel_size: int = 7) -> None:
        super().__init__()
        if kernel_size < 1 or kernel_size % 2 == 0:
            raise ValueError(
                f"kernel_size must be odd, so that every time point has a gate, got {kernel_size}"
            )
        self.conv = nn.Conv1d(2, 1, kernel_size, padding=kernel_size // 2, bias=False)

    def gates(self, x: Tensor) -> Tensor:
        """Return the weight in (0, 1) of every time point, (batch, time)."""
        summary = torch.stack([x.mean(1), x.amax(1)], 1)
        return torch.sigmoid(self.conv(summary)).squeeze(1)

    def forward(self, x: Tensor) -> Tensor:
        """Scale the time points of x (batch, channel, time)."""
        _check(x)
        return x * self.gates(x).unsqueeze(1)


def _check(x: Tensor) -> None:
    if x.dim() != 3:
        raise ValueError(f"expected (batch, channel, time), got shape {tuple(x.shape)}")
