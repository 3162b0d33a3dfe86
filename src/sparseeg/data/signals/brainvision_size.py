"""Whether the header of a BrainVision recording, its samples and its markers agree in their sizes.

Source: BrainVision Core Data Format 1.0.
"""

import re
from collections.abc import Mapping
from pathlib import Path

from sparseeg.data.signals.cut_off import longer, shorter
from sparseeg.errors import SparseEEGError

CHANNELS = re.compile(rb"^\[Channel Infos\][^\n]*$.*?(?=^\[|\Z)", re.MULTILINE | re.DOTALL | re.IGNORECASE)
_WIDTHS = {"INT_16": 2, "INT_32": 4, "IEEE_FLOAT_32": 4}  # bytes per value; MNE reads no other format
_POSITION = re.compile(rb"^Mk\d+=[^,\r\n]*,[^,\r\n]*,(\d+)", re.MULTILINE | re.IGNORECASE)


def check_channels(header: bytes) -> None:
    """Raise SparseEEGError if a header states another number of channels than it describes.

    MNE would allocate memory for all of them, or read samples of one channel as those of another.
    """
    stated = _number(header, "NumberOfChannels")
    section = CHANNELS.search(header)
    names = re.findall(rb"^\s*Ch(\d+)\s*=", section[0] if section else b"", re.MULTILINE | re.IGNORECASE)
    if stated is not None and stated != len(set(names)):
        raise SparseEEGError(f"its header says {stated} channels, but describes {len(set(names))}")


def check_size(header: bytes, files: Mapping[str, Path], notes: list[str], extra: int = 0) -> None:
    """Note samples that are fewer or more than the header or the last marker says.

    Parameters
    ----------
    header : content of the header.
    files : the files that it names as its `DataFile` and `MarkerFile`.
    notes : gets a note.
    extra : number of channels that the header doesn't state.

    Raises
    ------
    SparseEEGError : the samples of one channel follow those of another, and would begin at wrong places.
    """
    channels = _number(header, "NumberOfChannels")
    width = _WIDTHS.get(header_value(header, "BinaryFormat").upper())
    if channels is None or width is None or "DataFile" not in files:
        return  # MNE refuses it, or it is text
    row = (channels + extra) * width
    there, rest = divmod(files["DataFile"].stat().st_size, row)
    stated = _number(header, "DataPoints")
    marked = _last_marker(files.get("MarkerFile"))
    size = f"{files['DataFile'].name} has {row * there + rest} bytes, {row} for each sample"
    found: list[str] = []
    if stated is not None and there < stated:
        found.append(shorter(there, stated))
    elif stated is not None and there > stated:
        found.append(longer(there, stated))
    elif there < marked:
        found.append(f"its last marker is at sample {marked}, but it has only {there} samples")
    elif rest:
        found.append(f"it ends in the middle of a sample: {size}")
    if found and header_value(header, "DataOrientation").upper() == "VECTORIZED":
        raise SparseEEGError(
            f"{found[0]}, stored channel by channel (VECTORIZED), so that they can't be told apart; {size}: "
            "copy the file again"
        )
    notes += found


def _last_marker(path: Path | None) -> int:
    """Return the sample of the last marker, counted from 1; 0 without any."""
    return max(map(int, _POSITION.findall(path.read_bytes())), default=0) if path is not None else 0


def _number(header: bytes, key: str) -> int | None:
    value = header_value(header, key)
    return int(value) if value.isdecimal() else None


def header_value(header: bytes, key: str) -> str:
    """Return the value of a key; "" without it."""
    found = re.search(
        rb"^[ \t]*" + key.encode() + rb"[ \t]*=([^\r\n]*)", header, re.MULTILINE | re.IGNORECASE
    )
    return found[1].decode("ascii", errors="replace").strip() if found else ""
