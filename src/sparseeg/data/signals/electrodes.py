"""Positions of electrodes that a recording states itself: in its electrodes.tsv, or in its file."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import mne
import numpy as np
from scipy.spatial.transform import Rotation

from sparseeg.data.bids.layout import BidsFile
from sparseeg.data.problems import Problem, noted
from sparseeg.data.signals.caps import cap_of
from sparseeg.data.signals.names import plain_name
from sparseeg.data.signals.positions import chs_info
from sparseeg.errors import SparseEEGError, one_line
from sparseeg.files.tsv import finite_numbers, read_tsv

OTHER_CAP = 0.02  # metres: the same cap differs by up to 0.01 between people, another one by 0.03 or more
_FEWEST = 8  # electrodes that are compared: fewer can be turned and stretched to fit another cap
_FLAT = 0.05  # of the radius
_RADIUS = 0.09  # metres, of a head
_METRES = (0.05, 0.15)  # distance of electrodes from their middle, if positions are in metres

Positions = dict[str, list[float]]


def own_positions(
    raw: mne.io.BaseRaw | mne.BaseEpochs, file: BidsFile, names: Sequence[str], problems: list[Problem]
) -> Positions:
    """Return the positions that a recording states, where those of its cap can't be used.

    The cap that its names tell is used for most recordings, because the positions that files state are often
    those of a cap as well, in units and axes that vary. It can't be used if the names don't tell it, or if
    the stated positions are those of another cap.

    Parameters
    ----------
    raw, file : the recording.
    names : its EEG channels.
    problems : gets a note on an electrodes.tsv that is not used, and on positions of another cap.

    Returns
    -------
    positions : by channel, in metres, in any direction; empty if those of the cap are used or none are there.
    """
    stated, path = _in_table(file, names, problems) or _in_file(raw, file.path, names)
    known = {channel["ch_name"]: channel["loc"] for channel in chs_info(names) if channel["loc"] is not None}
    if not stated or 2 * len(known) < len(names):
        return stated
    apart = _distance(stated, known)
    if apart < OTHER_CAP:
        return {}
    reason = (
        f"electrodes lie {100 * apart:.0f} cm from those of {cap_of(names)} with the same names, by the "
        f"positions in {path.name}"
    )
    problems.append(Problem(file.path, reason, "bad channels are interpolated by these positions", "nothing"))
    return stated


def electrode_tables(file: BidsFile) -> list[Path]:
    """Return the electrodes.tsv files that apply to a recording, nearest first; those with `space-` last."""
    spaces = {path.name.rpartition("space-")[2] for path in file.path.parent.glob("*_space-*_electrodes.tsv")}
    suffixes = ("electrodes.tsv", *(f"space-{rest}" for rest in sorted(spaces)))
    return [table for suffix in suffixes for table in file.sidecars(suffix)]


def _in_table(file: BidsFile, names: Sequence[str], problems: list[Problem]) -> tuple[Positions, Path] | None:
    """Return the positions in the electrodes.tsv of a recording; None if it states none of its electrodes."""
    path = next(iter(electrode_tables(file)), None)
    if path is None:
        return None
    notes: list[str] = []
    try:
        table = read_tsv(path, ("name", *"xyz"), notes)
        if not {"name", *"xyz"} <= set(table.columns):
            raise SparseEEGError("it lacks a column name, x, y or z")
    except SparseEEGError as error:
        problems.append(Problem(path, one_line(error), "not used", "nothing"))
        return None
    problems += noted(path, notes)
    places = np.stack([finite_numbers(table[axis])[0] for axis in "xyz"], axis=1)
    rows = {plain_name(name): place for name, place in zip(table["name"].fillna(""), places, strict=True)}
    found = _in_metres({name: rows[plain_name(name)] for name in names if plain_name(name) in rows})
    if not found:
        reason = "it states no positions of the recording's electrodes in three dimensions"
        problems.append(Problem(path, reason, "not used", "nothing"))
        return None
    return found, path


def _in_file(
    raw: mne.io.BaseRaw | mne.BaseEpochs, path: Path, names: Sequence[str]
) -> tuple[Positions, Path]:
    """Return the positions in the file of a recording."""
    stated = {name: raw.info["chs"][raw.ch_names.index(name)]["loc"][:3] for name in names}
    return _in_metres(stated), path


def _in_metres(stated: Mapping[str, np.ndarray]) -> Positions:
    """Return positions in any unit in metres, without those that are missing or the origin.

    There are none if they lie in a plane, as on a drawing of a cap.
    """
    found = {name: place for name, place in stated.items() if np.isfinite(place).all() and place.any()}
    if not found:
        return {}
    places = np.array(list(found.values()), dtype=np.float64)
    radius = float(np.median(np.linalg.norm(places - places.mean(axis=0), axis=1)))
    thickness = np.linalg.svd(places - places.mean(axis=0), compute_uv=False)[-1] / np.sqrt(len(places))
    if radius == 0 or (len(places) >= _FEWEST and thickness < _FLAT * radius):
        return {}
    scale = 1.0 if _METRES[0] < radius < _METRES[1] else _RADIUS / radius
    return dict(zip(found, np.round(scale * places, 5).tolist(), strict=True))


def _distance(one: Mapping[str, Sequence[float]], other: Mapping[str, Sequence[float]]) -> float:
    """Return the median distance of electrodes in metres, after turning, moving and scaling `one` to fit.

    These change no interpolation by spherical splines. 0 if too few electrodes are in both.
    """
    common = [name for name in one if name in other]
    if len(common) < _FEWEST:
        return 0.0
    own, wanted = (np.array([places[name] for name in common]) for places in (one, other))
    own, wanted = own - own.mean(axis=0), wanted - wanted.mean(axis=0)
    own *= np.sqrt(np.sum(wanted**2) / np.sum(own**2))
    turned = Rotation.align_vectors(wanted, own)[0].apply(own)
    return float(np.median(np.linalg.norm(turned - wanted, axis=1)))
