"""Which files of a folder are fetched and verified: one line each, appended as it is done."""

from pathlib import Path
from threading import Lock
from typing import Any

from sparseeg.files.json_lines import JsonLines

from .bucket import Remote

NAME = ".sparseeg-fetch.jsonl"


class Manifest:
    """A file of rows by path; the last row of a path counts."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = Lock()
        self._file = JsonLines(folder / NAME)
        self._rows = {row.get("path"): row for row in self._file.read()}

    def has(self, remote: Remote) -> bool:
        """Say whether this version was verified and its file hasn't been touched since."""
        try:
            row = self._row(remote)
        except OSError:
            return False
        return row == self._rows.get(remote.path) and row["size"] == remote.size

    def add(self, remote: Remote) -> None:
        """Note that the file of this version is verified and in place."""
        row = self._row(remote)
        with self._lock:
            self._file.append(row)
            self._rows[remote.path] = row

    def _row(self, remote: Remote) -> dict[str, Any]:
        """Return the row of a version as its file is now; raises OSError where there is none."""
        found = (self.folder / remote.path).stat()
        return {
            "path": remote.path,
            "size": found.st_size,
            "etag": remote.etag,
            "mtime_ns": found.st_mtime_ns,
        }
