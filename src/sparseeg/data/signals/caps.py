"""The cap that electrodes belong to, told by all of their names: E30 lies elsewhere on each EGI net."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

import mne
import numpy as np

from sparseeg.data.bids import hbn
from sparseeg.data.signals.names import plain_name

TEN_FIVE, EGI, BIOSEMI = "10-05", "EGI", "BioSemi"
# Names of the 10-05 system in MNE: since 1.13, and before.
_TEN_FIVE_MONTAGES = ("colin27_1005", "standard_1005")
_NETS = {32: "GSN-HydroCel-32", 64: "GSN-HydroCel-65_1.0", 128: hbn.MONTAGE, 256: "GSN-HydroCel-257"}
# The names of smaller caps, A1 to A32 and B1 to B32, are those of sockets, to which any electrode may lead.
_BIOSEMI_CAPS = {128: "biosemi128", 160: "biosemi160", 256: "biosemi256"}
_NET_NAME, _SOCKET = re.compile(r"e([1-9]\d{0,2})"), re.compile(r"([a-h])([1-9]\d?)")
_BANK = 32  # sockets of a letter


@dataclass(frozen=True)
class Cap:
    """A cap of electrodes.

    Parameters
    ----------
    system : the system of its names: "10-05", "EGI" or "BioSemi".
    size : number of its electrodes; None if the names don't tell it, and for the 10-05 system, in which a
        name means the same electrode on every cap.
    """

    system: str
    size: int | None = None

    def __str__(self) -> str:
        if self.system == TEN_FIVE:
            return "the 10-05 system"
        kind = "net" if self.system == EGI else "cap"
        return f"{self.system}'s {kind} of {self.size or 'an unknown number of'} electrodes"

    def differs(self, other: "Cap") -> bool:
        """Say whether equal names are different electrodes on both caps, as far as it is known."""
        if self.system != other.system:  # EGI and the 10-05 system share Cz only, which is the same electrode
            return BIOSEMI in (self.system, other.system)
        return len({self.size, other.size} - {None}) > 1

    def positions(self) -> dict[str, list[float]]:
        """Return the position of each electrode, by its plain name; none if they aren't known.

        Positions are in metres from the centre of the head: x to the right, y to the front, z up. Source: the
        montages of MNE.
        """
        if self.system == TEN_FIVE:
            return _ten_five()
        montage = (_NETS if self.system == EGI else _BIOSEMI_CAPS).get(self.size or 0)
        if montage is None:
            return {}
        found = _montage(montage)
        if self.system == EGI:  # Cz is the reference, which files call by other names, too
            found = found | {name: found["cz"] for name in ("vref", f"e{(self.size or 0) + 1}")}
        return found


def cap_of(ch_names: Iterable[str]) -> Cap | None:
    """Return the cap that has most of the names; None if no cap has any.

    The size of a cap follows from its largest number or letter. It is only known if at least two thirds of
    the electrodes of that cap are there: E1 to E8 are names of every net of EGI.
    """
    names = {plain_name(name) for name in ch_names} | {name.strip().lower() for name in ch_names}
    numbers = [int(match[1]) for match in map(_NET_NAME.fullmatch, names) if match]
    sockets = [match[1] for match in map(_SOCKET.fullmatch, names) if match and int(match[2]) <= _BANK]
    of_net = len(numbers) + len(names & {"cz", "vref"}) if numbers else 0
    counts = {TEN_FIVE: len(names & _ten_five().keys()), EGI: of_net, BIOSEMI: len(sockets)}
    system = max(counts, key=counts.__getitem__)  # the first of several
    if not counts[system]:
        return None
    if system == EGI:
        return Cap(EGI, _net_size(numbers))
    if system == BIOSEMI:
        size = _BANK * (ord(max(sockets)) - ord("a") + 1)
        return Cap(BIOSEMI, size if 3 * len(sockets) >= 2 * size else None)
    return Cap(TEN_FIVE)


def most_frequent_cap(found: Sequence[Sequence[str]]) -> Cap | None:
    """Return the cap of most of several lists of channels, the first of several; None if none is known."""
    caps = [cap for cap in map(cap_of, found) if cap is not None]
    return max(caps, key=lambda cap: (caps.count(cap), -caps.index(cap)), default=None)


def _net_size(numbers: Sequence[int]) -> int | None:
    """Return the size of a net of EGI, whose reference has the number after that of the last electrode."""
    size = next((size for size in _NETS if max(numbers) <= size + 1), None)
    return size if size is not None and 3 * len(numbers) >= 2 * size else None


def _ten_five() -> dict[str, list[float]]:
    builtin = mne.channels.get_builtin_montages()
    return _montage(next(name for name in _TEN_FIVE_MONTAGES if name in builtin))


@cache
def _montage(name: str) -> dict[str, list[float]]:
    found = mne.channels.make_standard_montage(name).get_positions()["ch_pos"]
    return {name.lower(): np.round(position, 5).tolist() for name, position in found.items()}
