"""The files that a recording consists of besides the one that is opened."""

import re
from pathlib import Path

from sparseeg.data.signals.brainvision import named_files


def companions(path: Path) -> list[Path]:
    """Return the other files with the samples and markers of a recording, whether they exist or not.

    For BrainVision, these are the files that the header names, and those that are read in place of a missing
    one; for EEGLAB, which names its file of samples inside a file of MATLAB, all `.fdt` files in its folder;
    for FIF, the other parts of a file that was split; for a recording that is a folder, as EGI's `.mff`, the
    files in it.
    """
    if path.is_dir():
        return sorted(file for file in path.rglob("*") if file.is_file())
    suffix = path.suffix.lower()
    if suffix in (".vhdr", ".ahdr"):
        beside = (path.with_suffix(ending) for ending in (".eeg", ".dat", ".vmrk"))
        return [*named_files(path).values(), *beside]
    if suffix == ".set":
        return sorted(other for other in path.parent.glob("*") if other.suffix.lower() == ".fdt")
    if suffix in (".fif", ".gz"):
        parts = sorted(path.parent.glob("*.fif*"))
        return [other for other in parts if other != path and _whole(other) == _whole(path)]
    return []


def _whole(path: Path) -> str:
    """Return the name of a FIF file without the number of its part, in BIDS or as MNE writes it."""
    return re.sub(r"_split-\d+|(-\d+)?\.fif(\.gz)?$", "", path.name, flags=re.IGNORECASE)
