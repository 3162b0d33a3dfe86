"""Quantities that the specification makes claims about: operations, reach, heads, memory, targets."""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from sparseeg.attention import Partition, SparseMultiHeadAttention, make_partition
from sparseeg.attention.partition import PartitionKind, head_blocks
from sparseeg.data.bids.trials import PRESSES, TRIAL_START


class MultiplyAdds(NamedTuple):
    """Multiply-adds of one attention layer and one sample, without softmax and biases."""

    projections: int
    scores: int
    values: int

    @property
    def core(self) -> int:
        """Multiply-adds of scores and values, which depend on the pairs of tokens."""
        return self.scores + self.values

    @property
    def layer(self) -> int:
        """Multiply-adds of the whole layer."""
        return self.projections + self.core


def multiply_adds(num_tokens: int, hidden_size: int, num_heads: int) -> MultiplyAdds:
    """Return the multiply-adds of a layer that distributes N tokens among heads of width d.

    One head is dense attention. Projections cost 4 N d^2; scores and values each cost d times the number of
    pairs of tokens within heads.

    >>> multiply_adds(50, 512, 25).scores, multiply_adds(50, 512, 1).scores
    (51200, 1280000)
    """
    pairs = sum(heads * size**2 for heads, size in head_blocks(num_tokens, num_heads))
    return MultiplyAdds(4 * num_tokens * hidden_size**2, pairs * hidden_size, pairs * hidden_size)


def counted_multiply_adds(run: Callable[[], object]) -> int:
    """Return the multiply-adds of all matrix products in a call, as counted by torch."""
    # Fused kernels are opaque to the counter; the plain path shows its products.
    mapping = {torch.ops.mkldnn._linear_pointwise: _linear_flops}
    counter = FlopCounterMode(display=False, custom_mapping=mapping)
    with torch.no_grad(), sdpa_kernel(SDPBackend.MATH), counter:
        run()
    return counter.get_total_flops() // 2


def _linear_flops(x: tuple[int, ...], weight: tuple[int, ...], *_: object, **__: object) -> int:
    return 2 * math.prod(x) * weight[0]


def meetings(partition: Partition) -> Tensor:
    """Return (N, N) booleans: which tokens are in the same head."""
    heads = torch.empty_like(partition.order)
    for head, tokens in enumerate(partition.table):
        heads[tokens[tokens >= 0]] = head
    return heads[:, None] == heads


def dependence(num_tokens: int, num_heads: int, kind: PartitionKind, layers: int, first: int = 0) -> Tensor:
    """Return (layers, N, N) booleans: the inputs (last axis) that reach each output after 1, 2, ... layers.

    The layers are residual layers of a stack in evaluation, with `layer_index` from `first`.
    """
    reached = torch.eye(num_tokens)
    found = []
    for index in range(first, first + layers):
        met = meetings(make_partition(num_tokens, num_heads, kind, index=index)).float()
        reached = (met @ reached > 0).float()
        found.append(reached > 0)
    return torch.stack(found)


def dependence_by_gradient(layers: Sequence[nn.Module], num_tokens: int, hidden_size: int) -> Tensor:
    """Return (N, N) booleans: the inputs (last axis) with a gradient from each output of residual layers."""
    x = torch.randn(1, num_tokens, hidden_size, dtype=torch.float64, requires_grad=True)
    y = x
    for layer in layers:
        y = y + layer(y)
    rows = [torch.autograd.grad(output.sum(), x, retain_graph=True)[0] for output in y[0]]
    return torch.cat(rows).abs().sum(-1) > 0


def expected_coverage(num_tokens: int, tokens_per_head: float) -> float:
    """Return the share of inputs that reach an output in two random layers, about 1 - exp(-g^2/N)."""
    return 1.0 - math.exp(-(tokens_per_head**2) / num_tokens)


def exchange_heads(x: Tensor, partition: Partition, first: int, second: int) -> Tensor:
    """Return x (batch, N, d) with the tokens of two heads of equal size exchanged."""
    one, other = partition.table[first], partition.table[second]
    if int((one >= 0).sum()) != int((other >= 0).sum()):
        raise ValueError(f"heads {first} and {second} hold different numbers of tokens")
    one, other = one[one >= 0], other[other >= 0]
    exchanged = x.clone()
    exchanged[:, one], exchanged[:, other] = x[:, other], x[:, one]
    return exchanged


def exchange_error(layer: SparseMultiHeadAttention, x: Tensor, first: int = 0, second: int = 1) -> float:
    """Return by how much exchanging the tokens of two heads changes the outputs of these tokens.

    This is the largest absolute difference, relative to the largest output; it is zero if all heads compute
    the same function.
    """
    partition = layer.partitions(x.shape[1])[0]
    with torch.no_grad():
        expected = exchange_heads(layer(x), partition, first, second)
        found = layer(exchange_heads(x, partition, first, second))
    return float((found - expected).abs().max() / expected.abs().max())


def first_presses(events: pd.DataFrame) -> np.ndarray:
    """Return the seconds from the start of each trial to its first press, even if before the stimulus.

    NaN for trials without a press.

    events : events of one recording, with the columns `onset` (seconds) and `value`.
    """
    onset, value = events["onset"].to_numpy(np.float64), events["value"]
    starts = np.sort(onset[value == TRIAL_START])
    presses = np.append(np.sort(onset[value.isin(PRESSES)]), np.inf)
    following = presses[np.searchsorted(presses, starts)]
    return np.where(following < np.append(starts[1:], presses[-1]), following, np.nan) - starts


def saved_bytes(network: nn.Module, x: Tensor) -> int:
    """Return the bytes that a training step keeps for its backward pass, without weights."""
    weights = {parameter.untyped_storage().data_ptr() for parameter in network.parameters()}
    storages: dict[int, int] = {}
    held = []

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            storages[storage.data_ptr()] = storage.nbytes()
            held.append(tensor)  # so that its address isn't used again
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        network(x).square().mean().backward()
    return sum(storages.values())
