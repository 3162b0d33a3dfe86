"""Choose the EEG channels of a recording, and say which channels were left out and why."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import mne
import pandas as pd

from sparseeg.data.bids.layout import BidsFile
from sparseeg.data.problems import Problem, listed
from sparseeg.data.signals.electrodes import own_positions
from sparseeg.data.signals.labels import label_type
from sparseeg.data.signals.names import plain_name
from sparseeg.errors import SparseEEGError, one_line

# BIDS channel types that are EEG; the reference electrode of HBN (Cz) belongs to its 129 channels
EEG_TYPES = ("EEG", "REF")
_NUMBERED = re.compile(r"(.+)-(\d+)")  # how MNE tells channels with the same label apart
_MOST_REPEATS = 3  # more channels than this are numbered by whoever named them


@dataclass(frozen=True)
class Selection:
    """The EEG channels of a recording.

    Parameters
    ----------
    names : channels, in the order of the recording.
    bad : those of them that the recording or its channels.tsv marks as bad.
    positions : of its electrodes, if those of its cap can't be used; see `own_positions`.
    """

    names: tuple[str, ...]
    bad: tuple[str, ...] = ()
    positions: Mapping[str, Sequence[float]] = field(default_factory=dict)


@dataclass(frozen=True)
class _Row:
    """What channels.tsv says about a channel; `type` is None if it doesn't say."""

    type: str | None
    bad: bool


def select_channels(
    raw: mne.io.BaseRaw | mne.BaseEpochs, file: BidsFile, problems: list[Problem], named: Collection[str] = ()
) -> Selection:
    """Choose the EEG channels of a recording: by channels.tsv, else by its labels and its own types.

    Parameters
    ----------
    raw, file : the recording.
    problems : gets what was left out, by type, and whatever in channels.tsv was not used.
    named : channels that a user or a network asks for, which are EEG even if their label or the type in the
        file says otherwise; names are compared as in `plain_name`.

    Raises
    ------
    SparseEEGError : no channel is EEG.
    """
    names = raw.ch_names
    rows = _rows(file, names, problems)
    asked = {plain_name(name) for name in named}
    found: dict[str, list[str]] = {}
    for name, own in zip(names, raw.get_channel_types(), strict=True):
        said = rows[name].type if name in rows else None
        kind = _type(own, said, label_type(name))
        if said is None and plain_name(name) in asked:
            kind = "EEG"
        found.setdefault("EEG" if kind in EEG_TYPES else kind, []).append(name)
    chosen = found.pop("EEG", [])
    others = "; ".join(f"{kind}: {', '.join(found[kind])}" for kind in sorted(found))
    if not chosen:
        raise SparseEEGError(f"none of its {len(names)} channels is EEG ({others})")
    for kind in sorted(found):
        count = len(found[kind])
        reason = (
            f"{count} of {len(names)} channels {'is' if count == 1 else 'are'} not EEG "
            f"({kind}: {', '.join(found[kind])})"
        )
        problems.append(Problem(file.path, reason, "left out", "channels", count, kind))
    problems += [Problem(file.path, reason, action, "nothing") for reason, action in _repeated(chosen)]
    marked = {*raw.info["bads"], *(name for name, row in rows.items() if row.bad)}
    positions = own_positions(raw, file, chosen, problems)
    return Selection(tuple(chosen), tuple(name for name in chosen if name in marked), positions)


def channel_types(file: BidsFile) -> dict[str, str]:
    """Return the types in the channels.tsv of a recording, by the names there; none if it can't be read."""
    try:
        table = file.table("channels.tsv", ("name", "type"), []) if _has_table(file) else pd.DataFrame()
    except SparseEEGError:
        return {}
    pairs = zip(_cells(table, "name"), _cells(table, "type"), strict=True)
    return {name: kind.upper() for name, kind in pairs if kind}


def _has_table(file: BidsFile) -> bool:
    path = file.sidecar("channels.tsv")
    return file.path.stem.endswith("_eeg") and (path.is_file() or path.is_symlink())


def _type(own: str, said: str | None, label: str) -> str:
    """Return the BIDS type of a channel, by what MNE says, channels.tsv says, and its label suggests.

    MNE calls a BrainVision channel without a position "misc".
    """
    if own != "eeg" and not (own == "misc" and said in EEG_TYPES):
        return said if said is not None and said not in EEG_TYPES else _BIDS_TYPES.get(own, own.upper())
    return label if said is None else said


_BIDS_TYPES = {"stim": "TRIG", "temperature": "TEMP"}


def _rows(file: BidsFile, names: Sequence[str], problems: list[Problem]) -> dict[str, _Row]:
    """Return what channels.tsv says about each channel of a recording; nothing if there is no such table."""
    path = file.sidecar("channels.tsv")
    if not _has_table(file):
        return {}

    def note(reason: str, action: str) -> None:
        problems.append(Problem(path, reason, action, "nothing"))

    try:
        table = file.table("channels.tsv", ("name", "type", "status"), problems)
    except SparseEEGError as error:
        note(one_line(error), "not used; the types of channels are those of the file and its labels")
        return {}
    if "name" not in table:
        note("it has no column name", "not used; the types of channels are those of the file and its labels")
        return {}
    if "type" not in table:
        note("it has no column type", "the types of channels are those of the file and its labels")
    column = [name or "n/a" for name in _cells(table, "name")]
    types, status = _cells(table, "type"), _cells(table, "status")
    rows = {
        name: _Row(types[at].upper() or None, status[at].lower() == "bad")
        for name, at in _matched(names, column)
    }
    for reason, action in _unused(names, column, rows):
        note(reason, action)
    return rows


def _cells(table: pd.DataFrame, name: str) -> list[str]:
    """Return a column of a table; "" for missing cells, and for all if there is no such column."""
    return list(table[name].fillna("")) if name in table else [""] * len(table)


def _matched(names: Sequence[str], column: Sequence[str]) -> Iterator[tuple[str, int]]:
    """Yield each channel with its row: that of its name, else the only one of the same plain name."""
    free: dict[str, list[int]] = {}
    for at, name in enumerate(column):
        if name not in names:
            free.setdefault(plain_name(name), []).append(at)
    for name in names:
        rows = [column.index(name)] if name in column else free.get(plain_name(name), [])
        if len(rows) == 1:
            yield name, rows[0]


def _unused(names: Sequence[str], column: Sequence[str], rows: dict[str, _Row]) -> Iterator[tuple[str, str]]:
    """Yield what of channels.tsv is not used, or hard to believe, and what was done."""
    if not rows:
        yield (
            f"it names none of the recording's channels: {listed(column, 'name')}; the recording has "
            f"{listed(names, 'channel')}",
            "not used",
        )
        return
    unnamed = [name for name in names if name not in rows and label_type(name) == "EEG"]
    if unnamed:
        yield f"it doesn't describe {listed(unnamed, 'channel')}", "taken as EEG, by their labels"
    repeated = sorted({name for name in column if column.count(name) > 1})
    if repeated:
        yield f"it describes {', '.join(repeated)} more than once", "the first line is used"
    doubtful = [name for name, row in rows.items() if row.type == "EEG" and label_type(name) != "EEG"]
    if doubtful:
        kinds = ", ".join(f"{name} ({label_type(name)} by its label)" for name in doubtful)
        yield f"it says that {kinds} {'is' if len(doubtful) == 1 else 'are'} EEG", "kept as EEG"


def _repeated(names: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield the labels that several channels have, and what was done about them."""
    numbered: dict[str, list[str]] = {}
    alike: dict[str, list[str]] = {}
    for name in names:
        match = _NUMBERED.fullmatch(name)
        if match and match[1] not in names:
            numbered.setdefault(match[1], []).append(name)
        alike.setdefault(plain_name(name), []).append(name)
    for label, group in numbered.items():
        if 1 < len(group) <= _MOST_REPEATS and group == [f"{label}-{at}" for at in range(len(group))]:
            yield f"{len(group)} channels have the label {label}", f"read as {' and '.join(group)}"
    for group in alike.values():
        if len(group) > 1:
            yield f"{' and '.join(group)} are names of the same channel", "kept as different channels"
