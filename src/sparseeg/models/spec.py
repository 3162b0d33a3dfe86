"""How a network is built, as plain values: what a file of weights has to say."""

from dataclasses import dataclass, field
from typing import Any

from torch import nn

from sparseeg.errors import SparseEEGError

from .registry import build

SIGNAL = ("n_chans", "n_times", "n_outputs", "sfreq", "chs_info")


@dataclass(frozen=True)
class NetworkSpec:
    """The arguments of `build`, so that a file of weights can be opened alone.

    `chs_info` holds {"ch_name": name, "loc": [x, y, z] in metres, or None} for each channel; None in files
    from before there were positions.
    """

    name: str
    n_chans: int
    n_times: int
    n_outputs: int = 1
    sfreq: float = 100.0
    options: dict[str, Any] = field(default_factory=dict)
    chs_info: list[dict[str, Any]] | None = None

    @property
    def ch_names(self) -> tuple[str, ...] | None:
        """Names of the channels in their order, where they are known."""
        return None if self.chs_info is None else tuple(channel["ch_name"] for channel in self.chs_info)

    def build(self) -> nn.Module:
        """Return the untrained network."""
        for name in SIGNAL:
            if name in self.options:
                raise SparseEEGError(f"{self.name}: {name} follows from the data and is no option")
        return build(self.name, **{name: getattr(self, name) for name in SIGNAL}, **self.options)
