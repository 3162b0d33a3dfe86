"""Positions of electrodes, found by the names of their channels."""

from collections.abc import Sequence
from typing import Any

from sparseeg.data.signals.caps import Cap, cap_of
from sparseeg.data.signals.names import plain_name


def chs_info(ch_names: Sequence[str], cap: Cap | None = None) -> list[dict[str, Any]]:
    """Return `{"ch_name": name, "loc": [x, y, z]}` for each channel; `loc` is None if it isn't known.

    Positions are in metres from the centre of the head: x to the right, y to the front, z up. They are those
    of a cap, by default that of all the names as `cap_of` tells it. Names are compared as in `plain_name`.
    """
    cap = cap or cap_of(ch_names)
    known = {} if cap is None else cap.positions()
    found = [known.get(name.lower()) or known.get(plain_name(name)) for name in ch_names]
    return [
        {"ch_name": name, "loc": None if loc is None else list(loc)}
        for name, loc in zip(ch_names, found, strict=True)
    ]
