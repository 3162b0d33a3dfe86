"""Predictions and their uncertainty, from one network or the mean of several."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch

from sparseeg.data.windows import WindowSet
from sparseeg.models.latency import LatencyHead
from sparseeg.models.network import Network
from sparseeg.models.partitions import Partitions, for_each_way
from sparseeg.training.batches import loader


class Prediction(NamedTuple):
    """Predictions (n,) and their standard deviations (n,), float64, in the target's unit.

    The deviation is NaN where a network gives none.
    """

    mean: np.ndarray
    spread: np.ndarray


def predict(
    networks: Network | Sequence[Network],
    windows: WindowSet,
    indices: np.ndarray,
    batch_size: int = 256,
    partitions: Partitions = 1,
) -> Prediction:
    """Return the mean prediction of the networks for the windows at `indices`.

    partitions : what layers of random attention attend to, see `sparseeg.models.partitions.ways`.

    The spread is that of the mixture of the networks' distributions: their own spread and their differences.
    """
    networks = list(networks) if isinstance(networks, Sequence) else [networks]
    device = next(networks[0].parameters()).device
    for network in networks:
        network.eval()
    with torch.inference_mode():
        parts = [
            answer(networks, batch.x.to(device), partitions) for batch in loader(windows, indices, batch_size)
        ]
    if not parts:
        return Prediction(np.empty(0), np.empty(0))
    return Prediction(*map(np.concatenate, zip(*parts, strict=True)))


def answer(networks: Sequence[Network], x: torch.Tensor, partitions: Partitions = 1) -> Prediction:
    """Return the mean prediction of networks in evaluation mode for windows x (batch, channel, time)."""
    answers = []
    for network in networks:
        answers += for_each_way(network, partitions, lambda network: _moments(network, x))
    mean, spread = np.stack(answers, axis=2).transpose(1, 0, 2)
    variance = (spread**2).mean(axis=1) + mean.var(axis=1)
    return Prediction(mean.mean(axis=1), np.sqrt(variance))


def _moments(network: Network, x: torch.Tensor) -> np.ndarray:
    """Return prediction and spread of each window, float64 (batch, 2)."""
    encoded = network.encode(x)
    layer = network.final_layer
    mean = layer(encoded)[:, :1]
    spread = layer.moments(encoded)[1] if isinstance(layer, LatencyHead) else torch.full_like(mean, torch.nan)
    return torch.cat([mean, spread], dim=1).double().cpu().numpy()
