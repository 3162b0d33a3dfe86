"""Open EEGLAB data sets (.set): continuous ones, and epochs."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import mne
import numpy as np
import pandas as pd

from sparseeg.data.signals.cut_off import cropped, shorter
from sparseeg.data.signals.labels import label_type
from sparseeg.data.signals.separate import read_separately
from sparseeg.data.signals.whose_samples import other_header, own_file
from sparseeg.errors import SparseEEGError, require
from sparseeg.files.content import check_content

_BOUNDARY = ("-99", "-99.0")  # of a data set whose types of events are numbers; option_boundary99 of EEGLAB
# Channels with triggers are "misc", because they hold no events in the form that MNE expects of "stim".
_MNE_TYPES = {
    "EOG": "eog",
    "ECG": "ecg",
    "EMG": "emg",
    "TEMP": "temperature",
    "RESP": "resp",
    "BIO": "bio",
    "TRIG": "misc",
    "MISC": "misc",
}
_EPOCHED = re.compile(r"number of trials is (\d+)")


def open_eeglab(path: Path, notes: list[str]) -> mne.io.BaseRaw:
    """Open a continuous data set.

    Raises
    ------
    SparseEEGError : it holds epochs, is damaged, names samples of another data set or of another number of
        channels, or its format needs a package that is missing.
    ValueError : any error that MNE raises.
    """
    _check(path)
    try:
        raw, types = read_separately("read_raw_eeglab", path)
    except ValueError as error:
        epochs = _EPOCHED.search(str(error))
        if epochs is None:
            raise
        raise SparseEEGError(
            f"it holds {epochs[1]} epochs, not a continuous recording; save the continuous data set in its "
            "place, or put the files of epochs together in a folder, to train on with --target"
        ) from error
    raw.annotations.rename({name: "boundary" for name in _BOUNDARY if name in raw.annotations.description})
    _set_types(raw, types, notes)
    samples = Path(raw.filenames[0])
    if samples.suffix.lower() == ".fdt":
        _check_own(path, samples)
        return _sized(raw, samples, notes)
    return raw


def _set_types(data: mne.io.BaseRaw | mne.BaseEpochs, types: Sequence[Any], notes: list[str]) -> None:
    """Give channels the types that a data set states in other words than MNE's, which MNE reads as EEG.

    `notes` gets the words that are not known.
    """
    if len(types) != len(data.ch_names):  # no types, or none for some channels
        return
    stated = zip(data.ch_names, data.get_channel_types(), types, strict=True)
    words = {name: word for name, own, word in stated if own == "eeg" and isinstance(word, str)}
    kinds = {name: _MNE_TYPES[label_type(word)] for name, word in words.items() if label_type(word) != "EEG"}
    unknown = sorted({words[name] for name in words.keys() - kinds.keys()} - {"", "n/a"}, key=str.lower)
    unknown = [word for word in unknown if word.lower() not in ("eeg", "ref", "reference")]
    if kinds:
        data.set_channel_types(kinds, on_unit_change="ignore")
    if unknown:
        notes.append(
            f"the channel types {', '.join(unknown)} in it are not known: used as EEG, by their labels"
        )


def _sized(raw: mne.io.BaseRaw, samples: Path, notes: list[str]) -> mne.io.BaseRaw:
    """Return a recording with the samples that are in its file, and note it if there are fewer.

    Raises
    ------
    SparseEEGError : the file holds more samples, or another number of channels, than the data set says.
    """
    channels, stated, values = len(raw.ch_names), raw.n_times, samples.stat().st_size // 4
    if values == channels * stated:
        return raw
    size = f"{samples.name} holds {values} values"
    if values % stated == 0:
        raise SparseEEGError(
            f"it says {channels} channels of {stated} samples, but {size}, those of {values // stated} "
            "channels; save it again in EEGLAB, or copy both files again"
        )
    if values > channels * stated:
        raise SparseEEGError(
            f"it says {channels} channels of {stated} samples, but {size}, more than these; save it again in "
            "EEGLAB, or copy both files again"
        )
    notes.append(shorter(values // channels, stated))
    return cropped(raw, values // channels)


def _check_own(path: Path, samples: Path) -> None:
    """Raise SparseEEGError if the samples that a data set names may be those of another one."""
    said = f"it names {samples.name}"
    correct = "save it again in EEGLAB with the samples that are its own"
    other, own = other_header(path, samples, (".set",)), own_file(path, samples, (".fdt",))
    if other is not None:
        raise SparseEEGError(f"{said}, which holds the samples of {other.name}; {correct}")
    if own is not None:
        raise SparseEEGError(
            f"{said}, although {own.name} is there: which of them holds its samples is not known; {correct}, "
            "or move the other file to another folder"
        )


def _check(path: Path) -> None:
    check_content(path.with_suffix(".fdt"))
    with path.open("rb") as file:
        start = file.read(520)
    # MATLAB 7.3 writes HDF5, after a header of 512 bytes
    if start.startswith(b"MATLAB 7.3") or b"\x89HDF\r\n\x1a\n" in (start[:8], start[512:520]):
        require("pymatreader", "matlab", "it is a file of MATLAB 7.3 (HDF5)")


def read_eeglab_epochs(path: Path, notes: list[str]) -> mne.BaseEpochs:
    """Return the epochs of a data set, with what it says of their events as metadata.

    Columns are the fields of the event that an epoch is locked to (`type`, `duration`, ...), and, for every
    type of event, `TYPE_latency`: milliseconds to the first such event after that one. `EEG.epoch` has them.
    `notes` gets what is not used of the types of channels.

    Raises
    ------
    SparseEEGError : it is continuous, damaged, names samples of another data set, or its format needs a
        package that is missing.
    ValueError : any error that MNE raises.
    """
    _check(path)
    try:
        epochs, fields, named, types = read_separately("read_epochs_eeglab", path)
    except ValueError as error:
        if "does not seem to contain epochs" not in str(error):
            raise
        raise SparseEEGError(
            "it holds a continuous recording, not epochs; put recordings in a BIDS folder with their events"
        ) from error
    if named is not None and (path.parent / named).exists():
        _check_own(path, path.parent / named)
    _set_types(epochs, types, notes)
    epochs.metadata = _metadata(fields, len(epochs))
    return epochs


def _metadata(fields: Any, count: int) -> pd.DataFrame | None:
    """Return a row for each of `count` epochs, from the content of `EEG.epoch`; None without it."""
    if isinstance(fields, dict):  # one list per field, as pymatreader returns them
        fields = [dict(zip(fields, row, strict=True)) for row in zip(*fields.values(), strict=True)]
    if fields is None or len(fields) != count:
        return None
    return pd.DataFrame([_row(epoch) for epoch in fields])


def _row(epoch: dict[str, Any]) -> dict[str, Any]:
    events = {name.removeprefix("event"): _several(value) for name, value in epoch.items() if name != "event"}
    latency = np.array([_number(value) for value in events.pop("latency", ())])
    kinds = [str(kind) for kind in events.get("type", ())]
    locked = np.flatnonzero(latency == 0)
    if not len(locked) or len(kinds) != len(latency):
        return {}
    row = {name: values[locked[0]] for name, values in events.items() if len(values) == len(latency)}
    for number in np.argsort(latency, kind="stable"):
        if latency[number] > 0:
            row.setdefault(f"{kinds[number]}_latency", latency[number])
    return row


def _several(value: Any) -> list[Any]:
    """Return the values of the events of an epoch, of which EEGLAB wraps only several in a list."""
    return list(value) if isinstance(value, list | np.ndarray) and np.ndim(value) == 1 else [value]


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float | np.number) else np.nan
