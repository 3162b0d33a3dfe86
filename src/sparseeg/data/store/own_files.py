"""The files that belong to a store; no other files in its folder are ever removed."""

import re
from collections.abc import Iterable
from pathlib import Path

from sparseeg.data.store.journal import Journal
from sparseeg.errors import SparseEEGError
from sparseeg.files import lock
from sparseeg.files.atomic import is_abandoned, unfinished_target
from sparseeg.files.tsv import read_tsv

MANIFEST = "store.json"
SIGNALS = "signals"
JOURNAL = "journal.jsonl"  # progress of `prepare`
RECORDINGS = "recordings.tsv"
_FILES = (MANIFEST, JOURNAL, RECORDINGS, "windows.tsv", "problems.tsv", lock.NAME)
_SIGNAL = re.compile(r"[0-9]{5}\.npy|[^/\\]+-[0-9a-f]{12}\.npy")  # of `save`, and of `prepare`


def check_signals(folder: Path) -> None:
    """Raise SparseEEGError if the folder of signals is a link, whose files may belong to others."""
    if (folder / SIGNALS).is_symlink():
        raise SparseEEGError(
            f"{folder / SIGNALS} is a link to another folder, but a store keeps signals in its own folder: "
            "name a new folder for the store"
        )


def check_own(folder: Path) -> None:
    """Raise SparseEEGError if the folder of a store has files that its tables and journal don't name."""
    check_signals(folder)
    named = signals_in_table(folder) | Journal(folder / JOURNAL).named
    signals = (folder / SIGNALS).iterdir() if (folder / SIGNALS).is_dir() else ()
    foreign = [path for path in signals if (unfinished_target(path.name) or path.name) not in named]
    foreign += [
        path
        for path in folder.iterdir()
        if (unfinished_target(path.name) or path.name) not in (*_FILES, SIGNALS)
    ]
    if foreign:
        raise SparseEEGError(
            f"{min(foreign)} is not part of the store {folder}, which can't be replaced while it has other "
            "files; move the file, or name a new folder for the store"
        )


def signals_in_table(folder: Path) -> set[str]:
    """Return the names of the signals in `recordings.tsv`; empty if it can't be read."""
    try:
        return set(read_tsv(folder / RECORDINGS)["signal"].dropna())
    except (SparseEEGError, KeyError):
        return set()


def remove_signals(folder: Path, named: set[str], used: Iterable[str]) -> set[str]:
    """Remove the signals that a store has named and doesn't use, and abandoned files of named signals.

    Returns
    -------
    set : names of signals that could not be removed, for example because they are open on Windows.
    """
    unused, left = named - set(used), set()
    for path in (folder / SIGNALS).iterdir():
        own = path.name in unused and _SIGNAL.fullmatch(path.name)
        left_over = unfinished_target(path.name) in named and is_abandoned(path)
        if (own or left_over) and path.is_file() and not path.is_symlink():
            try:
                path.unlink()
            except OSError:
                left.add(path.name)
    return left
