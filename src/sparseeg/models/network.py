"""What training, evaluation and prediction require of a network, as protocols."""

from collections.abc import Iterator
from typing import Any, Protocol, runtime_checkable

from torch import Tensor, nn


class Module(Protocol):
    """The methods of `torch.nn.Module` that are called on networks."""

    def modules(self) -> Iterator[nn.Module]: ...

    def parameters(self) -> Iterator[nn.Parameter]: ...

    def state_dict(self) -> dict[str, Any]: ...

    def eval(self) -> "Module": ...


class Layer(Protocol):
    """A layer that maps one tensor to another."""

    def __call__(self, x: Tensor) -> Tensor: ...


class FinalLayer(Layer, Protocol):
    """The last layer: maps the output of `encode` to (batch, n_outputs) in the target's unit."""

    @property
    def mean(self) -> Tensor:
        """Mean of the training targets."""

    def set_target(self, mean: float, std: float) -> None:
        """Store the mean and the standard deviation of the training targets."""

    def shrink(self, factor: float) -> None:
        """Let predictions keep this share of their distance from the mean."""


class Network(Module, Protocol):
    """A network that can be trained: `final_layer(encode(x))` is its output for windows x.

    Windows are (batch, channel, time) in any unit. Networks may also have the members of `HasAuxiliary`,
    `HasLayers` and `HasPatches`.
    """

    @property
    def standardize(self) -> Layer:
        """First layer: makes the output independent of the unit of the windows."""

    @property
    def final_layer(self) -> FinalLayer:
        """Last layer; a `LatencyHead` also predicts a standard deviation."""

    def encode(self, x: Tensor) -> Tensor:
        """Return the input of `final_layer` for windows x."""

    def __call__(self, x: Tensor) -> Tensor: ...


# Members of the protocols below are methods, properties and plain attributes, not submodules, which
# `isinstance` does not find from Python 3.12 on.


@runtime_checkable
class HasAuxiliary(Protocol):
    """A network with outputs for yes-or-no labels beside its target."""

    @property
    def n_auxiliary(self) -> int:
        """Number of labels."""

    def auxiliary(self, encoded: Tensor) -> Tensor:
        """Return the logits of the labels, (batch, n_auxiliary), for the output of `encode`."""


@runtime_checkable
class HasLayers(Protocol):
    """A network that names its layers, so that each can have its own learning rate."""

    def layers(self) -> list[list[nn.Parameter]]:
        """Return all parameters by layer, from the input to the output."""


@runtime_checkable
class HasPatches(Protocol):
    """A network whose tokens are patches of single channels, which masked pretraining can hide.

    n_chans, n_times, sfreq : of the windows.
    patch : samples of a patch.
    width : of a token.
    """

    n_chans: int
    n_times: int
    sfreq: float
    patch: int
    width: int

    @property
    def electrode_positions(self) -> Tensor:
        """Positions of the electrodes on the unit sphere, (channel, 3)."""

    def patches(self, x: Tensor) -> Tensor:
        """Cut standardised windows (batch, channel, time) into (batch, channel, step, patch)."""

    def embed(self, patches: Tensor) -> Tensor:
        """Return the tokens of patches, (batch, channel, step, width)."""

    def attend(self, tokens: Tensor) -> Tensor:
        """Add position and time to tokens and pass them through the blocks; the same shape."""
