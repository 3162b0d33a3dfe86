"""Choose the epochs files of a folder, so that no trial is read twice."""

import re
from collections import Counter
from pathlib import Path

from sparseeg.data.problems import LEFT_OUT, Problem
from sparseeg.errors import SparseEEGError, nearest

PATTERNS = ("*_epo.fif", "*-epo.fif", "*_epo.fif.gz", "*-epo.fif.gz")
PLAIN = "none"
_SPLIT = re.compile(r"_split-(\d+)(?=_)")
_PART = re.compile(r"([-_]epo)-\d+(?=\.fif(?:\.gz)?$)")
_PROCESSED = re.compile(r"_(?:proc|desc)-([^_]+)")


def epochs_files(path: Path) -> list[Path]:
    """Return the epochs files in a folder and its subfolders, in order of their paths.

    Where there are none of MNE, all data sets of EEGLAB count: names don't tell whether they hold epochs.
    """
    found = {file for pattern in PATTERNS for file in path.rglob(pattern)}
    return sorted(found or {file for file in path.rglob("*") if file.suffix.lower() == ".set"})


def choose_files(path: Path, proc: str | None) -> tuple[list[Path], list[Problem]]:
    """Return the files to read in a folder, and a problem for each that is left out for good.

    MNE follows a file that is split into parts from the first part on, so that the others aren't read again.

    Parameters
    ----------
    path : the folder.
    proc : which files to read where names have `_proc-NAME` or `_desc-NAME`; "none" for those without.

    Raises
    ------
    SparseEEGError : the files are processed in several ways and `proc` doesn't choose one.
    """
    files, problems = _first_parts(path)
    kinds = Counter(_kind(file) for file in files)
    if proc is None and len(kinds) < 2:
        return files, problems
    found = ", ".join(f"{kind} ({count})" for kind, count in sorted(kinds.items()))
    if proc is None:
        raise SparseEEGError(
            f"{path} holds epochs that are processed in several ways, which may be the same trials: {found}; "
            f"choose one with --proc, as --proc {max(kinds)}; {PLAIN} are files without _proc- and _desc-"
        )
    if proc not in kinds:
        raise SparseEEGError(
            f"{path}: no epochs file has _proc-{proc}; there are {found or 'no files'}.{nearest(proc, kinds)}"
        )
    chosen = [file for file in files if _kind(file) == proc]
    there = {_PROCESSED.sub("", file.name) for file in chosen}
    for file in files:
        if _PROCESSED.sub("", file.name) not in there:
            problems.append(Problem(file, f"there is no _proc-{proc} of it", LEFT_OUT))
    return chosen, problems


def _kind(file: Path) -> str:
    """Return how a file was processed, as its name says."""
    return "+".join(_PROCESSED.findall(file.name)) or PLAIN


def _first_parts(path: Path) -> tuple[list[Path], list[Problem]]:
    """Return all files except later parts of others, and a problem for each part whose first is missing."""
    files, problems = [], []
    for file in epochs_files(path):
        if later_part_of(file) is None:
            files.append(file)
    for file in sorted({*epochs_files(path), *path.rglob("*epo-*.fif"), *path.rglob("*epo-*.fif.gz")}):
        first = later_part_of(file)
        if first is not None and not first.exists():
            problems.append(Problem(file, f"it is a part of {first.name}, which is missing", LEFT_OUT))
    return files, problems


def later_part_of(file: Path) -> Path | None:
    """Return the first part of a split file; None unless the file is a later part of one."""
    part = _SPLIT.search(file.name)
    if part is not None and int(part.group(1)) > 1:
        return file.with_name(_SPLIT.sub(f"_split-{'1'.zfill(len(part.group(1)))}", file.name))
    return file.with_name(_PART.sub(r"\1", file.name)) if _PART.search(file.name) else None
