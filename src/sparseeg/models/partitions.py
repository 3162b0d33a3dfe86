"""Evaluation with other partitions than the stored one: several in turn, or one head for all tokens."""

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Literal

from torch import nn

from sparseeg.attention import SparseMultiHeadAttention

Partitions = int | Literal["full"]

_APART = 1_000  # layers of a stack: no two draws share a partition
_EVERYTHING = 2**40  # tokens


def random_layers(network: nn.Module) -> list[SparseMultiHeadAttention]:
    """Return the attention layers whose partition was drawn anew in every training step."""
    layers = [layer for layer in network.modules() if isinstance(layer, SparseMultiHeadAttention)]
    return [layer for layer in layers if layer.partition == "random"]


@contextmanager
def draw(network: nn.Module, number: int) -> Iterator[None]:
    """Let random layers use the partitions of another draw within this context; draw 0 is the stored one."""
    layers = random_layers(network)
    for layer in layers:
        layer.layer_index += _APART * number
    try:
        yield
    finally:
        for layer in layers:
            layer.layer_index -= _APART * number


@contextmanager
def full_attention(network: nn.Module) -> Iterator[None]:
    """Let random layers attend to all tokens within this context, at quadratic cost."""
    layers = random_layers(network)
    kept = [layer.tokens_per_head for layer in layers]
    for layer in layers:
        layer.tokens_per_head = _EVERYTHING
    try:
        yield
    finally:
        for layer, tokens in zip(layers, kept, strict=True):
            layer.tokens_per_head = tokens


def ways(network: nn.Module, partitions: Partitions) -> list[AbstractContextManager[None]]:
    """Return the contexts in which a network answers once each, for the mean of its answers.

    partitions : draws that are averaged, or "full". Without random layers there is but one way to answer.
    """
    if not random_layers(network):
        return [nullcontext()]
    if partitions == "full":
        return [full_attention(network)]
    return [draw(network, number) for number in range(partitions)]


def each(networks: Iterable[nn.Module], partitions: Partitions) -> Iterator[nn.Module]:
    """Give each network once for every way in which it answers, while it does so."""
    for network in networks:
        for way in ways(network, partitions):
            with way:
                yield network
