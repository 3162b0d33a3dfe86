"""A new recording, prepared as a network's training data, with its events."""

import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mne
import numpy as np
import pandas as pd

from sparseeg.data.bids.layout import bids_file
from sparseeg.data.provenance import Processing
from sparseeg.data.signals.breaks import Breaks, find_breaks
from sparseeg.data.signals.conditioning import Conditioning
from sparseeg.data.signals.fit_channels import ChannelFit, check_bad, fit_channels
from sparseeg.data.signals.raw import open_raw
from sparseeg.errors import SparseEEGError, one_line
from sparseeg.files.tsv import read_tsv

_NO_EVENTS = pd.DataFrame({"onset": [], "name": []})
# Standard deviation of the median channel, in volts. Outside this range the unit in the file is wrong.
PLAUSIBLE = (1e-8, 1e-2)


@dataclass(frozen=True)
class NewRecording:
    """A recording prepared for a network.

    Parameters
    ----------
    path : file of the recording.
    signal : (channel, time) in microvolts, the channels of the network at its sampling rate.
    sfreq : sampling rate in Hz.
    events : columns `onset` (seconds from the first sample) and `name`, in order of time; from the events.tsv
        of the recording, else from the annotations in its file.
    notes : changes to the recording that users should know of.
    breaks : cuts and bad stretches, in samples of the signal.
    """

    path: Path
    signal: np.ndarray
    sfreq: float
    events: pd.DataFrame
    notes: tuple[str, ...]
    breaks: Breaks


def read_new(
    path: Path,
    wanted: Sequence[dict[str, Any]],
    processing: Processing,
    *,
    bad: Collection[str] = (),
    flat: Collection[str] = (),
    events: Path | None = None,
    column: str | None = "value",
    own: Collection[str] = (),
) -> NewRecording:
    """Read a recording in any format that `open_raw` opens.

    Parameters
    ----------
    wanted, bad, flat : see `fit_channels`. Channels that the file or its channels.tsv mark as bad count as
        bad, too.
    processing : filter, rate and reference of the result. The reference is subtracted after the channels have
        been matched.
    events : events file to read instead of the events.tsv of the recording.
    column : column of the events file with the names of the events; None if no events are needed.
    own : names of events that are no breaks, whatever they are called.

    Raises
    ------
    SparseEEGError : the file is missing or can't be read, or its channels, rate or events don't fit. The
        message names the file.
    """
    if not os.path.lexists(path):  # a link to content that is missing is explained below
        raise SparseEEGError(f"{path} does not exist")
    try:
        with mne.utils.use_log_level("error"):
            notes: list[str] = []
            raw = open_raw(path, notes)
            check_bad(bad, raw.ch_names)
            fit = fit_channels(
                raw.ch_names,
                wanted,
                {*bad, *raw.info["bads"], *_bad_channels(path)},
                flat,
                processing.reference or (),
            )
            if fit.interpolated:
                notes.append(f"interpolated by spherical splines: {', '.join(fit.interpolated)}")
            breaks = find_breaks(raw, recorded_events(path, events), own, column)
            conditioning = Conditioning(float(raw.info["sfreq"]), fit.ch_names, processing)
            signal = _signal(raw, fit, conditioning, breaks, notes)
            found = _NO_EVENTS if column is None else read_events(path, raw, events, column)
    except SparseEEGError as error:
        raise SparseEEGError(f"{path}: {error}") from error
    except Exception as error:  # a reader may raise any error for a damaged file
        raise SparseEEGError(f"{path}: can't be read: {one_line(error)}") from error
    at_new_rate = breaks.resampled(conditioning.ratio)
    return NewRecording(path, signal, processing.sfreq, found, tuple(notes), at_new_rate)


def recorded_events(path: Path, events: Path | None = None) -> pd.DataFrame | None:
    """Return the content of the events file of a recording: the one that was given, else its events.tsv.

    None if there is neither; SparseEEGError if it can't be read.
    """
    file = events or _sidecar(path, "events.tsv")
    return None if file is None else read_tsv(file)


def _bad_channels(path: Path) -> list[str]:
    """Return the channels that the channels.tsv of a BIDS recording marks as bad."""
    table = _sidecar(path, "channels.tsv")
    if table is None:
        return []
    content = read_tsv(table)
    if not {"name", "status"} <= set(content):
        return []
    return content.loc[content["status"].astype(str).str.lower() == "bad", "name"].astype(str).tolist()


def _sidecar(path: Path, suffix: str) -> Path | None:
    """Return the path of a sidecar of a recording with a BIDS name; None if there is no such file."""
    found = bids_file(path).sidecar(suffix)
    return found if path.name.split(".")[0].endswith("_eeg") and found.is_file() else None


def _signal(
    raw: mne.io.BaseRaw, fit: ChannelFit, conditioning: Conditioning, breaks: Breaks, notes: list[str]
) -> np.ndarray:
    if conditioning.ratio != 1:
        notes.append(f"resampled from {conditioning.sfreq:g} to {conditioning.processing.sfreq:g} Hz")
    volts = fit.apply(raw.get_data())
    spread = float(np.median(volts.std(axis=1)))
    if np.isfinite(spread) and spread > 0 and not PLAUSIBLE[0] <= spread <= PLAUSIBLE[1]:
        notes.append(
            f"amplitudes of {spread:.2g} V are not those of EEG: the unit in the file may be wrong; "
            "used unchanged"
        )
    return conditioning.whole(volts, breaks.cuts.tolist())


def read_events(path: Path, raw: mne.io.BaseRaw, events: Path | None, column: str) -> pd.DataFrame:
    """Return the events of a recording, in order of time.

    Parameters
    ----------
    path, raw : the recording.
    events : events file to read instead of the events.tsv of the recording.
    column : column of the events file with the names of the events.

    Returns
    -------
    DataFrame : columns `onset` (seconds from the first sample) and `name`; from the annotations of `raw` if
        there is no events file.

    Raises
    ------
    SparseEEGError : the events file can't be read or lacks a column.
    """
    events = events or _sidecar(path, "events.tsv")
    if events is None:
        # In a cropped recording, MNE's onsets count from before its first sample, dated or not.
        onset = np.asarray(raw.annotations.onset, dtype=np.float64) - raw.first_time
        names = np.asarray(raw.annotations.description, dtype=object)
    else:
        content = read_tsv(events)
        for name in ("onset", column):
            if name not in content:
                raise SparseEEGError(
                    f"{events} has no column {name!r}; it has {', '.join(map(str, content))}"
                )
        onset = pd.to_numeric(content["onset"], errors="coerce").to_numpy(dtype=np.float64)
        names = content[column].astype(str).to_numpy(dtype=object)
    table = pd.DataFrame({"onset": onset, "name": names})
    return table[np.isfinite(onset)].sort_values("onset", kind="stable", ignore_index=True)
