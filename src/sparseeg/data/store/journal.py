"""The progress of `prepare`: one line per recording, appended when it is done, read again after a kill."""

from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd
from pydantic import BaseModel, TypeAdapter, ValidationError

from sparseeg.data.bids.named_events import NamedEvents
from sparseeg.data.problems import Problem
from sparseeg.data.signals.recording import Recording
from sparseeg.data.signals.select_channels import Selection
from sparseeg.files.json_lines import JsonLines

Entry = dict[str, Any]


class _Read(BaseModel):
    file: str
    fingerprint: str
    signal: str
    checksum: str | None = None  # version 0.1.0 kept none
    ch_names: list[str]
    found: list[str]
    bad: list[str]
    recording_hash: str | None = None  # earlier versions kept none; their recordings are read again
    events: NamedEvents | None = None  # as with recording_hash
    windows: dict[str, list[Any]]
    problems: list[Problem]


class _LeftOut(BaseModel):
    file: str
    fingerprint: str
    problem: Problem


_ENTRY: TypeAdapter[Any] = TypeAdapter(_Read | _LeftOut)
_EVENTS = TypeAdapter(NamedEvents)


def entry(key: str, fingerprint: str, result: Recording | Problem, checksum: str | None = None) -> Entry:
    """Return the journal entry of a recording that was read or left out.

    checksum : of its signal's file.
    """
    if isinstance(result, Problem):
        return {"file": key, "fingerprint": fingerprint, "problem": _plain(result)}
    windows = result.windows.astype(object).where(result.windows.notna(), None)
    return {
        "file": key,
        "fingerprint": fingerprint,
        "signal": result.signal,
        "checksum": checksum,
        "ch_names": list(result.ch_names),
        "found": list(result.found.names),
        "bad": list(result.found.bad),
        "positions": dict(result.found.positions),
        "recording_hash": result.hash,
        "events": asdict(result.events),
        "windows": {name: windows[name].tolist() for name in windows.columns},
        "problems": [_plain(problem) for problem in result.problems],
    }


def found(entry: Entry) -> Selection:
    """Return the EEG channels that the recording of an entry has, whatever channels its signal was given."""
    return Selection(tuple(entry["found"]), tuple(entry["bad"]), entry.get("positions", {}))


def result(entry: Entry, signal: Any, ch_names: tuple[str, ...]) -> Recording | Problem:
    """Return the recording of an entry with its signal, whose channels are `ch_names`, or its problem."""
    if "problem" in entry:
        return _problem(entry["problem"])
    windows = pd.DataFrame(entry["windows"])
    problems = tuple(map(_problem, entry["problems"]))
    events = _EVENTS.validate_python(entry["events"])
    return Recording(signal, windows, ch_names, problems, found(entry), entry["recording_hash"], events)


class Journal:
    """A file with an entry for each recording; of several entries, the last one is valid.

    A line that is damaged is left out, so that its recording is read again. `options` is None if the line of
    the options is damaged or was not written. `named` has the names of all signals that the store has, had,
    or was about to write, which may be removed.
    """

    def __init__(self, path: Path) -> None:
        self._file = JsonLines(path)
        self.entries: dict[str, Entry] = {}
        self.options: dict[str, Any] | None = None
        self.named: set[str] = set()
        for line in self._file.read():
            if isinstance(line.get("options"), dict):
                self.options = line["options"]
            elif isinstance(line.get("named"), list):
                self.named.update(map(str, line["named"]))
            elif _is_entry(line):
                self._take(line)

    def _take(self, content: Entry) -> None:
        self.entries[content["file"]] = content
        if "signal" in content:
            self.named.add(content["signal"])

    def begin(self, options: dict[str, Any]) -> None:
        """Rewrite the journal with new options and the same entries."""
        self.options = options
        self._write()

    def name(self, signals: Iterable[str]) -> None:
        """Note the names of signals before they are written, so that they are known even after a kill."""
        new = sorted(set(signals) - self.named)
        if new:
            self.named.update(new)
            self._file.append({"named": new})

    def add(self, content: Entry) -> None:
        """Append an entry."""
        self._take(content)
        self._file.append(content)

    def compact(self, keys: Iterable[str], left: Iterable[str]) -> None:
        """Rewrite the journal with these recordings, in this order, and the names of leftover signals."""
        self.entries = {key: self.entries[key] for key in keys}
        self.named = self._used() | set(left)
        self._write()

    def _used(self) -> set[str]:
        return {entry["signal"] for entry in self.entries.values() if "signal" in entry}

    def _write(self) -> None:
        others = sorted(self.named - self._used())
        named = [{"named": others}] if others else []
        self._file.replace([{"options": self.options}, *named, *self.entries.values()])


def _is_entry(line: dict[str, Any]) -> bool:
    try:
        _ENTRY.validate_python(line)
    except ValidationError:
        return False
    return True


def _plain(problem: Problem) -> dict[str, Any]:
    return asdict(problem) | {"path": str(problem.path)}


def _problem(content: dict[str, Any]) -> Problem:
    return Problem(**content | {"path": Path(content["path"])})
