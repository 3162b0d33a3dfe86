"""Somebody's zip: nothing of it is written before all of it was looked at."""

import stat
import zipfile
from pathlib import Path

from sparseeg.errors import SparseEEGError, one_line

ENTRY = "submission.py"
MAX_BYTES = 4 * 2**30
MAX_FILES = 10_000
_BLOCK = 2**20


def unpack(path: Path, folder: Path, max_bytes: int = MAX_BYTES) -> list[str]:
    """Unpack a flat zip into a folder; return the names of its files.

    Raises
    ------
    SparseEEGError : it is no zip, is damaged, or holds what a submission must not: a folder, a name that
        leads out of the folder, a link, a name twice, more than `max_bytes`, or no `submission.py`.
    """
    if not path.is_file():
        raise SparseEEGError(
            f"{path} is {'a folder' if path.exists() else 'not there'}; a zip file is needed"
        )
    try:
        with zipfile.ZipFile(path) as archive:
            names = _check(path, archive, max_bytes)
            _extract(path, archive, folder, max_bytes)
    except SparseEEGError:
        raise
    except Exception as error:  # zipfile lets whatever a damaged file causes through
        raise SparseEEGError(f"{path}: not a zip that can be read ({one_line(error)})") from error
    return names


def _check(path: Path, archive: zipfile.ZipFile, max_bytes: int) -> list[str]:
    """Return the names in a zip, or raise SparseEEGError for the first that must not be there."""
    entries = archive.infolist()
    if len(entries) > MAX_FILES:
        raise SparseEEGError(f"{path}: {len(entries)} files; more than {MAX_FILES} are no submission")
    seen: set[str] = set()
    for entry in entries:
        name = entry.orig_filename
        reason = _reason_against(name, entry)
        if reason is None and name.lower() in seen:
            reason = "stands in it twice"
        if reason is not None:
            raise SparseEEGError(f"{path}: {name[:80]!r} {reason}")
        seen.add(name.lower())
    total = sum(entry.file_size for entry in entries)
    if total > max_bytes:
        raise SparseEEGError(_too_large(path, max_bytes, f"{total / 2**30:.1f} GiB"))
    names = [entry.filename for entry in entries]
    if ENTRY not in names:
        listed = ", ".join(repr(name) for name in names[:5]) or "nothing"
        raise SparseEEGError(f"{path}: there is no {ENTRY} in it; it holds {listed}")
    return names


def _reason_against(name: str, entry: zipfile.ZipInfo) -> str | None:
    if not name or any(ord(character) < 32 for character in name):
        return "is no name of a file"
    if name.startswith(("/", "\\")) or name[1:2] == ":":
        return "is an absolute path"
    if ".." in name.replace("\\", "/").split("/"):
        return "leads out of the folder"
    if "/" in name or "\\" in name:
        return "lies in a folder; a submission is flat: zip the files, not the folder that holds them"
    if name == ".":
        return "is no name of a file"
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind not in (0, stat.S_IFREG):
        return "is a link" if kind == stat.S_IFLNK else "is no plain file"
    if entry.flag_bits & 1:
        return "is encrypted"
    return None


def _extract(path: Path, archive: zipfile.ZipFile, folder: Path, max_bytes: int) -> None:
    """Write the files; their sizes are counted again, since a zip may lie about them."""
    left = max_bytes
    for entry in archive.infolist():
        with archive.open(entry) as source, (folder / entry.filename).open("xb") as target:
            while block := source.read(_BLOCK):
                left -= len(block)
                if left < 0:
                    raise SparseEEGError(_too_large(path, max_bytes, "more"))
                target.write(block)


def _too_large(path: Path, max_bytes: int, found: str) -> str:
    return f"{path}: unpacked it takes {found}; at most {max_bytes / 2**30:.1f} GiB are allowed"
