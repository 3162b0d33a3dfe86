"""What `prepare` has done so far: one line per recording, appended as it is done, read again after a kill."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd

from sparseeg.data.problems import Problem
from sparseeg.data.signals.recording import Recording
from sparseeg.files.json_lines import JsonLines

Entry = dict[str, Any]


def entry(key: str, fingerprint: str, result: Recording | Problem) -> Entry:
    """Return what is kept of a recording that was read, or left out."""
    if isinstance(result, Problem):
        return {"file": key, "fingerprint": fingerprint, "problem": _plain(result)}
    windows = result.windows.astype(object).where(result.windows.notna(), None)
    return {
        "file": key,
        "fingerprint": fingerprint,
        "signal": result.signal,
        "ch_names": list(result.ch_names),
        "windows": {name: windows[name].tolist() for name in windows.columns},
        "problems": [_plain(problem) for problem in result.problems],
    }


def result(entry: Entry, signal: Any = None) -> Recording | Problem:
    """Return the recording, with `signal` in its place, or the problem that an entry tells of."""
    if "problem" in entry:
        return _problem(entry["problem"])
    windows = pd.DataFrame(entry["windows"])
    problems = tuple(map(_problem, entry["problems"]))
    return Recording(signal, windows, tuple(entry["ch_names"]), problems)


class Journal:
    """A file of entries by recording; the last one of a recording counts."""

    def __init__(self, path: Path) -> None:
        self._file = JsonLines(path)
        self.entries: dict[str, Entry] = {}
        self.options: dict[str, Any] | None = None
        for line in self._file.read():
            if "options" in line:
                self.options = line["options"]
            else:
                self.entries[line["file"]] = line

    def begin(self, options: dict[str, Any]) -> None:
        """Write the journal anew, with these options and the entries it has."""
        self.options = options
        self.compact(list(self.entries))

    def add(self, content: Entry) -> None:
        """Append an entry."""
        self.entries[content["file"]] = content
        self._file.append(content)

    def compact(self, keys: list[str]) -> None:
        """Write the journal anew with these recordings alone, in this order."""
        self.entries = {key: self.entries[key] for key in keys}
        self._file.replace([{"options": self.options}, *self.entries.values()])


def _plain(problem: Problem) -> dict[str, Any]:
    return asdict(problem) | {"path": str(problem.path)}


def _problem(content: dict[str, Any]) -> Problem:
    return Problem(**content | {"path": Path(content["path"])})
