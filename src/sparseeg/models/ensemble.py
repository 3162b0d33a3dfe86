"""Several networks that predict as one."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from .partitions import Partitions, for_each_way


class Ensemble(nn.Module):
    """The mean prediction of several networks for windows (batch, channel, time): (batch, 1).

    Parameters
    ----------
    networks : trained on the same target.
    partitions : see `sparseeg.models.partitions.ways`.
    """

    def __init__(self, networks: Sequence[nn.Module], partitions: Partitions = 1) -> None:
        super().__init__()
        self.networks = nn.ModuleList(networks)
        self.partitions = partitions

    def forward(self, x: Tensor) -> Tensor:
        def predict(network: nn.Module) -> Tensor:
            return network(x)[:, :1].float()

        predictions = []
        for network in self.networks:
            predictions += for_each_way(network, self.partitions, predict)
        return torch.stack(predictions).mean(dim=0)
