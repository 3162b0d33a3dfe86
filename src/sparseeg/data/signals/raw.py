"""Open recordings with MNE, so that a damaged file gives an error and neither wrong data nor a crash."""

from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import mne

from sparseeg.data.signals import edf
from sparseeg.data.signals.biosemi import with_pauses
from sparseeg.data.signals.brainvision import open_brainvision
from sparseeg.data.signals.cut_off import cropped
from sparseeg.data.signals.eeglab import open_eeglab
from sparseeg.data.signals.fif import check_tags
from sparseeg.data.signals.separate import read_separately
from sparseeg.errors import SparseEEGError, require
from sparseeg.files.content import check_content

FORMATS = (
    "BDF, EDF, EEGLAB (.set), BrainVision (.vhdr), FIF (.fif, .fif.gz), Neuroscan and ANT Neuro (.cnt), EGI "
    "(.raw, .mff)"
)
"""The formats that are read and tested; MNE reads others, too."""


def open_raw(
    path: Path, notes: list[str] | None = None, types: Mapping[str, str] | None = None
) -> mne.io.BaseRaw:
    """Open a recording in any format of `FORMATS`, or another that MNE reads.

    Samples are loaded only where they can't be left in the file.

    Parameters
    ----------
    path : the recording.
    notes : gets a note on each part of the file that is left out or replaced.
    types : types of channels by label, as in channels.tsv; they decide which one of several sampling rates is
        read, and which channels need a unit of volts.

    Raises
    ------
    SparseEEGError : the path is a folder, the content of a file was not fetched, a file or package is
        missing, or the file has gaps, holds epochs or is damaged in a way that MNE doesn't notice.
    Exception : any error that the reader raises for a damaged file.
    """
    check_content(path)
    suffix = path.suffix.lower()
    if path.is_dir() and not suffix:
        raise SparseEEGError("it is a folder; name the recordings in it")
    notes = [] if notes is None else notes
    _check_header(path)
    if suffix in (".bdf", ".edf"):
        raw = _open_edf(path, notes, types)
    elif suffix in _BRAINVISION:
        raw = open_brainvision(path, notes, types)
    else:
        raw = _READERS.get(suffix, _open_other)(path, notes)
    for file in raw.filenames:
        if file is not None:
            check_content(Path(file))
    return raw


def _open_other(path: Path, notes: list[str]) -> mne.io.BaseRaw:
    try:
        return mne.io.read_raw(path, preload=False)
    except ValueError as error:
        if not str(error).startswith("Unsupported file type"):
            raise
        kind = f"a file that ends in {path.suffix}" if path.suffix else "a file without an ending"
        events = "; a table of events goes with --events" if path.suffix.lower() in (".tsv", ".csv") else ""
        raise SparseEEGError(
            f"can't be read: {kind} is no recording; sparseeg reads {FORMATS}{events}"
        ) from error


def _open_edf(path: Path, notes: list[str], types: Mapping[str, str] | None) -> mne.io.BaseRaw:
    """Open an EDF or BDF file: the channels of one sampling rate, if there are no gaps."""
    header = edf.read_header(path)
    edf.check_continuous(path, header)
    edf.check_units(header, notes, types)
    edf.check_ranges(header, types)
    edf.note_size(header, notes)
    include = edf.channels_of_one_rate(header, notes, types)
    raw = mne.io.read_raw(path, preload=False, **({} if include is None else {"include": include}))
    return with_pauses(raw, path, header)


def _open_fif(path: Path, notes: list[str]) -> mne.io.BaseRaw:
    """Open a FIF file with its other parts, without an incomplete block of samples at the end."""
    last, lost = path, check_tags(path)
    raw = mne.io.read_raw(path, preload=False)
    for part in map(Path, raw.filenames[1:]):
        if lost is not None:
            raise SparseEEGError(f"{last.name} is cut off before its end; copy it again")
        last, lost = part, check_tags(part)
    if lost is None:
        return raw
    there = raw.n_times - lost // len(raw.ch_names)
    notes.append(f"{last.name} is cut off before its end: {there} samples are there")
    return cropped(raw, there)


def _open_cnt(path: Path, notes: list[str]) -> mne.io.BaseRaw:
    """Open a file of Neuroscan or ANT Neuro, which share an ending but not a header.

    Source: FieldTrip, `ft_filetype`.
    """
    with path.open("rb") as file:
        start = file.read(12)
    if start[:4] in (b"RIFF", b"RF64"):
        require("antio", "ant", "it is a file of ANT Neuro")
        with TemporaryDirectory() as folder:
            link = Path(folder) / f"{path.stem}.cnt"  # antio takes no other ending, as .CNT
            link.symlink_to(path.absolute())
            return read_separately("read_raw_ant", link)
    if start.startswith(b"Version "):
        return mne.io.read_raw_cnt(path, preload=False)
    raise SparseEEGError(
        "its header is neither that of Neuroscan, which begins with Version, nor that of ANT Neuro, which "
        "begins with RIFF or RF64"
    )


def _open_egi(path: Path, notes: list[str]) -> mne.io.BaseRaw:
    if path.is_dir():
        for package in ("mffpy", "defusedxml.ElementTree"):  # MNE 1.11 needs the second one, imported
            require(package, "egi", "it is an MFF folder of EGI")
    return mne.io.read_raw_egi(path, preload=False)


_READERS: dict[str, Callable[[Path, list[str]], mne.io.BaseRaw]] = {
    ".set": open_eeglab,
    ".fif": _open_fif,
    ".gz": _open_fif,
    ".cnt": _open_cnt,
    ".raw": _open_egi,
    ".mff": _open_egi,
}
_BRAINVISION = (".vhdr", ".ahdr")
_PARTS = {**dict.fromkeys((".eeg", ".dat", ".vmrk", ".amrk"), _BRAINVISION), ".fdt": (".set",)}


def _check_header(path: Path) -> None:
    """Raise SparseEEGError for the samples or markers of a recording that is opened by its header."""
    for header in _PARTS.get(path.suffix.lower(), ()):
        if path.with_suffix(header).exists():
            raise SparseEEGError(f"it is a part of a recording; name its header, {path.stem}{header}")
