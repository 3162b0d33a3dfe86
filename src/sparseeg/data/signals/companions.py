"""The files that a recording consists of besides the one that is opened."""

import re
from pathlib import Path

_NAMED = re.compile(r"^\s*(?:DataFile|MarkerFile)\s*=\s*(.*?)\s*$", re.MULTILINE | re.IGNORECASE)


def companions(path: Path) -> list[Path]:
    """Return the other files with the samples and markers of a recording, whether they exist or not.

    For BrainVision, these are the files that the header names, and those that MNE reads in place of a name
    that is out of date; for EEGLAB, which names its file of samples inside a file of MATLAB, all `.fdt` files
    in its folder.
    """
    suffix = path.suffix.lower()
    if suffix in (".vhdr", ".ahdr"):
        names = [name.replace("$b", path.stem) for name in _NAMED.findall(_header(path)) if name]
        beside = (path.with_suffix(ending) for ending in (".eeg", ".dat", ".vmrk"))
        return [*(path.parent / name for name in names), *beside]
    if suffix == ".set":
        return sorted(other for other in path.parent.glob("*") if other.suffix.lower() == ".fdt")
    return []


def _header(path: Path) -> str:
    try:
        header = path.read_bytes()
    except OSError:
        return ""  # reading the recording will say so
    try:
        return header.decode("utf-8")
    except UnicodeDecodeError:
        return header.decode("cp1252", errors="replace")
