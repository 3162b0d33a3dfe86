"""Files that are there whole or not at all."""

import json
import math
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from sparseeg.errors import SparseEEGError, one_line
from sparseeg.files.yaml import describe

Content = TypeVar("Content")
_UNFINISHED = re.compile(r"\.(.+)\.[0-9a-f]{12}\.partial")


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Give a new file beside `path` to write to; it is renamed to `path` at the end of the block.

    Readers of `path` find the old content or the new. The new file has a name of its own, so that any number
    of processes and threads can write to `path`; an error removes it.
    """
    unfinished = path.with_name(f".{path.name}.{secrets.token_hex(6)}.partial")
    try:
        yield unfinished
        unfinished.replace(path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise


def unfinished_target(name: str) -> str | None:
    """Return the name of the file that `whole_file` was writing under `name`; None for any other name."""
    found = _UNFINISHED.fullmatch(name)
    return found[1] if found else None


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file so that its readers find the old content or the new."""
    with whole_file(path) as unfinished:
        unfinished.write_bytes(content.encode() if isinstance(content, str) else content)


def write_json(path: Path, content: Any) -> None:
    """Write as JSON, which doesn't know NaN: null stands for it."""
    write_whole(path, json.dumps(_without_nan(content), indent=2, allow_nan=False) + "\n")


def read_json(path: Path, kind: type[Content]) -> Content:
    """Return the content of a JSON file, checked to be of a `kind`; SparseEEGError where it is damaged."""
    try:
        return TypeAdapter(kind).validate_json(path.read_bytes(), strict=True)
    except FileNotFoundError as error:
        raise SparseEEGError(f"{path} is missing") from error
    except ValidationError as error:
        raise SparseEEGError(f"{path} is damaged: {describe(error)}") from error
    except OSError as error:
        raise SparseEEGError(f"{path} can't be read: {one_line(error)}") from error


def _without_nan(content: Any) -> Any:
    if isinstance(content, dict):
        return {key: _without_nan(value) for key, value in content.items()}
    if isinstance(content, list):
        return [_without_nan(value) for value in content]
    return None if isinstance(content, float) and math.isnan(content) else content
