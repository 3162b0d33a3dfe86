"""Whether the content of a file is here: data sets are often copied without it."""

import os
from pathlib import Path

from sparseeg.errors import SparseEEGError

_LONGEST_POINTER = 32_768  # bytes; git-annex reads no longer ones
_LFS = b"version https://git-lfs.github.com/spec/"
_ANNEX = "annex/objects/"


def check_content(path: Path) -> None:
    """Raise SparseEEGError if a file is empty, or its content was not fetched; see `check_fetched`."""
    check_fetched(path)
    if path.is_file() and path.stat().st_size == 0:
        raise SparseEEGError(f"{path.name} is empty (0 bytes); copy or download it again")


def check_fetched(path: Path) -> None:
    """Raise SparseEEGError if a file only points to content that was not fetched.

    A file of git-annex without its content is a link to a missing file, or, where there are no links, a text
    file with the path of the content; one of Git LFS is a text file that begins with the address of its
    specification. A path that doesn't exist passes, and so does a folder.

    Sources: git-annex, "pointer file"; Git LFS, specification 1.
    """
    if path.is_symlink() and not path.exists():
        target = os.readlink(path)
        if _ANNEX in target.replace("\\", "/"):
            raise _annexed(path)
        raise SparseEEGError(f"{path.name} is a link to a missing file, {target}; copy that file as well")
    if not path.is_file() or path.stat().st_size > _LONGEST_POINTER:
        return
    with path.open("rb") as file:
        start = file.read(_LONGEST_POINTER)
    if start.startswith(_LFS):
        raise SparseEEGError(
            f"{path.name} is a pointer of Git LFS, its content was not fetched; get it with "
            f"`git lfs pull --include '*{path.suffix}'` in the folder of the data set"
        )
    first = start.split(b"\n", 1)[0]
    if _ANNEX.encode() in first.replace(b"\\", b"/") and b"\0" not in first and b"\t" not in first:
        raise _annexed(path)


def _annexed(path: Path) -> SparseEEGError:
    return SparseEEGError(
        f"{path.name} is a pointer of git-annex, its content was not fetched; get it with "
        f"`datalad get {path.name}` or `git annex get {path.name}` in its folder"
    )
