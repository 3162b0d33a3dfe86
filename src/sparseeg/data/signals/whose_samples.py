"""Whether a file that a header names is that of another recording."""

from collections.abc import Collection
from pathlib import Path


def other_header(path: Path, named: Path, headers: Collection[str]) -> Path | None:
    """Return the header that is called like a file that the header `path` names, if that is another one.

    headers : endings of headers.
    """
    return None if named.stem == path.stem else _called_like(named, headers, path)


def own_file(path: Path, named: Path, endings: Collection[str]) -> Path | None:
    """Return a file with one of some endings that is called like a header which names another file."""
    return None if named.stem == path.stem else _called_like(path, endings, named)


def _called_like(path: Path, endings: Collection[str], known: Path) -> Path | None:
    """Return the file with the stem of a path and one of some endings, unless it is a known one."""
    for file in sorted(path.parent.glob("*")):
        if file.stem != path.stem or file.suffix.lower() not in endings:
            continue
        # Where capitals make no difference, a header may name its own file in another spelling.
        if not (file.exists() and known.exists() and file.samefile(known)):
            return file
    return None
