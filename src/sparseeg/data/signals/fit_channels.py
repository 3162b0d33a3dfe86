"""From the channels that a recording has to those that a network takes."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import mne
import numpy as np

from sparseeg.errors import SparseEEGError, nearest

MOST_INTERPOLATED = 0.25  # share of the channels
FEWEST_KNOWN = 4  # channels with a position that an interpolation needs
_NEW_NAMES = {"t3": "t7", "t4": "t8", "t5": "p7", "t6": "p8"}  # of the 10-20 system's electrodes
_AROUND = re.compile(r"^(eeg[ _-]+)?(.*?)([ _-]+(ref|le|avg))?\.*$")


@dataclass(frozen=True)
class ChannelFit:
    """How each wanted channel is made of those that were found.

    Parameters
    ----------
    columns : (wanted,), the found channel that it is; -1 where there is none.
    weights : (interpolated, found), of those that are interpolated by spherical splines.
    interpolated, zeroed : names of wanted channels: made of the others, and left without signal.
    """

    ch_names: tuple[str, ...]
    columns: np.ndarray
    weights: np.ndarray
    interpolated: tuple[str, ...] = ()
    zeroed: tuple[str, ...] = ()

    def apply(self, signal: np.ndarray) -> np.ndarray:
        """Return the wanted channels of a signal (found, time), (wanted, time)."""
        result = np.zeros((len(self.columns), signal.shape[1]), dtype=signal.dtype)
        plain = self.columns >= 0
        result[plain] = signal[self.columns[plain]]
        if self.interpolated:
            rows = [self.ch_names.index(name) for name in self.interpolated]
            used = self.weights.any(axis=0)  # a bad channel that isn't a number must not reach the others
            result[rows] = self.weights[:, used] @ signal[used]
        return result


def plain_name(name: str) -> str:
    """Return a channel's name without what formats and amplifiers put around it: `EEG Fp1-REF` is `fp1`.

    Old names of the 10-20 system become the new ones, as T3 becomes `t7`.
    """
    match = _AROUND.match(name.strip().lower())
    plain = match.group(2) if match and match.group(2) else name.strip().lower()
    return _NEW_NAMES.get(plain, plain)


def fit_channels(
    found: Sequence[str],
    wanted: Sequence[dict[str, Any]],
    bad: Collection[str] = (),
    flat: Collection[str] = (),
    reference: Collection[str] = (),
) -> ChannelFit:
    """Find each wanted channel by its name, whatever its capitals; interpolate those that are missing or bad.

    Parameters
    ----------
    found : names of a recording's channels.
    wanted : `{"ch_name": name, "loc": [x, y, z] or None}` of each, in their order.
    bad : found channels whose signal isn't used.
    flat : wanted channels that were without signal in training, as the reference: they stay so.
    reference : channels that will be subtracted: those that were found have a signal until then, flat or not.

    Raises
    ------
    SparseEEGError : a name stands twice, too many are missing, or one without a position is; they are named.
    """
    names = tuple(channel["ch_name"] for channel in wanted)
    places: dict[str, int] = {}
    for number, name in enumerate(found):
        key = plain_name(name)
        if key in places and key in {plain_name(want) for want in names}:
            raise SparseEEGError(f"two channels are called {key}: {found[places[key]]!r} and {name!r}")
        places[key] = number
    useless = {plain_name(name) for name in bad}
    flat = {name for name in flat if not (name in reference and plain_name(name) in places)}
    columns = np.array(
        [
            -1 if name in flat or plain_name(name) in useless else places.get(plain_name(name), -1)
            for name in names
        ]
    )
    lacking = tuple(name for name, at in zip(names, columns, strict=True) if at < 0 and name not in flat)
    zeroed = tuple(name for name in names if name in flat)
    if not lacking:
        return ChannelFit(names, columns, np.empty((0, len(found))), (), zeroed)
    _check(lacking, wanted, found, columns)
    weights = np.zeros((len(lacking), len(found)))
    known = [row for row, at in enumerate(columns) if at >= 0 and wanted[row]["loc"] is not None]
    weights[:, columns[known]] = _splines(wanted, known, lacking)
    return ChannelFit(names, columns, weights, lacking, zeroed)


def check_bad(bad: Collection[str], found: Sequence[str]) -> None:
    """Raise SparseEEGError where somebody calls a channel bad that isn't among those that were found."""
    known = {plain_name(name) for name in found}
    for name in bad:
        if plain_name(name) not in known:
            raise SparseEEGError(f"there is no channel {name!r} that could be bad.{nearest(name, found)}")


def _check(
    lacking: Sequence[str], wanted: Sequence[dict[str, Any]], found: Sequence[str], columns: np.ndarray
) -> None:
    """Raise SparseEEGError unless the channels that are lacking can be interpolated."""
    listed = ", ".join(lacking[:8]) + (f" and {len(lacking) - 8} more" if len(lacking) > 8 else "")
    if (columns < 0).all():
        raise SparseEEGError(
            f"it has none of the network's channels ({listed}); its own are {', '.join(found[:8])}"
            f"{', ...' if len(found) > 8 else ''}"
        )
    if len(lacking) > MOST_INTERPOLATED * len(wanted):
        raise SparseEEGError(
            f"{len(lacking)} of the network's {len(wanted)} channels are missing or bad ({listed}); at most "
            f"{MOST_INTERPOLATED:.0%} are interpolated.{nearest(lacking[0], found)}"
        )
    located = {channel["ch_name"] for channel in wanted if channel["loc"] is not None}
    for name in lacking:
        if name not in located:
            raise SparseEEGError(
                f"{name} is missing or bad and can't be interpolated: its position isn't known."
                f"{nearest(name, found)}"
            )
    known = sum(at >= 0 and channel["loc"] is not None for at, channel in zip(columns, wanted, strict=True))
    if known < FEWEST_KNOWN:
        raise SparseEEGError(
            f"{listed} can't be interpolated: only {known} of the channels that are there have a position"
        )


def _splines(wanted: Sequence[dict[str, Any]], known: Sequence[int], lacking: Sequence[str]) -> np.ndarray:
    """Return the weights (lacking, known) of MNE's spherical splines (Perrin et al. 1989).

    Interpolation is linear: what it makes of each known channel alone is that channel's weight.
    """
    kept = [wanted[row]["ch_name"] for row in known]
    places = {channel["ch_name"]: channel["loc"] for channel in wanted if channel["loc"] is not None}
    names = [*kept, *lacking]
    info = mne.create_info(names, 100.0, "eeg")
    montage = mne.channels.make_dig_montage({name: places[name] for name in names}, coord_frame="head")
    alone = np.zeros((len(names), len(kept)))
    alone[: len(kept)] = np.eye(len(kept))
    with mne.utils.use_log_level("error"):
        raw = mne.io.RawArray(alone, info).set_montage(montage)
        raw.info["bads"] = list(lacking)
        raw.interpolate_bads()
    return raw.get_data()[len(kept) :]
