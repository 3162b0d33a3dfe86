"""What a network looks at: attributions, spatial filters, gates, and which tokens its attention connects."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any

import numpy as np
import torch
from scipy.stats import spearmanr
from torch import Tensor, nn

from sparseeg.attention import ChannelAttention, SparseMultiHeadAttention, TemporalAttention
from sparseeg.models.latency import LatencyHead
from sparseeg.models.network import Network
from sparseeg.models.sparse_eeg_transformer import SparseEEGTransformer
from sparseeg.models.spec import NetworkSpec

STEPS = 20  # of the path from a window of zeros to the window
_SEED = (
    2_718_281_828  # of the random weights: with that of a training, they would be those that it began with
)
_MOST_TOKENS = 1024  # of a figure, and of its matrices
_BATCH = 16


@dataclass(frozen=True)
class Attribution:
    """Integrated gradients of the prediction with respect to the standardised windows.

    Parameters
    ----------
    values : (window, channel, time), in the target's unit: they add up to the difference between the
        prediction for the window and that for a window of zeros.
    untrained : (channel, time), mean magnitude for the same network with random weights.
    similarity : rank correlation between the mean magnitudes of both. A map that depends on what was learned
        has a low one. NaN if one of them is the same everywhere.
    """

    values: np.ndarray
    untrained: np.ndarray
    similarity: float

    @property
    def magnitude(self) -> np.ndarray:
        """Mean magnitude, (channel, time)."""
        return np.abs(self.values).mean(axis=0)


@dataclass(frozen=True)
class Filters:
    """Spatial filters of the first layer that mixes channels, largest first.

    Parameters
    ----------
    weights : (filter, channel), at the time step where each filter is largest.
    patterns : (filter, channel), the covariance of the windows times the weights: where the signal of a
        filter can be seen, which the weights don't show (Haufe et al. 2014).
    """

    weights: np.ndarray
    patterns: np.ndarray


@dataclass(frozen=True)
class AttentionLayer:
    """What one layer of sparse attention did with some windows.

    Parameters
    ----------
    name : of the layer in the network.
    weights : (token, token), mean attention weight from query to key.
    together : (token, token), whether two tokens share a head.
    """

    name: str
    weights: np.ndarray
    together: np.ndarray


@dataclass(frozen=True)
class Distribution:
    """The distribution over time of a latency head.

    Parameters
    ----------
    times : (sample,), seconds.
    probability : (window, sample); what is missing to one is the probability of a guess outside the window.
    """

    times: np.ndarray
    probability: np.ndarray


@dataclass(frozen=True)
class Gates:
    """Weights of the gates in (0, 1): of channels (window, channel) and time points (window, time)."""

    channel: np.ndarray | None = None
    time: np.ndarray | None = None


@dataclass(frozen=True)
class Explanation:
    """What a network did with some windows; None or empty for what it doesn't have."""

    attribution: Attribution | None = None
    filters: Filters | None = None
    gates: Gates = field(default_factory=Gates)
    attention: list[AttentionLayer] = field(default_factory=list)
    distribution: Distribution | None = None


def explain(network: Network, spec: NetworkSpec, windows: np.ndarray) -> Explanation:
    """Return what a network does with windows (window, channel, time).

    Parameters
    ----------
    network : the network, in evaluation mode.
    spec : how it is built; another one with random weights is compared with it.
    windows : some windows of any unit.

    There is no attribution where captum is not installed.
    """
    x = torch.from_numpy(np.ascontiguousarray(windows, dtype=np.float32))
    network.eval()
    with torch.inference_mode():
        gates, attention = _gates(network, x), _attention(network, x)
        found = distribution(network, x)
    attribution = attribute(network, spec, x) if find_spec("captum") else None
    return Explanation(attribution, filters(network, x), gates, attention, found)


def attribute(network: Network, spec: NetworkSpec, x: Tensor) -> Attribution:
    """Return the integrated gradients of the prediction (Sundararajan et al. 2017, arXiv 1703.01365).

    They are taken behind the layer that standardises windows, because before it the scale of a window changes
    nothing. Beside them are those of the same network with random weights (Adebayo et al. 2018, arXiv
    1810.03292). Needs captum.
    """
    values = _integrated_gradients(network, x)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(_SEED)
        other = spec.build()
    other.eval()
    _take_target(other, network)
    untrained = np.abs(_integrated_gradients(other, x)).mean(axis=0)
    magnitude = np.abs(values).mean(axis=0)
    if np.ptp(magnitude) == 0 or np.ptp(untrained) == 0:
        return Attribution(values, untrained, float("nan"))
    similarity = float(spearmanr(magnitude.ravel(), untrained.ravel()).statistic)
    return Attribution(values, untrained, similarity)


def _take_target(network: Any, other: Any) -> None:
    """Give the last layer of a network the buffers of another one: where the target and the window lie."""
    known = dict(other.final_layer.named_buffers())
    for name, value in network.final_layer.named_buffers():
        value.copy_(known[name])


def _integrated_gradients(network: Any, x: Tensor) -> np.ndarray:
    from captum.attr import LayerIntegratedGradients  # type: ignore[import-untyped]

    def prediction(windows: Tensor) -> Tensor:
        return network(windows)[:, 0]

    method = LayerIntegratedGradients(prediction, network.standardize)
    parts = [
        method.attribute(part, torch.zeros_like(part), n_steps=STEPS, internal_batch_size=_BATCH)
        for part in x.split(_BATCH)
    ]
    return torch.cat(parts).detach().numpy()


def filters(network: Any, x: Tensor, count: int = 6) -> Filters | None:
    """Return the largest spatial filters of a network; None if no layer mixes channels first."""
    n_chans = x.shape[1]
    for layer in network.modules():
        if isinstance(layer, nn.Conv1d) and layer.in_channels == n_chans and layer.groups == 1:
            weight = layer.weight.detach()
            break
        if isinstance(layer, nn.Conv2d) and n_chans in layer.kernel_size:
            # (filter, map, channel, 1), of braindecode: the mean over maps.
            weight = layer.weight.detach().mean(dim=1).reshape(layer.out_channels, -1)[:, :n_chans, None]
            break
    else:
        return None
    step = weight.square().sum(dim=1).argmax(dim=1)
    weights = weight[torch.arange(len(weight)), :, step].numpy()
    largest = np.argsort(-np.linalg.norm(weights, axis=1))[:count]
    with torch.inference_mode():
        signals = network.standardize(x).transpose(0, 1).flatten(1).double().numpy()
    patterns = weights[largest] @ np.atleast_2d(np.cov(signals))
    return Filters(weights[largest], patterns)


def distribution(network: Any, x: Tensor) -> Distribution | None:
    """Return the distribution of the latency head; None for other networks."""
    layer = network.final_layer
    if not isinstance(layer, LatencyHead):
        return None
    log_samples = torch.cat([layer.log_probabilities(network.encode(part))[0] for part in x.split(_BATCH)])
    return Distribution(layer.times.numpy(), log_samples.exp().numpy())


def _gates(network: Any, x: Tensor) -> Gates:
    """Return the weights of the first gate of either kind."""
    found: dict[str, np.ndarray] = {}

    def keep(layer: ChannelAttention | TemporalAttention, inputs: tuple[Tensor, ...]) -> None:
        kind = "channel" if isinstance(layer, ChannelAttention) else "time"
        found.setdefault(kind, layer.gates(inputs[0]).numpy())

    with _hooked(network, (ChannelAttention, TemporalAttention), keep):
        network(x)
    return Gates(found.get("channel"), found.get("time"))


def _attention(network: Any, x: Tensor) -> list[AttentionLayer]:
    """Return the layers of sparse attention whose tokens are the time steps of a window, in their order."""
    if isinstance(network, SparseEEGTransformer):
        return []  # its tokens are patches of channels
    names = {layer: name for name, layer in network.named_modules()}
    layers: list[AttentionLayer] = []

    def keep(layer: SparseMultiHeadAttention, inputs: tuple[Tensor, ...]) -> None:
        tokens = inputs[0]
        if len(tokens) != len(x) or tokens.shape[1] > min(_MOST_TOKENS, x.shape[2]):
            return
        weights = layer.forward(tokens, return_weights=True)[1].dense().mean(dim=0)
        together = torch.zeros_like(weights, dtype=torch.bool)
        for partition in layer.partitions(tokens.shape[1]):
            for head in partition.table:
                own = head[head >= 0]
                together[own.unsqueeze(1), own] = True
        layers.append(AttentionLayer(names[layer], weights.numpy(), together.numpy()))

    with _hooked(network, (SparseMultiHeadAttention,), keep):
        network(x)
    return layers


@contextmanager
def _hooked(network: nn.Module, kinds: tuple[type[nn.Module], ...], keep: Any) -> Iterator[None]:
    """Call `keep(layer, inputs)` before layers of some kinds within this context."""
    hooks = [layer.register_forward_pre_hook(keep) for layer in network.modules() if isinstance(layer, kinds)]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def first_met(layers: list[AttentionLayer]) -> np.ndarray:
    """Return how many layers two tokens need to know of each other, (token, token); NaN if they never do.

    layers : in their order, all with the same tokens.
    """
    reach = np.eye(len(layers[0].together), dtype=bool)
    met = np.where(reach, 0.0, np.nan)
    for number, layer in enumerate(layers, start=1):
        reach = (layer.together.astype(np.float32) @ reach.astype(np.float32)) > 0
        met[reach & np.isnan(met)] = number
    return met
