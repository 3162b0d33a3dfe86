"""Files with one JSON object per line that are appended to; lines that can't be read are left out.

A kill tears the last line only. Version 0.1.0 and this one append after a torn line, which then stands in the
middle. Callers refuse where they can't do without a line.
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from sparseeg.files.atomic import write_whole


class JsonLines:
    """A file that grows by a line at a time; `read` it before the first line is appended."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._torn = False

    def read(self) -> list[dict[str, Any]]:
        """Return the objects that can be read; none where there is no file."""
        content = self.path.read_bytes() if self.path.is_file() else b""
        self._torn = bool(content) and not content.endswith(b"\n")
        found = []
        for line in content.splitlines():
            try:
                found.append(json.loads(line))
            except ValueError:
                continue
        return [line for line in found if isinstance(line, dict)]

    def append(self, content: dict[str, Any]) -> None:
        """Add an object; a kill leaves it whole or torn, never those before it."""
        with self.path.open("a", encoding="utf-8") as file:
            # On a line of its own, or it would be lost with the torn one.
            file.write(("\n" if self._torn else "") + json.dumps(content) + "\n")
        self._torn = False

    def replace(self, contents: Iterable[dict[str, Any]]) -> None:
        """Write the file anew with these objects alone, unless that is what it holds."""
        text = "".join(json.dumps(content) + "\n" for content in contents).encode()
        if not self.path.is_file() or self.path.read_bytes() != text:
            write_whole(self.path, text)
        self._torn = False
