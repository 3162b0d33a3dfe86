"""Files that are there whole or not at all."""

from pathlib import Path


def write_whole(path: Path, content: str | bytes) -> None:
    """Write beside `path` and rename into place: whoever reads it finds the old content or the new."""
    unfinished = path.with_name(path.name + ".partial")
    unfinished.write_bytes(content.encode() if isinstance(content, str) else content)
    unfinished.replace(path)
