"""Open recordings with MNE, so that a damaged file gives an error and neither wrong data nor a crash."""

import gzip
import pickle
import re
import struct
import subprocess
import sys
from pathlib import Path

import mne

from sparseeg.data.signals import edf
from sparseeg.errors import SparseEEGError

# Samples in a separate .fdt file are plain numbers, safe to read later in this process.
_READ_EEGLAB = """
import pickle, sys
out, sys.stdout = sys.stdout.buffer, sys.stderr
import mne
try:
    found = mne.io.read_raw_eeglab(sys.argv[1], preload=False, verbose="error")
    if not str(found.filenames[0]).endswith(".fdt"):
        found.load_data(verbose="error")
except Exception as error:
    found = f"{type(error).__name__}: {error}"
pickle.dump(found, out, protocol=pickle.HIGHEST_PROTOCOL)
"""


def open_raw(path: Path, notes: list[str] | None = None) -> mne.io.BaseRaw:
    """Open a recording in any format that `mne.io.read_raw` knows, without loading its samples if possible.

    Parameters
    ----------
    path : the recording.
    notes : gets a note on each part of the file that is left out.

    Raises
    ------
    SparseEEGError : the path is a folder, or the file has gaps or is damaged in a way that MNE doesn't
        notice.
    Exception : any error that the reader raises for a damaged file.
    """
    suffix = path.suffix.lower()
    if path.is_dir() and not suffix:
        raise SparseEEGError("it is a folder; name the recordings in it")
    if suffix == ".set":
        return _read_eeglab(path)
    if suffix in (".bdf", ".edf"):
        return _open_edf(path, notes)
    if suffix in (".vhdr", ".ahdr"):
        _check_brainvision(path)
    elif suffix in (".fif", ".gz"):
        check_tags(path)
    return mne.io.read_raw(path, preload=False)


def _open_edf(path: Path, notes: list[str] | None) -> mne.io.BaseRaw:
    """Open an EDF or BDF file: the channels of one sampling rate, if there are no gaps."""
    header = edf.read_header(path)
    edf.check_continuous(path, header)
    found: list[str] = []
    include = edf.channels_of_one_rate(header, found)
    if include is None:
        return mne.io.read_raw(path, preload=False)
    raw = mne.io.read_raw(path, preload=False, include=include)
    if notes is not None:
        notes += found
    return raw


def _check_brainvision(path: Path) -> None:
    """Raise SparseEEGError if a BrainVision header states more channels than it describes.

    MNE would allocate memory for all of them. Source: BrainVision Core Data Format 1.0.
    """
    header = path.read_bytes()
    stated = re.search(rb"^\s*NumberOfChannels\s*=\s*(\d+)", header, re.MULTILINE | re.IGNORECASE)
    described = set(re.findall(rb"^\s*Ch(\d+)\s*=", header, re.MULTILINE | re.IGNORECASE))
    if stated is not None and float(stated[1]) > len(described):
        raise SparseEEGError(f"its header says {stated[1].decode()} channels, but describes {len(described)}")


def check_tags(path: Path) -> None:
    """Raise SparseEEGError if the tags of a FIF file, each of which points to the next, form a loop.

    MNE would follow them until memory runs out.
    """
    seen: set[int] = set()
    position = 0
    with gzip.open(path) if path.suffix.lower() == ".gz" else path.open("rb") as file:
        while position not in seen:
            seen.add(position)
            file.seek(position)
            tag = file.read(16)
            if len(tag) < 16:
                return
            _, _, size, following = struct.unpack(">4i", tag)
            position = following if following else position + 16 + size
            if position < 0:
                return
    raise SparseEEGError("it is damaged: its tags form a loop")


def _read_eeglab(path: Path) -> mne.io.BaseRaw:
    """Return the recording of an EEGLAB file, read in a separate process.

    scipy's reader uses numbers from the file as memory addresses: a damaged file can crash the process that
    reads it, or corrupt its memory. A separate process keeps this one intact.
    """
    command = [sys.executable, "-P", "-c", _READ_EEGLAB, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as reader:
        try:
            assert reader.stdout is not None
            found = pickle.load(reader.stdout)
        except (EOFError, pickle.UnpicklingError) as error:
            raise SparseEEGError("it is damaged: the process that reads it crashes") from error
        finally:
            reader.kill()
    if isinstance(found, str):
        raise ValueError(found)
    return found
