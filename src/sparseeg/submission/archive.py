"""Unpack a submission's zip, after checking all its entries."""

import stat
import zipfile
from pathlib import Path

from sparseeg.errors import SparseEEGError, one_line

ENTRY = "submission.py"
MAX_BYTES = 4 * 2**30
MAX_FILES = 10_000
_BLOCK = 2**20
_MACOS = "__MACOSX/"


def unpack(path: Path, folder: Path, max_bytes: int = MAX_BYTES) -> list[str]:
    """Unpack a zip into a folder, and return notes on entries that a submission should not have.

    The challenge unpacks whatever a zip holds, so folders beside `submission.py` are unpacked, with a note.
    `__MACOSX`, which macOS adds to its zips, is left out. Nothing is written unless all entries are allowed.

    Parameters
    ----------
    path : the zip.
    folder : an existing folder.
    max_bytes : largest total size of the unpacked files.

    Raises
    ------
    SparseEEGError : the file is not a zip or is damaged, or it has an entry that a submission must not have:
        a path that leads out of the folder, a link, a duplicate name; or it is too large, or lacks
        `submission.py` outside of folders.
    """
    if path.is_dir():
        raise SparseEEGError(f"{path} is a folder; name a zip file")
    if not path.is_file():
        raise SparseEEGError(f"{path} does not exist; name a zip file")
    try:
        with zipfile.ZipFile(path) as archive:
            entries = _check(path, archive, max_bytes)
            _extract(path, archive, entries, folder, max_bytes)
    except SparseEEGError:
        raise
    except Exception as error:  # zipfile may raise any error for a damaged file
        raise SparseEEGError(f"{path}: not a zip that can be read ({one_line(error)})") from error
    folders = sorted({entry.filename.partition("/")[0] for entry in entries if "/" in entry.filename})
    if not folders:
        return []
    return [
        f"the folder {', '.join(folders)} beside {ENTRY} was unpacked; the rules ask for a flat zip, so put "
        f"its files beside {ENTRY}"
    ]


def _check(path: Path, archive: zipfile.ZipFile, max_bytes: int) -> list[zipfile.ZipInfo]:
    """Return the files in a zip; raise SparseEEGError for the first entry that is not allowed."""
    entries = archive.infolist()
    if len(entries) > MAX_FILES:
        raise SparseEEGError(f"{path} has {len(entries)} files; at most {MAX_FILES} are allowed")
    seen: set[str] = set()
    for entry in entries:
        name = entry.orig_filename
        reason = _reason_against(name, entry)
        if reason is None and name.lower() in seen:
            reason = "occurs twice"
        if reason is not None:
            raise SparseEEGError(f"{path}: {name[:80]!r} {reason}")
        seen.add(name.lower())
    files = [entry for entry in entries if not (entry.is_dir() or entry.filename.startswith(_MACOS))]
    total = sum(entry.file_size for entry in files)
    if total > max_bytes:
        raise SparseEEGError(_too_large(path, max_bytes, f"{total / 2**30:.1f} GiB"))
    names = [entry.filename for entry in files]
    inside = [name for name in names if name.endswith(f"/{ENTRY}")]
    if ENTRY not in names and inside:
        raise SparseEEGError(
            f"{path}: {inside[0]} is in a folder; zip the files, not the folder that holds them"
        )
    if ENTRY not in names:
        listed = ", ".join(repr(name) for name in names[:5]) or "nothing"
        raise SparseEEGError(f"{path} has no {ENTRY}; it holds {listed}")
    return files


def _reason_against(name: str, entry: zipfile.ZipInfo) -> str | None:
    """Return why an entry is not allowed; None if it is."""
    if not name or any(ord(character) < 32 for character in name):
        return "is not a valid file name"
    if name.startswith(("/", "\\")) or name[1:2] == ":":
        return "is an absolute path"
    if ".." in name.replace("\\", "/").split("/"):
        return "leads out of the folder"
    if "\\" in name:
        return "has a backslash in its name, which only Windows takes for a folder"
    if any(part in ("", ".") for part in name.removesuffix("/").split("/")):
        return "is not a valid file name"
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind not in (0, stat.S_IFDIR if entry.is_dir() else stat.S_IFREG):
        return "is a link" if kind == stat.S_IFLNK else "is not a regular file"
    if entry.flag_bits & 1:
        return "is encrypted"
    return None


def _extract(
    path: Path, archive: zipfile.ZipFile, entries: list[zipfile.ZipInfo], folder: Path, max_bytes: int
) -> None:
    """Write the files, and count their sizes, because those that a zip states may be wrong."""
    left = max_bytes
    for entry in entries:
        (folder / entry.filename).parent.mkdir(parents=True, exist_ok=True)
        with archive.open(entry) as source, (folder / entry.filename).open("xb") as target:
            while block := source.read(_BLOCK):
                left -= len(block)
                if left < 0:
                    raise SparseEEGError(_too_large(path, max_bytes, "more than stated"))
                target.write(block)


def _too_large(path: Path, max_bytes: int, found: str) -> str:
    return f"{path}: its files take {found}; at most {max_bytes / 2**30:.1f} GiB are allowed"
