"""How a network is built, as plain values that a file of weights can hold."""

from dataclasses import dataclass, field
from typing import Any

from .registry import SIGNAL, BuiltNetwork, build, check_signal


@dataclass(frozen=True)
class NetworkSpec:
    """The arguments of `build`: with them, a file of weights can be opened without anything else.

    `chs_info` holds {"ch_name": name, "loc": [x, y, z] in metres, or None} for each channel; it is None in
    files of versions that did not store positions.
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

    def build(self) -> BuiltNetwork:
        """Return the untrained network."""
        check_signal(self.name, self.options)
        return build(self.name, **{name: getattr(self, name) for name in SIGNAL}, **self.options)
