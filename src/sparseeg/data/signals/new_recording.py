"""A new recording, prepared as a network's training data, with its events."""

import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import mne
import numpy as np
import pandas as pd

from sparseeg.data.bids.events import BESIDE, Events, read_events
from sparseeg.data.bids.layout import bids_file
from sparseeg.data.bids.no_event import absent, present
from sparseeg.data.problems import Problem
from sparseeg.data.provenance import Processing
from sparseeg.data.signals.breaks import Breaks, find_breaks, unmarked
from sparseeg.data.signals.companions import companions
from sparseeg.data.signals.conditioning import Conditioning
from sparseeg.data.signals.electrodes import electrode_tables
from sparseeg.data.signals.fit_channels import check_bad, fit_channels
from sparseeg.data.signals.raw import open_raw
from sparseeg.data.signals.select_channels import Selection, channel_types, select_channels
from sparseeg.errors import SparseEEGError, one_line

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
    events : columns `onset` (seconds from the first sample) and `name`, in order of time.
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
    own : names of the events that are looked for; they are no breaks, whatever they are called.

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
            raw = open_raw(path, notes, channel_types(bids_file(path)))
            check_bad(bad, raw.ch_names)
            selection = find_channels(raw, path, [channel["ch_name"] for channel in wanted], notes)
            unusable = {*bad, *selection.bad}
            reference = processing.reference or ()
            fit = fit_channels(selection.names, wanted, unusable, flat, reference, own=selection.positions)
            if fit.interpolated:
                notes.append(f"interpolated by spherical splines: {', '.join(fit.interpolated)}")
            found = recorded_events(path, raw, column, own, notes, events)
            breaks = find_breaks(raw, found.content, own, found.column)
            notes += [f"{note.reason} ({note.action})" for note in unmarked(bids_file(path), breaks)]
            conditioning = Conditioning(float(raw.info["sfreq"]), fit.ch_names, processing)
            volts = fit.apply(raw.get_data(picks=list(selection.names)))
            signal = _signal(volts, conditioning, breaks, notes)
    except SparseEEGError as error:
        raise SparseEEGError(f"{path}: {error}") from error
    except Exception as error:  # a reader may raise any error for a damaged file
        raise SparseEEGError(f"{path}: can't be read: {one_line(error)}") from error
    at_new_rate = breaks.resampled(conditioning.ratio)
    return NewRecording(path, signal, processing.sfreq, found.named, tuple(notes), at_new_rate)


def files_of(path: Path) -> list[Path]:
    """Return the files that `read_new` may read for a recording: its own, and the tables beside it."""
    recording = bids_file(path)
    tables = [table for suffix in ("events.tsv", "channels.tsv") for table in recording.sidecars(suffix)]
    tables += electrode_tables(recording)
    return [file for file in (path, *companions(path), *tables) if file.is_file()]


def find_channels(
    raw: mne.io.BaseRaw | mne.BaseEpochs, path: Path, wanted: Sequence[str], notes: list[str]
) -> Selection:
    """Choose the EEG channels of a recording, as for training, and those that are wanted by name.

    `notes` gets what was left out.
    """
    problems: list[Problem] = []
    selection = select_channels(raw, bids_file(path), problems, wanted)
    notes += [f"{problem.reason} ({problem.action})" for problem in problems]
    return selection


def _signal(volts: np.ndarray, conditioning: Conditioning, breaks: Breaks, notes: list[str]) -> np.ndarray:
    if conditioning.ratio != 1:
        notes.append(f"resampled from {conditioning.sfreq:g} to {conditioning.processing.sfreq:g} Hz")
    spread = float(np.median(volts.std(axis=1)))
    if np.isfinite(spread) and spread > 0 and not PLAUSIBLE[0] <= spread <= PLAUSIBLE[1]:
        notes.append(
            f"amplitudes of {spread:.2g} V are not those of EEG: the unit in the file may be wrong; "
            "used unchanged"
        )
    return conditioning.whole(volts, breaks.cuts.tolist())


def recorded_events(
    path: Path,
    raw: mne.io.BaseRaw,
    column: str | None,
    own: Collection[str],
    notes: list[str],
    events: Path | None = None,
) -> Events:
    """Return the events of a recording; `named` has only those with a name. See `read_events`.

    Parameters
    ----------
    path, raw : the recording.
    column : column of the events file with the names of the events; None if no names are wanted.
    own : names of the events that are looked for.
    notes : gets what was found out or left out.
    events : events file to read instead of the events.tsv of the recording.

    Raises
    ------
    SparseEEGError : the recording has none of the events that are looked for, or as in `read_events`.
    """
    problems: list[Problem] = []
    found = read_events(bids_file(path), raw, column, [own], problems, table=events)
    names = found.named["name"]
    if column is not None and own and not names.isin(list(own)).any():
        there = present(names, found.content, [own], column)
        beside = "".join(f"{one.path.name} {one.reason}. " for one in problems if one.reason == BESIDE)
        raise SparseEEGError(
            f"{absent(names, [own])}; {there.removesuffix('.')}. {beside}Name the stimulus with "
            "--stimulus, or give --every for windows on a regular grid"
        )
    notes += [f"{problem.path.name}: {problem.reason} ({problem.action})" for problem in problems]
    named = found.named.loc[found.named["name"].notna(), ["onset", "name"]].reset_index(drop=True)
    return replace(found, named=named)
