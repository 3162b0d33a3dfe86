"""Open EEGLAB data sets (.set): continuous ones, and epochs."""

import re
from pathlib import Path

import mne

from sparseeg.data.signals.content import check_content
from sparseeg.data.signals.separate import read_separately
from sparseeg.errors import SparseEEGError, needed

_EPOCHED = re.compile(r"number of trials is (\d+)")


def open_eeglab(path: Path) -> mne.io.BaseRaw:
    """Open a continuous data set.

    Raises
    ------
    SparseEEGError : it holds epochs, is damaged, or its format needs a package that is missing.
    ValueError : any error that MNE raises.
    """
    _check(path)
    try:
        return read_separately("read_raw_eeglab", path)
    except ValueError as error:
        epochs = _EPOCHED.search(str(error))
        if epochs is None:
            raise
        raise SparseEEGError(
            f"it holds {epochs[1]} epochs, not a continuous recording; save the continuous data set in its "
            "place, or put files of epochs in a folder of their own, to train on with --target"
        ) from error


def _check(path: Path) -> None:
    check_content(path.with_suffix(".fdt"))
    with path.open("rb") as file:
        start = file.read(520)
    # MATLAB 7.3 writes HDF5, after a header of 512 bytes
    if start.startswith(b"MATLAB 7.3") or b"\x89HDF\r\n\x1a\n" in (start[:8], start[512:520]):
        needed("pymatreader", "matlab", "it is a file of MATLAB 7.3 (HDF5)")
