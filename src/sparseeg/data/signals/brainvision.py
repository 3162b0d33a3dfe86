"""Open BrainVision recordings: a header, and the files of samples and markers that it names."""

import difflib
import os
import re
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import mne

from sparseeg.data.problems import listed
from sparseeg.data.signals.brainvision_size import CHANNELS, check_channels, check_size, header_value
from sparseeg.data.signals.labels import label_type
from sparseeg.data.signals.whose_samples import other_header, own_file
from sparseeg.errors import SparseEEGError
from sparseeg.files.content import check_content

_HEADERS = (".vhdr", ".ahdr")
_KINDS = {"DataFile": (".eeg", ".dat"), "MarkerFile": (".vmrk", ".amrk")}
_NAMED = re.compile(
    rb"^([ \t]*)(DataFile|MarkerFile)([ \t]*=[ \t]*)(.*?)([ \t\r]*)$", re.MULTILINE | re.IGNORECASE
)
_UNIT = re.compile(
    rb"^(\s*Ch\d+\s*=([^,\r\n]*),[^,\r\n]*,([^,\r\n]*),)([^,\r\n]*)", re.MULTILINE | re.IGNORECASE
)
_MICRO, _DEGREE, _GREEK_MU = (b"\xb5", b"\xc2\xb5"), (b"\xb0", b"\xc2\xb0"), "\u03bc".encode()
# That MNE reads; by the format, none means microvolts.
_VOLTS = (b"", b"V", b"mV", b"uV", b"nV", *(micro + b"V" for micro in _MICRO))
# That MNE knows to be no voltage.
_OTHER = (b"C", b"S", b"uS", b"N", b"ARU", *(m + b"S" for m in _MICRO), *(d + b"C" for d in _DEGREE))


def named_files(path: Path) -> dict[str, Path]:
    """Return the paths that a header gives as its `DataFile` and `MarkerFile`; {} if it can't be read."""
    try:
        header = path.read_bytes()
    except OSError:
        return {}  # reading the recording will say so
    keys = {key.lower(): key for key in _KINDS}
    return {
        keys[found[2].decode().lower()]: path.parent / _text(found[4]).replace("$b", path.stem)
        for found in _NAMED.finditer(header)
        if found[4]
    }


def open_brainvision(path: Path, notes: list[str], types: Mapping[str, str] | None = None) -> mne.io.BaseRaw:
    """Open a BrainVision recording.

    Where a named file is missing, as after renaming, that with the name of the header is read, with a note.

    Raises
    ------
    SparseEEGError : the header contradicts itself or the size of the samples, a file that it names is missing
        or may be that of another recording, an EEG channel (by `types` or else by its label) has a unit that
        is not read, or the samples are big-endian or no signal in time.
    """
    content = path.read_bytes()
    _check_format(content)
    check_channels(content)
    named = named_files(path)
    there = {key: _find(path, key, file, notes) for key, file in named.items()}
    for key, file in there.items():
        check_content(file)
        _check_own(path, key, file, notes)
    check_size(content, there, notes, extra=int(path.suffix.lower() == ".ahdr"))
    header = CHANNELS.sub(lambda part: _UNIT.sub(_plain_unit, part[0]), content)
    _check_units(header, types or {})
    literal = header == content and not any(b"$b" in line[4] for line in _NAMED.finditer(header))
    if literal and there == named and path.suffix.islower():
        return mne.io.read_raw(path, preload=False)
    # MNE wants a lower-case ending and the names of files that exist.
    with TemporaryDirectory() as folder:
        copy = Path(folder) / f"{path.stem}{path.suffix.lower()}"
        copy.write_bytes(_NAMED.sub(lambda line: _renamed(line, there), header))
        return mne.io.read_raw(copy, preload=False)


def _renamed(line: re.Match[bytes], there: dict[str, Path]) -> bytes:
    """Return a line of a header with the path of its file, if it has one."""
    file = next((file for key, file in there.items() if key.lower() == line[2].decode().lower()), None)
    if file is None:
        return line[0]
    return b"".join([line[1], line[2], line[3], os.fsencode(file.absolute()), line[5]])


def _find(path: Path, key: str, named: Path, notes: list[str]) -> Path:
    """Return the file that a header names, or that which stands for it."""
    if named.is_file() or named.is_symlink():
        return named
    endings = _KINDS[key]
    others = sorted(file for file in path.parent.iterdir() if file.suffix.lower() in endings)
    same = [file for file in others if file.stem == path.stem]
    if len(same) == 1:
        notes.append(
            f"its header names {named.name} as {key}, which is missing; {same[0].name} is read instead"
        )
        return same[0]
    names = [file.name for file in others]
    base = re.split(r"[\\/]", named.name)[-1]
    similar = difflib.get_close_matches(base, names, n=1, cutoff=0.0)
    hint = f"{similar[0]} is there" if similar else f"no {' or '.join(endings)} file is there"
    raise SparseEEGError(
        f"its header names {named.name} as {key}, which is missing; {hint}: name the three files alike, or "
        f"correct the line {key}= of the header"
    )


def _check_own(path: Path, key: str, named: Path, notes: list[str]) -> None:
    """Raise SparseEEGError if the file that a header names may be that of another recording.

    Marks are often corrected in a file of another name, which gets a note.
    """
    correct = f"correct the line {key}= of the header"
    said = f"its header names {named.name} as {key}"
    other, own = other_header(path, named, _HEADERS), own_file(path, named, _KINDS[key])
    if other is not None:
        raise SparseEEGError(f"{said}, which is that of {other.name}; {correct}")
    if own is not None and key == "DataFile":
        raise SparseEEGError(
            f"{said}, although {own.name} is there: which of them holds its samples is not known; {correct}, "
            "or move the other file to another folder"
        )
    if own is not None:
        notes.append(f"{said}, which is read, although {own.name} is there")


def _plain_unit(channel: re.Match[bytes]) -> bytes:
    """Return the description of a channel with its unit as MNE wants it: without blanks or a Greek mu."""
    return channel[1] + channel[4].strip().replace(_GREEK_MU, b"u")


def _check_format(header: bytes) -> None:
    """Raise SparseEEGError for samples that MNE would read as little-endian ones of a signal in time."""
    if header_value(header, "UseBigEndianOrder").upper() == "YES":
        raise SparseEEGError(
            "its samples are big-endian (UseBigEndianOrder=YES), which is not read; export it as "
            "little-endian, or write NO there if its samples are already little-endian"
        )
    kind = header_value(header, "DataType").upper()
    if kind not in ("", "TIMEDOMAIN"):
        raise SparseEEGError(
            f"it holds data of the type {kind}, not a signal in time; export it as TIMEDOMAIN"
        )


def _check_units(header: bytes, types: Mapping[str, str]) -> None:
    """Raise SparseEEGError if an EEG channel has a unit that MNE doesn't know: it would be read as volts.

    A decimal comma in the resolution makes its last digits the unit; MNE refuses any channel whose
    resolution is 0 then, without saying why.
    """
    found: dict[str, list[str]] = {}
    channels = CHANNELS.search(header)
    for channel in _UNIT.finditer(channels[0] if channels else b""):
        name, unit = _text(channel[2]).strip().replace(r"\1", ","), channel[4]
        eeg = types.get(name, "" if unit in _OTHER else label_type(name)) == "EEG"
        resolution = channel[3].strip()
        if resolution.isdigit() and unit.isdigit() and (eeg or int(resolution) == 0):
            number = f"{resolution.decode()},{unit.decode()}"
            wrong = f"the resolution '{number}', with a decimal comma; write {number.replace(',', '.')}"
            found.setdefault(wrong, []).append(name)
        elif unit not in _VOLTS and eeg:
            wrong = f"the unit {_text(unit)!r}, which is not read; write it as uV, mV or V"
            found.setdefault(wrong, []).append(name)
    for wrong, names in found.items():
        has = "has" if len(names) == 1 else "have"
        raise SparseEEGError(f"{listed(names, 'channel')} {has} {wrong} in the header")


def _text(content: bytes) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")
