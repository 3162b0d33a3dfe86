"""Files of recordings opened by MNE, so that no damage in one is believed or ends the process."""

import gzip
import pickle
import re
import struct
import subprocess
import sys
from pathlib import Path

import mne

from sparseeg.errors import SparseEEGError

# Samples in an .fdt file of their own are only numbers, and stay there until they are wanted.
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


def open_raw(path: Path) -> mne.io.BaseRaw:
    """Return a recording of any format that `mne.io.read_raw` knows; samples that can wait are not read yet.

    Raises
    ------
    SparseEEGError : a folder, or a damaged file that its reader wouldn't answer with an error.
    Exception : whatever the reader raises for a damaged file.
    """
    suffix = path.suffix.lower()
    if path.is_dir() and not suffix:
        raise SparseEEGError("it is a folder; name the recordings in it")
    if suffix == ".set":
        return _read_eeglab(path)
    if suffix in (".bdf", ".edf"):
        _check_edf(path)
    elif suffix in (".vhdr", ".ahdr"):
        _check_brainvision(path)
    elif suffix in (".fif", ".gz"):
        check_tags(path)
    return mne.io.read_raw(path, preload=False)


def _check_edf(path: Path) -> None:
    """Raise SparseEEGError where an EDF or BDF header says another number of channels than it describes.

    Readers believe the number and then take text of one field for another. Source: EDF, Kemp et al. 1992.
    """
    with path.open("rb") as file:
        header = file.read(256)
    try:
        length, channels = int(header[184:192]), int(header[252:256])
    except ValueError as error:
        raise SparseEEGError("its header is damaged or cut short") from error
    if channels < 1 or length != 256 * (1 + channels):
        described = length // 256 - 1
        raise SparseEEGError(f"its header says {channels} channels, but describes {described}")


def _check_brainvision(path: Path) -> None:
    """Raise SparseEEGError where a BrainVision header says more channels than it describes.

    MNE would make room for all of them. Source: BrainVision Core Data Format 1.0.
    """
    header = path.read_bytes()
    said = re.search(rb"^\s*NumberOfChannels\s*=\s*(\d+)", header, re.MULTILINE | re.IGNORECASE)
    described = set(re.findall(rb"^\s*Ch(\d+)\s*=", header, re.MULTILINE | re.IGNORECASE))
    if said is not None and float(said[1]) > len(described):
        raise SparseEEGError(f"its header says {said[1].decode()} channels, but describes {len(described)}")


def check_tags(path: Path) -> None:
    """Raise SparseEEGError where the tags of a FIF file, each of which says where the next is, go in circles.

    MNE would follow them until no memory is left.
    """
    seen: set[int] = set()
    place = 0
    with gzip.open(path) if path.suffix.lower() == ".gz" else path.open("rb") as file:
        while place not in seen:
            seen.add(place)
            file.seek(place)
            tag = file.read(16)
            if len(tag) < 16:
                return
            _, _, size, following = struct.unpack(">4i", tag)
            place = following if following else place + 16 + size
            if place < 0:
                return
    raise SparseEEGError("it is damaged: its tags go in circles")


def _read_eeglab(path: Path) -> mne.io.BaseRaw:
    """Return an EEGLAB file's recording, read in another process.

    scipy's reader takes types in the file for places in memory: a damaged one ends its process, or doesn't,
    with what happens to lie there. Nothing of that is left in the process that reads.
    """
    command = [sys.executable, "-P", "-c", _READ_EEGLAB, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as reader:
        try:
            assert reader.stdout is not None
            found = pickle.load(reader.stdout)
        except (EOFError, pickle.UnpicklingError) as error:
            raise SparseEEGError("it is damaged: reading it ends the process that does") from error
        finally:
            reader.kill()
    if isinstance(found, str):
        raise ValueError(found)
    return found
