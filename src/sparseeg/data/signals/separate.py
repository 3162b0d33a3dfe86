"""Read a file with a reader of MNE in a separate process, which a damaged file may crash."""

import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any, Literal

from sparseeg.errors import SparseEEGError

Reader = Literal["read_raw_eeglab", "read_epochs_eeglab", "read_raw_ant"]

# Samples in a separate .fdt file are plain numbers, safe to read later in this process.
_READ = """
import pickle, sys
out, sys.stdout = sys.stdout.buffer, sys.stderr
import mne

def fields(path):
    try:
        from scipy.io import loadmat
        content = loadmat(path, simplify_cells=True, variable_names=["EEG", "epoch", "data", "chanlocs"])
    except NotImplementedError:  # a file of MATLAB 7.3
        from pymatreader import read_mat
        content = read_mat(path)
    content = content.get("EEG", content)
    data, places = content.get("data"), content.get("chanlocs", [])
    if isinstance(places, dict):  # one channel, or one list per field, as pymatreader returns them
        types = places.get("type", [])
        types = [types] if isinstance(types, str) else types
    else:
        types = [place.get("type") for place in places]
    return content.get("epoch"), data if isinstance(data, str) else None, list(types)

path, reader = sys.argv[1:]
try:
    if reader == "read_epochs_eeglab":
        found = mne.read_epochs_eeglab(path, verbose="error"), *fields(path)
    else:
        found = getattr(mne.io, reader)(path, preload=False, verbose="error")
        if not str(found.filenames[0]).lower().endswith(".fdt"):
            found.load_data(verbose="error")
        if reader == "read_raw_eeglab":
            found = found, fields(path)[2]
except Exception as error:
    found = f"{type(error).__name__}: {error}"
pickle.dump(found, out, protocol=pickle.HIGHEST_PROTOCOL)
"""


def read_separately(reader: Reader, path: Path) -> Any:
    """Return what a reader of MNE makes of a file.

    For EEGLAB, this is a tuple, whose last part has the types of the channels as they stand in the file. For
    epochs, the content of `EEG.epoch` and the name of the file that holds the samples (None if the data set
    itself does) stand in second and third place.

    The readers of scipy and of ANT Neuro use numbers from the file as memory addresses: a damaged file can
    crash the process that reads it, or corrupt its memory. A separate process keeps this one intact.

    Raises
    ------
    SparseEEGError : the process crashed.
    ValueError : the reader raised an error; the message begins with its type.
    """
    command = [sys.executable, "-P", "-c", _READ, str(path), reader]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        try:
            assert process.stdout is not None
            found = pickle.load(process.stdout)
        except (EOFError, pickle.UnpicklingError) as error:
            raise SparseEEGError("it is damaged: the process that reads it crashes") from error
        finally:
            process.kill()
    if isinstance(found, str):
        raise ValueError(found)
    return found
