"""Evaluation with partitions other than the stored one: several in turn, or one head for all tokens."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Literal, TypeVar

from sparseeg.attention import SparseMultiHeadAttention

from .network import Module

Partitions = int | Literal["full"]
AnyNetwork = TypeVar("AnyNetwork", bound=Module)
Result = TypeVar("Result")

_LAYERS_PER_DRAW = 1_000  # indices between two draws: more than a stack has layers
_ALL_TOKENS = 2**40  # tokens per head: more than any window has


def random_layers(network: Module) -> list[SparseMultiHeadAttention]:
    """Return the attention layers that draw a new partition in every training step."""
    layers = [layer for layer in network.modules() if isinstance(layer, SparseMultiHeadAttention)]
    return [layer for layer in layers if layer.partition == "random"]


@contextmanager
def draw(network: Module, number: int) -> Iterator[None]:
    """Use the partitions of another draw in random layers within this context; draw 0 is the stored one."""
    layers = random_layers(network)
    for layer in layers:
        layer.layer_index += _LAYERS_PER_DRAW * number
    try:
        yield
    finally:
        for layer in layers:
            layer.layer_index -= _LAYERS_PER_DRAW * number


@contextmanager
def full_attention(network: Module) -> Iterator[None]:
    """Attend to all tokens in random layers within this context, at quadratic cost."""
    layers = random_layers(network)
    kept = [layer.tokens_per_head for layer in layers]
    for layer in layers:
        layer.tokens_per_head = _ALL_TOKENS
    try:
        yield
    finally:
        for layer, tokens in zip(layers, kept, strict=True):
            layer.tokens_per_head = tokens


def ways(network: Module, partitions: Partitions) -> list[AbstractContextManager[None]]:
    """Return contexts: the prediction of a network is the mean of its outputs, one within each of them.

    partitions : number of draws, or "full" for attention to all tokens. Networks without random layers have
        one context, in which nothing changes.
    """
    if not random_layers(network):
        return [nullcontext()]
    if partitions == "full":
        return [full_attention(network)]
    return [draw(network, number) for number in range(partitions)]


def for_each_way(
    network: AnyNetwork, partitions: Partitions, run: Callable[[AnyNetwork], Result]
) -> list[Result]:
    """Call `run(network)` within each context of `ways` and return the results."""
    results = []
    for way in ways(network, partitions):
        with way:
            results.append(run(network))
    return results
