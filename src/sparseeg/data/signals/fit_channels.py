"""Match the channels of a recording to those that a network expects."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import mne
import numpy as np

from sparseeg.data.signals.caps import Cap, cap_of
from sparseeg.data.signals.names import plain_name
from sparseeg.errors import SparseEEGError, nearest

MOST_INTERPOLATED = 0.25  # share of the channels
FEWEST_KNOWN = 4  # channels with a position that interpolation needs


@dataclass(frozen=True)
class ChannelFit:
    """How each wanted channel is computed from the channels that were found.

    Parameters
    ----------
    ch_names : the wanted channels, in their order.
    columns : (wanted,), index of the found channel; -1 if it is interpolated or zero.
    weights : (interpolated, found), weights of the interpolation by spherical splines.
    interpolated : wanted channels that are interpolated.
    zeroed : wanted channels that are set to zero.
    """

    ch_names: tuple[str, ...]
    columns: np.ndarray
    weights: np.ndarray
    interpolated: tuple[str, ...] = ()
    zeroed: tuple[str, ...] = ()

    @property
    def keeps_all(self) -> bool:
        """Whether the wanted channels are all of those found, in their order."""
        return self.columns.tolist() == list(range(self.weights.shape[1]))

    def apply(self, signal: np.ndarray) -> np.ndarray:
        """Return the wanted channels (wanted, time) of a signal (found, time)."""
        result = np.zeros((len(self.columns), signal.shape[1]), dtype=signal.dtype)
        plain = self.columns >= 0
        result[plain] = signal[self.columns[plain]]
        if self.interpolated:
            rows = [self.ch_names.index(name) for name in self.interpolated]
            used = self.weights.any(axis=0)  # NaN in a bad channel must not spread to the others
            result[rows] = self.weights[:, used] @ signal[used]
        return result


def fit_channels(
    found: Sequence[str],
    wanted: Sequence[dict[str, Any]],
    bad: Collection[str] = (),
    flat: Collection[str] = (),
    reference: Collection[str] = (),
    *,
    interpolate: bool = True,
    whose: str = "the network",
    own: Mapping[str, Sequence[float]] = MappingProxyType({}),
    cap: Cap | None = None,
) -> ChannelFit:
    """Find each wanted channel by name, as in `plain_name`; interpolate channels that are missing or bad.

    Parameters
    ----------
    found : channel names of a recording.
    wanted : `{"ch_name": name, "loc": [x, y, z] or None}` for each wanted channel, in their order.
    bad : found channels whose signal is not used.
    flat : wanted channels that were flat in training, as the reference electrode; they are set to zero.
    reference : channels whose mean will be subtracted; if found, they keep their signal even if `flat`.
    interpolate : whether channels may be interpolated; otherwise none may be missing.
    whose : name of the owner of the wanted channels in messages.
    own : positions of found channels, if they are to be used instead of those of the wanted ones.
    cap : the cap of the wanted channels; by default that of their names.

    Raises
    ------
    SparseEEGError : a name can mean two channels, the channels are those of another cap, too many channels
        are missing, or the position of a missing channel is not known. The message names channels or caps.
    """
    names = tuple(channel["ch_name"] for channel in wanted)
    indices = _indices(found, names, whose)
    if indices:
        check_caps(cap_of(found), cap or cap_of(names), whose)
    if own:
        places = {name: own.get(found[at]) for name, at in indices.items()}
        wanted = [{"ch_name": name, "loc": places.get(name)} for name in names]
    unusable = {plain_name(name) for name in bad}
    flat = {name for name in flat if not (name in reference and indices.get(name) is not None)}
    unused = {name for name in names if name in flat or plain_name(name) in unusable}
    columns = np.array([-1 if name in unused else indices.get(name, -1) for name in names])
    missing = tuple(name for name, at in zip(names, columns, strict=True) if at < 0 and name not in flat)
    zeroed = tuple(name for name in names if name in flat)
    if not missing:
        return ChannelFit(names, columns, np.empty((0, len(found))), (), zeroed)
    _check_missing(missing, wanted, found, columns, interpolate, whose)
    weights = np.zeros((len(missing), len(found)))
    known = [row for row, at in enumerate(columns) if at >= 0 and wanted[row]["loc"] is not None]
    weights[:, columns[known]] = _spline_weights(wanted, known, missing)
    return ChannelFit(names, columns, weights, missing, zeroed)


def _indices(found: Sequence[str], names: Sequence[str], whose: str) -> dict[str, int]:
    """Return the index of each wanted name that is found: the same name, else the only one of its plain name.

    Raises SparseEEGError where two channels could be meant.
    """
    plain = [plain_name(name) for name in found]
    indices: dict[str, int] = {}
    for name in names:
        alike = [number for number, other in enumerate(found) if other == name]
        alike = alike or [number for number, other in enumerate(plain) if other == plain_name(name)]
        if len(alike) > 1 or (alike and alike[0] in indices.values()):
            same = [each for each in (*names, *found) if plain_name(each) == plain_name(name)]
            raise SparseEEGError(
                f"it is not clear which channel is {same[0]} of {whose}: names are the same or differ only "
                f"in case or prefix: {', '.join(dict.fromkeys(same))}; rename the channels"
            )
        if alike:
            indices[name] = alike[0]
    return indices


def check_caps(found: Cap | None, wanted: Cap | None, whose: str = "the network") -> None:
    """Raise SparseEEGError if equal names are different electrodes, because the caps are known to differ."""
    if found is not None and wanted is not None and found.differs(wanted):
        raise SparseEEGError(
            f"its channels are named as those of {found}, but {whose} has channels of {wanted}: equal names "
            "are different electrodes there; use recordings with the same cap"
        )


def check_bad(bad: Collection[str], found: Sequence[str]) -> None:
    """Raise SparseEEGError if a channel that a user marks as bad is not among those found."""
    known = {plain_name(name) for name in found}
    for name in bad:
        if plain_name(name) not in known:
            raise SparseEEGError(f"there is no channel {name!r} to mark as bad.{nearest(name, found)}")


def _check_missing(
    missing: Sequence[str],
    wanted: Sequence[dict[str, Any]],
    found: Sequence[str],
    columns: np.ndarray,
    interpolate: bool,
    whose: str,
) -> None:
    """Raise SparseEEGError unless the missing channels can be interpolated."""
    listed = ", ".join(missing[:8]) + (f" and {len(missing) - 8} more" if len(missing) > 8 else "")
    own = f"{', '.join(found[:8])}{', ...' if len(found) > 8 else ''}"
    if not interpolate:
        raise SparseEEGError(
            f"it lacks channel {listed} of {whose}.{nearest(missing[0], found)} Its {len(found)} channels "
            f"are {own}"
        )
    if (columns < 0).all():
        raise SparseEEGError(f"it has none of {whose}'s channels ({listed}); its own are {own}")
    if len(missing) > MOST_INTERPOLATED * len(wanted):
        raise SparseEEGError(
            f"{len(missing)} of {whose}'s {len(wanted)} channels are missing or bad ({listed}); at most "
            f"{MOST_INTERPOLATED:.0%} can be interpolated.{nearest(missing[0], found)}"
        )
    located = {channel["ch_name"] for channel in wanted if channel["loc"] is not None}
    for name in missing:
        if name not in located:
            raise SparseEEGError(
                f"{name} is missing or bad and can't be interpolated: its position isn't known. State the "
                "positions of all electrodes in electrodes.tsv, or rename them as in the 10-05 system."
                f"{nearest(name, found)}"
            )
    known = sum(at >= 0 and channel["loc"] is not None for at, channel in zip(columns, wanted, strict=True))
    if known < FEWEST_KNOWN:
        raise SparseEEGError(
            f"{listed} can't be interpolated: only {known} of the channels found have a known position"
        )


def _spline_weights(
    wanted: Sequence[dict[str, Any]], known: Sequence[int], missing: Sequence[str]
) -> np.ndarray:
    """Return the weights (missing, known) of MNE's spherical splines (Perrin et al. 1989).

    Interpolation is linear, so interpolating from one known channel at a time gives its weights.
    """
    kept = [wanted[row]["ch_name"] for row in known]
    positions = {channel["ch_name"]: channel["loc"] for channel in wanted if channel["loc"] is not None}
    names = [*kept, *missing]
    info = mne.create_info(names, 100.0, "eeg")
    montage = mne.channels.make_dig_montage({name: positions[name] for name in names}, coord_frame="head")
    unit = np.zeros((len(names), len(kept)))
    unit[: len(kept)] = np.eye(len(kept))
    with mne.utils.use_log_level("error"):
        raw = mne.io.RawArray(unit, info).set_montage(montage)
        raw.info["bads"] = list(missing)
        raw.interpolate_bads()
    return raw.get_data()[len(kept) :]
