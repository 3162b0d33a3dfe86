"""Files that are there whole or not at all, except after a power failure: nothing is flushed to the disk."""

import json
import math
import os
import platform
import re
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from sparseeg.errors import SparseEEGError, one_line
from sparseeg.files.yaml import describe

Content = TypeVar("Content")
_UNFINISHED = re.compile(r"\.(.+?)\.(?:(\d+)@([\w.-]+)\.)?[0-9a-f]{12}\.partial")  # version 0.1.0: no process
_LONG = 7 * 24 * 3600  # seconds without a change after which an unfinished file is taken as abandoned


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Give a new file beside `path` to write to; it is renamed to `path` at the end of the block.

    Readers of `path` find the old content or the new. The name of the new file says which process on which
    host writes it, and differs each time, so that any number of processes and threads can write to `path`. If
    the block raises an error, the new file is removed, if the system lets it. If the process is killed, it
    stays until `path` is written again or `remove_abandoned` is called.
    """
    remove_abandoned(path.parent, path.name)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}@{_host()}.{secrets.token_hex(6)}.partial")
    try:
        yield unfinished
        unfinished.replace(path)
    except BaseException:
        with suppress(OSError):  # on Windows, a file that is open
            unfinished.unlink()
        raise


def unfinished_target(name: str) -> str | None:
    """Return the name of the file that `whole_file` was writing under `name`; None for any other name."""
    found = _UNFINISHED.fullmatch(name)
    return found[1] if found else None


def remove_abandoned(folder: Path, target: str | None = None) -> None:
    """Remove unfinished files that nobody writes any more from a folder, not from those below it.

    target : the file that they were to become; any by default.
    """
    with suppress(OSError):
        for name in os.listdir(folder):
            found = unfinished_target(name)
            if found is not None and target in (None, found) and is_abandoned(folder / name):
                (folder / name).unlink(missing_ok=True)


def is_abandoned(path: Path) -> bool:
    """Return whether nobody writes to an unfinished file any more.

    Its process has ended, or it has not changed for a week, which decides alone for processes of other hosts
    and on Windows.
    """
    found = _UNFINISHED.fullmatch(path.name)
    if found is None:
        return False
    if found[2] and found[3] == _host() and _has_ended(int(found[2])):
        return True
    return path.exists() and time.time() - path.stat().st_mtime > _LONG


def _host() -> str:
    return re.sub(r"[^\w.-]", "_", platform.node())[:40] or "unknown"


def _has_ended(process: int) -> bool:
    if os.name == "nt":  # where a signal of 0 would end it
        return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    except (OSError, OverflowError):  # another user's
        return False
    with suppress(OSError):  # a container may keep those that have ended as zombies; /proc is of Linux only
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[:1] == ["Z"]
    return False


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
