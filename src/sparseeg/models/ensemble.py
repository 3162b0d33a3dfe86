"""Several networks that answer as one."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from .partitions import Partitions, each


class Together(nn.Module):
    """The mean of what networks say of windows (batch, channel, time), (batch, 1) in the target's unit.

    Parameters
    ----------
    networks : of one target.
    partitions : see `sparseeg.models.partitions.ways`.
    """

    def __init__(self, networks: Sequence[nn.Module], partitions: Partitions = 1) -> None:
        super().__init__()
        self.networks = nn.ModuleList(networks)
        self.partitions = partitions

    def forward(self, x: Tensor) -> Tensor:
        answers = [network(x)[:, :1].float() for network in each(self.networks, self.partitions)]
        return torch.stack(answers).mean(dim=0)
