"""Positions of electrodes, found by the names of their channels."""

from collections.abc import Sequence
from typing import Any

import mne
import numpy as np

from sparseeg.data.bids import hbn
from sparseeg.data.signals.fit_channels import plain_name

# Names of the 10-05 system in MNE: since 1.13, and before.
_TEN_FIVE = ("colin27_1005", "standard_1005")


def chs_info(ch_names: Sequence[str]) -> list[dict[str, Any]]:
    """Return `{"ch_name": name, "loc": [x, y, z]}` for each channel; `loc` is None if it isn't known.

    Positions are in metres from the centre of the head: x to the right, y to the front, z up. They come from
    the 10-05 system, or from HBN's cap if that has more of the names, which are compared as in `plain_name`.
    """
    montages = [_positions(_ten_five()), _positions(hbn.MONTAGE)]
    names = [(name.lower(), plain_name(name)) for name in ch_names]
    known = max(
        montages, key=lambda montage: sum(lower in montage or plain in montage for lower, plain in names)
    )
    return [
        {"ch_name": name, "loc": known.get(lower, known.get(plain))}
        for name, (lower, plain) in zip(ch_names, names, strict=True)
    ]


def _ten_five() -> str:
    builtin = mne.channels.get_builtin_montages()
    return next(name for name in _TEN_FIVE if name in builtin)


def _positions(montage: str) -> dict[str, list[float]]:
    found = mne.channels.make_standard_montage(montage).get_positions()["ch_pos"]
    return {name.lower(): np.round(position, 5).tolist() for name, position in found.items()}
