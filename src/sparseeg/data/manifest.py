"""Which files of a folder are fetched and verified: one line each, appended as it is done."""

import json
from pathlib import Path
from threading import Lock

from sparseeg.data.bucket import Remote

NAME = ".sparseeg-fetch.jsonl"


class Manifest:
    """A file of rows by path; the last row of a path counts, and a line torn by a kill doesn't."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = Lock()
        self._rows: dict[str, list[object]] = {}
        self._torn = False
        path = folder / NAME
        content = path.read_bytes() if path.is_file() else b""
        self._torn = not content.endswith(b"\n") and bool(content)
        for line in content.splitlines():
            try:
                row = json.loads(line)
                self._rows[row["path"]] = [row["size"], row["etag"], row["mtime_ns"]]
            except (ValueError, KeyError, TypeError):
                continue

    def has(self, remote: Remote) -> bool:
        """Say whether this version was verified and its file hasn't been touched since."""
        row = self._rows.get(remote.path)
        return row is not None and row[:2] == [remote.size, remote.etag] and row == self._row(remote)

    def add(self, remote: Remote) -> None:
        """Note that the file of this version is verified and in place."""
        row = self._row(remote)
        if row is None:
            raise FileNotFoundError(f"{self.folder / remote.path} is gone")
        size, etag, mtime_ns = row
        line = json.dumps({"path": remote.path, "size": size, "etag": etag, "mtime_ns": mtime_ns}) + "\n"
        with self._lock, (self.folder / NAME).open("a", encoding="utf-8") as file:
            file.write("\n" + line if self._torn else line)
            self._torn = False
            self._rows[remote.path] = row

    def _row(self, remote: Remote) -> list[object] | None:
        try:
            found = (self.folder / remote.path).stat()
        except OSError:
            return None
        return [found.st_size, remote.etag, found.st_mtime_ns]
