"""Which of some names are events of recordings? It decides how an option with commas is read."""

from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

import mne

from sparseeg.data.bids import layout
from sparseeg.data.bids.events import TABLE
from sparseeg.data.bids.file_events import file_events
from sparseeg.data.bids.layout import BidsFile
from sparseeg.data.signals.raw import open_raw
from sparseeg.files.names import event_name
from sparseeg.files.tsv import read_tsv


def recordings_in(path: Path) -> Iterator[BidsFile]:
    """Return the recordings of a BIDS folder, or of a folder of BIDS folders."""
    return (file for root in layout.roots(path) for file in layout.recordings(root, ()))


def names_with_commas(
    wanted: Collection[str], files: Iterable[BidsFile], table: Path | None = None
) -> set[str]:
    """Return the names with commas that are events of a recording, in any column.

    Parameters
    ----------
    wanted : names to look for; recordings are read only if one has a comma.
    files : recordings; those that can't be read are passed over, as reading their windows says why.
    table : events file of all of them, in place of their own.
    """
    left = {event_name(name) for name in wanted if "," in name}
    found: set[str] = set()
    for file in files if left else ():
        found |= left & _names(file, table)
        if found == left:
            break
    return found


def _names(file: BidsFile, table: Path | None) -> set[str]:
    path = table or next(iter(file.sidecars(TABLE)), None)
    try:
        if path is not None:
            content = read_tsv(path)
            return {event_name(str(cell)) for name in content for cell in content[name].dropna()}
        with mne.utils.use_log_level("error"):
            return set(file_events(open_raw(file.path), ())["name"].astype(str))
    except Exception:  # a reader may raise any error for a damaged file
        return set()
