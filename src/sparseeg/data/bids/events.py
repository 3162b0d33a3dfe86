"""Read the events of a recording: from its events.tsv, else from its own file."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import mne
import numpy as np
import pandas as pd

from sparseeg.data.bids.file_events import file_events, holds
from sparseeg.data.bids.layout import BidsFile
from sparseeg.data.bids.no_event import NAMES
from sparseeg.data.problems import Problem, noted
from sparseeg.errors import SparseEEGError, one_line
from sparseeg.files.names import event_name
from sparseeg.files.tsv import finite_numbers, not_numbers, read_tsv

TABLE = "events.tsv"
COLUMNS = ("onset", "duration", "trial_type", "value", "feedback")  # found whatever their capitals
BESIDE = "is there, but is only read for a recording named ..._eeg: give it with --events"
NO_EVENTS = "does not exist, and the file itself has no events"
_SECONDS = {"", "n/a", "s", "sec", "secs", "second", "seconds"}
_OTHER_UNITS = {
    "milliseconds": {"ms", "msec", "msecs", "millisec", "millisecs", "millisecond", "milliseconds"},
    "microseconds": {"us", "\u00b5s", "\u03bcs", "usec", "usecs", "microsec", "microsecond", "microseconds"},
    "samples": {"sample", "samples", "datapoint", "datapoints", "point", "points"},
}
_FAR = 5  # durations of the recording: a recording that was cut off is not that much shorter


@dataclass(frozen=True)
class Events:
    """The events of a recording.

    Parameters
    ----------
    named : columns `onset` (seconds from the first sample), `name` (None if missing), `known`, and `feedback`
        if the file has it, in order of time. An event without an onset is not `known`, has no name, and the
        onset of the event before it in the file.
    content : the rows of events.tsv, as text; None if they were read from the recording itself.
    column : the column of `content` with the names; None if no names were wanted.
    """

    named: pd.DataFrame
    content: pd.DataFrame | None = None
    column: str | None = None


NONE = Events(pd.DataFrame({"onset": np.empty(0), "name": np.empty(0, dtype=object), "known": True}))


def read_events(
    file: BidsFile,
    raw: mne.io.BaseRaw,
    column: str | None,
    wanted: Sequence[Collection[str]],
    problems: list[Problem],
    *,
    table: Path | None = None,
) -> Events:
    """Return the events of a recording.

    Parameters
    ----------
    file, raw : the recording.
    column : column of events.tsv with the names of the events; None if no names are wanted.
    wanted : groups of names, such as stimuli and responses. If a group has no event in `column`, and another
        column has events of each group, that column is read.
    problems : gets what was repaired, and events that were left out.
    table : events file to read instead of events.tsv.

    Raises
    ------
    SparseEEGError : events.tsv can't be read or lacks a column, an onset is not a number, or onsets are not
        in seconds.
    """
    path = table or file.sidecar(TABLE)
    if table is None and not file.sidecars(TABLE):
        return NONE if column is None else _events_of_file(path, raw, wanted, problems)
    content = _content(file, table, column, problems)
    if table is None:
        content = _described(content, file, problems)
    events = events_of_table(content, path, column, wanted, problems)
    _check_seconds(events.named["onset"].to_numpy(), raw)
    return events


def _events_of_file(
    path: Path, raw: mne.io.BaseRaw, wanted: Sequence[Collection[str]], problems: list[Problem]
) -> Events:
    notes: list[str] = []
    found = file_events(raw, wanted, notes)
    reason = "does not exist" if len(found) else NO_EVENTS
    if path.exists():
        reason = BESIDE
    action = "its events are read from the file itself" if len(found) else "read without events"
    problems.append(Problem(path, reason, action, "nothing"))
    problems += [Problem(path, note, action, "nothing") for note in notes]
    return Events(found.assign(known=True))


def _content(file: BidsFile, table: Path | None, column: str | None, problems: list[Problem]) -> pd.DataFrame:
    names = COLUMNS if column is None else (column, *COLUMNS)
    if table is None:
        return file.table(TABLE, names, problems)
    notes: list[str] = []
    content = read_tsv(table, names, notes)
    problems += noted(table, notes)
    return content


def events_of_table(
    content: pd.DataFrame,
    path: Path,
    column: str | None,
    wanted: Sequence[Collection[str]],
    problems: list[Problem],
) -> Events:
    """Return the events in the content of an events file; parameters and errors as in `read_events`."""
    content = content.apply(lambda cells: cells.map(event_name, na_action="ignore"))
    column = _column(content, path, column, wanted, problems)
    names = pd.Series(None, content.index, dtype=object) if column is None else content[column]
    onset, text = finite_numbers(content["onset"])
    if len(text):
        raise SparseEEGError(not_numbers(content["onset"], "onset", text))
    known = np.isfinite(onset)
    if len(known) and not known.any():
        raise SparseEEGError(f"none of its {len(known)} events has an onset")
    if not known.all():
        reason = f"{int((~known).sum())} of {len(known)} events have no onset"
        problems.append(Problem(path, reason, "these events left out", "nothing"))
    named = pd.DataFrame(
        {
            "onset": pd.Series(onset).ffill().to_numpy(),
            "name": names.astype(object).where(names.notna() & known, None),
            "known": known | ~names.isin([name for group in wanted for name in group]).to_numpy(),
        }
    )
    if "feedback" in content:
        named["feedback"] = content["feedback"].to_numpy(dtype=object)
    named = named[np.isfinite(named["onset"])].sort_values("onset", kind="stable", ignore_index=True)
    return Events(named, content, column)


def _column(
    content: pd.DataFrame,
    path: Path,
    column: str | None,
    wanted: Sequence[Collection[str]],
    problems: list[Problem],
) -> str | None:
    """Return the column with the names of the events."""
    if column in content and holds(content[column], wanted):
        return column
    counts = {name: holds(content[name], wanted) for name in content if name not in ("onset", "duration")}
    best = max(counts, key=lambda name: counts[name], default=None)
    lacking = [name for name in ("onset", column) if name is not None and name not in content]
    others = [name for name in NAMES if name in content]
    if lacking == [column] and column in NAMES and others and not (best and counts[best]):
        return others[0]  # it is said there which names are missing
    if "onset" in lacking or (lacking and not (best and counts[best])):
        raise SparseEEGError(
            f"the events lack the column{'s' if len(lacking) > 1 else ''} {', '.join(lacking)}; "
            f"found: {', '.join(map(str, content)) or 'no columns'}"
        )
    if column is None or best is None or not counts[best]:
        return column
    reason = f"the named events are in the column {best}, not in {column}"
    problems.append(Problem(path, reason, f"{best} is read", "nothing"))
    return str(best)


def _described(content: pd.DataFrame, file: BidsFile, problems: list[Problem]) -> pd.DataFrame:
    """Return events whose durations are written with their unit if events.json says that it is not seconds.

    As they are no numbers then, they are refused wherever a duration counts.

    Raises
    ------
    SparseEEGError : events.json says that onsets are not in seconds.
    """
    try:
        about = file.metadata("events.json")
    except SparseEEGError as error:
        problems.append(Problem(file.sidecar("events.json"), one_line(error), "read without it", "nothing"))
        return content
    units, meant = _other_unit(about.get("onset"))
    if units:
        raise SparseEEGError(
            f"events.json says that onsets are in {units!r}{meant}; write them in seconds, with Units s"
        )
    units, _ = _other_unit(about.get("duration"))
    if units and "duration" in content:
        return content.assign(duration=content["duration"] + f" {units}")
    return content


def _other_unit(about: object) -> tuple[str, str]:
    """Return the unit of a column if it is not seconds, and what it means; "" if it is."""
    units = str(about.get("Units") or "").strip() if isinstance(about, dict) else ""
    word = re.split(r"[\s(,;.]", units.lower())[0]  # as in "seconds from the first sample"
    if word in _SECONDS:
        return "", ""
    meant = next((name for name, spellings in _OTHER_UNITS.items() if word in spellings), None)
    return units, f" ({meant})" if meant else ", a unit that is not known"


def _check_seconds(onset: np.ndarray, raw: mne.io.BaseRaw) -> None:
    """Raise SparseEEGError if most onsets lie after the end of a recording that was not just cut off."""
    sfreq = float(raw.info["sfreq"])
    seconds = raw.n_times / sfreq
    late = int((onset > seconds).sum())
    whole = bool(np.all(onset == np.round(onset)))
    if late <= len(onset) / 2 or not (whole or np.median(onset) > _FAR * seconds):
        return
    units = {"samples": sfreq, "milliseconds": 1000.0}
    possible = [name for name, per_second in units.items() if np.median(onset) <= seconds * per_second]
    raise SparseEEGError(
        f"{late} of {len(onset)} onsets lie after the end of the recording of {seconds:g} s; are they in "
        f"{' or '.join(possible) or 'another unit'}? Write them in seconds"
    )
