"""Open BrainVision recordings: a header, and the files of samples and markers that it names."""

import difflib
import os
import re
from pathlib import Path
from tempfile import TemporaryDirectory

import mne

from sparseeg.errors import SparseEEGError
from sparseeg.files.content import check_content

_KINDS = {"DataFile": (".eeg", ".dat"), "MarkerFile": (".vmrk", ".amrk")}
_NAMED = re.compile(
    rb"^([ \t]*)(DataFile|MarkerFile)([ \t]*=[ \t]*)(.*?)([ \t\r]*)$", re.MULTILINE | re.IGNORECASE
)


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


def open_brainvision(path: Path, notes: list[str]) -> mne.io.BaseRaw:
    """Open a BrainVision recording.

    Where a named file is missing, as after renaming, that with the name of the header is read, with a note.

    Raises
    ------
    SparseEEGError : the header states more channels than it describes, or a file that it names is missing.
    """
    _check_channels(path)
    named = named_files(path)
    there = {key: _find(path, key, file, notes) for key, file in named.items()}
    for file in there.values():
        check_content(file)
    header = path.read_bytes()
    literal = not any(b"$b" in line[4] for line in _NAMED.finditer(header))
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


def _check_channels(path: Path) -> None:
    """Raise SparseEEGError if a header states more channels than it describes.

    MNE would allocate memory for all of them. Source: BrainVision Core Data Format 1.0.
    """
    header = path.read_bytes()
    stated = re.search(rb"^\s*NumberOfChannels\s*=\s*(\d+)", header, re.MULTILINE | re.IGNORECASE)
    described = set(re.findall(rb"^\s*Ch(\d+)\s*=", header, re.MULTILINE | re.IGNORECASE))
    if stated is not None and float(stated[1]) > len(described):
        raise SparseEEGError(f"its header says {stated[1].decode()} channels, but describes {len(described)}")


def _text(content: bytes) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")
