"""Damage in files of recordings that their readers believe, or end the whole process on."""

import subprocess
import sys
from pathlib import Path

from sparseeg.errors import SparseEEGError

_LOAD = "import sys\nimport mne\nmne.io.read_raw_eeglab(sys.argv[1], preload=True, verbose='error')"


def check_undamaged(path: Path) -> None:
    """Raise SparseEEGError for a damaged file that its reader wouldn't answer with an error."""
    suffix = path.suffix.lower()
    if suffix in (".bdf", ".edf"):
        _check_header(path)
    elif suffix == ".set":
        _check_eeglab(path)


def _check_header(path: Path) -> None:
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


def _check_eeglab(path: Path) -> None:
    """Raise SparseEEGError for an EEGLAB file on which scipy's reader dies, and with it the process.

    It is read in another process first, just as it will be read here.
    """
    ended = subprocess.run([sys.executable, "-c", _LOAD, str(path)], capture_output=True, check=False)
    if not 0 <= ended.returncode <= 255:  # a signal, or what Windows has for one
        raise SparseEEGError("it is damaged: whoever reads it is ended by the system")
