"""The base class of the package's networks."""

import itertools
from typing import Any

from torch import Tensor, nn

from .heads import RegressionLayer
from .latency import READ_OUTS, LatencyHead, check_length
from .standardize import Standardize

OUTPUTS = ("scalar", *READ_OUTS)


class EEGNetwork(nn.Module):
    """Network from windows (batch, n_chans, n_times) of any unit to (batch, n_outputs) in the target's unit.

    The signal parameters have the same meaning as in braindecode. Subclasses define `forward_features`, which
    maps standardised windows to (batch, features, steps), and end their constructor with `_finish`.

    Parameters
    ----------
    n_chans : number of channels.
    n_times : samples per window, at least `min_times`.
    n_outputs : number of targets.
    sfreq : sampling rate in Hz.
    chs_info : `ch_name` and `loc` of each channel, as in `mne.Info["chs"]`; kept, not used by the specified
        networks.
    standardize : see `Standardize`.
    output : "scalar", a regression of pooled features; "latency", for targets that are times: the mean of a
        distribution over the window's samples (`LatencyHead`); "latency-median": its median.
    """

    min_times = 1
    head: nn.Module
    final_layer: RegressionLayer | LatencyHead

    def __init__(
        self,
        n_chans: int,
        n_times: int,
        n_outputs: int = 1,
        sfreq: float = 100.0,
        chs_info: list[dict[str, Any]] | None = None,
        standardize: str = "window",
        output: str = "scalar",
    ) -> None:
        super().__init__()
        check_output(type(self).__name__, output, n_outputs)
        for name, value in (("n_chans", n_chans), ("n_times", n_times), ("n_outputs", n_outputs)):
            if value < 1:
                raise ValueError(f"{type(self).__name__}: {name} must be at least 1, not {value}")
        if n_times < self.min_times:
            raise ValueError(
                f"{type(self).__name__} needs windows of at least {self.min_times} samples "
                f"(its pooling would leave nothing), not n_times={n_times}"
            )
        if chs_info is not None and len(chs_info) != n_chans:
            raise ValueError(f"chs_info describes {len(chs_info)} channels, n_chans is {n_chans}")
        self.n_chans = n_chans
        self.n_times = n_times
        self.n_outputs = n_outputs
        self.sfreq = sfreq
        self.chs_info = chs_info
        self.output = output
        self.standardize = Standardize(standardize)

    def _finish(self, n_features: int, head: nn.Module, width: int) -> None:
        """Set the layers after `forward_features`.

        head : maps its (batch, n_features, steps) to (batch, width), for a scalar output.
        """
        if self.output in READ_OUTS:
            self.head = nn.Identity()
            self.final_layer = LatencyHead(n_features, self.n_times, self.sfreq, READ_OUTS[self.output])
        else:
            self.head = head
            self.final_layer = RegressionLayer(width, self.n_outputs)

    def forward_features(self, x: Tensor) -> Tensor:
        """Map standardised windows (batch, n_chans, n_times) to features (batch, features, steps)."""
        raise TypeError(f"{type(self).__name__} does not define forward_features")

    def encode(self, x: Tensor) -> Tensor:
        """Return the input of `final_layer` for windows (batch, n_chans, n_times)."""
        if x.ndim != 3 or x.shape[1] != self.n_chans or x.shape[2] < self.min_times:
            raise ValueError(
                f"{type(self).__name__} takes (batch, {self.n_chans}, time >= {self.min_times}), "
                f"not {tuple(x.shape)}"
            )
        check_length(self.final_layer, x)
        return self.head(self.forward_features(self.standardize(x)))

    def forward(self, x: Tensor) -> Tensor:
        return self.final_layer(self.encode(x))


def check_output(network: str, output: str, n_outputs: int) -> None:
    """Raise ValueError unless `output` is a kind of output that has `n_outputs` numbers."""
    if output not in OUTPUTS:
        raise ValueError(f"output must be one of {', '.join(OUTPUTS)}, not {output!r}")
    if output in READ_OUTS and n_outputs != 1:
        raise ValueError(f"{network}: a latency is one number, n_outputs is {n_outputs}")


def mlp(*widths: int, dropouts: tuple[float, ...] = ()) -> nn.Sequential:
    """Linear layers of the given widths, each followed by ReLU and, where given, dropout."""
    layers: list[nn.Module] = []
    for position, (before, after) in enumerate(itertools.pairwise(widths)):
        layers += [nn.Linear(before, after), nn.ReLU()]
        if position < len(dropouts) and dropouts[position]:
            layers.append(nn.Dropout(dropouts[position]))
    return nn.Sequential(*layers)
