"""Last layers: they map features to predictions in the unit of the target."""

import torch
from torch import Tensor, nn


class TargetScale(nn.Module):
    """Map standardised predictions (batch, n_outputs) to the unit of the target.

    `set_target(mean, std)` stores statistics of the training targets, `shrink(factor)` the share of their
    distance from the mean that predictions keep. All are buffers: they are saved with the weights.
    """

    mean: Tensor
    std: Tensor
    gain: Tensor

    def __init__(self, n_outputs: int = 1) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(n_outputs))
        self.register_buffer("std", torch.ones(n_outputs))
        self.register_buffer("gain", torch.ones(1))

    def set_target(self, mean: float, std: float) -> None:
        """Store the mean and the standard deviation of the training targets."""
        self.mean.fill_(mean)
        self.std.fill_(std)

    def shrink(self, factor: float) -> None:
        """Let predictions keep this share of their distance from the mean."""
        self.gain.fill_(factor)

    def forward(self, x: Tensor) -> Tensor:
        return x * (self.gain * self.std) + self.mean


class RegressionLayer(nn.Linear):
    """Linear layer that learns standardised targets and predicts in the target's unit."""

    def __init__(self, in_features: int, out_features: int = 1) -> None:
        super().__init__(in_features, out_features)
        self.scale = TargetScale(out_features)

    def set_target(self, mean: float, std: float) -> None:
        """Store the mean and the standard deviation of the training targets."""
        self.scale.set_target(mean, std)

    def shrink(self, factor: float) -> None:
        """Let predictions keep this share of their distance from the mean."""
        self.scale.shrink(factor)

    @property
    def mean(self) -> Tensor:
        """Mean of the training targets, (out_features,)."""
        return self.scale.mean

    def forward(self, x: Tensor) -> Tensor:
        return self.scale(super().forward(x))
