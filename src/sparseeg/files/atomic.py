"""Files that are there whole or not at all."""

import json
import math
from pathlib import Path
from typing import Any


def write_whole(path: Path, content: str | bytes) -> None:
    """Write beside `path` and rename into place: whoever reads it finds the old content or the new."""
    unfinished = path.with_name(path.name + ".partial")
    unfinished.write_bytes(content.encode() if isinstance(content, str) else content)
    unfinished.replace(path)


def write_json(path: Path, content: Any) -> None:
    """Write as JSON, which doesn't know NaN: null stands for it."""
    write_whole(path, json.dumps(_without_nan(content), indent=2, allow_nan=False) + "\n")


def _without_nan(content: Any) -> Any:
    if isinstance(content, dict):
        return {key: _without_nan(value) for key, value in content.items()}
    if isinstance(content, list):
        return [_without_nan(value) for value in content]
    return None if isinstance(content, float) and math.isnan(content) else content
