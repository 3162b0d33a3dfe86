"""Play a recording as LSL streams with MNE-LSL's player, with its events as markers."""

import os
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import mne
import numpy as np
import pandas as pd
from mne_lsl import set_log_level
from mne_lsl.player import PlayerLSL

from sparseeg.data.bids.layout import bids_file
from sparseeg.data.signals.breaks import Breaks, find_breaks, unmarked
from sparseeg.data.signals.new_recording import find_channels, recorded_events
from sparseeg.data.signals.raw import open_raw
from sparseeg.data.signals.select_channels import channel_types
from sparseeg.errors import SparseEEGError, one_line


@dataclass(frozen=True)
class Replay:
    """A recording that is played.

    Parameters
    ----------
    player : plays it.
    bad : channels that the recording marks as bad.
    notes : what is not played, and what was found out about the events.
    """

    player: PlayerLSL
    bad: tuple[str, ...]
    notes: tuple[str, ...]


@contextmanager
def replay(
    path: Path,
    name: str,
    column: str | None = "value",
    chunk_size: int = 1,
    *,
    wanted: Sequence[str] = (),
    own: Collection[str] = (),
    keep_bad: bool = False,
) -> Iterator[Replay]:
    """Play a recording once, in real time, as the LSL streams NAME and NAME-annotations.

    Its EEG channels are played, and those that are wanted by name. Samples of stretches that are marked as
    bad, and the first one after each cut, are played as NaN, so that a window with one of them gets no
    prediction.

    Parameters
    ----------
    path : the recording.
    name : name of the stream of the signal.
    column : column of its events.tsv with the names of the events; None to play no markers.
    chunk_size : samples per chunk.
    wanted : channels of the network.
    own : names of the events that are looked for; they are no breaks, whatever they are called.
    keep_bad : play bad stretches as they are.

    Raises
    ------
    SparseEEGError : the recording can't be read or played.
    """
    if not os.path.lexists(path):  # a link to content that is missing is explained below
        raise SparseEEGError(f"{path} does not exist")
    try:
        with mne.utils.use_log_level("error"):
            notes: list[str] = []
            raw = open_raw(path, notes, channel_types(bids_file(path))).load_data()
            selection = find_channels(raw, path, wanted, notes)
            events = recorded_events(path, raw, column, own, notes)
            breaks = find_breaks(raw, events.content, own, events.column)
            notes += [f"{note.reason} ({note.action})" for note in unmarked(bids_file(path), breaks)]
            _blank(raw, breaks, keep_bad)
            raw.set_annotations(None if column is None else _markers(raw, events.named))
            raw.pick(list(selection.names), exclude=())
            player = PlayerLSL(
                raw, chunk_size, 1, name=name, source_id=f"replay-{name}", annotations_encoding="string"
            )
    except SparseEEGError as error:
        raise SparseEEGError(f"{path}: {error}") from error
    except Exception as error:  # a reader may raise any error for a damaged file
        raise SparseEEGError(f"{path}: can't be played: {one_line(error)}") from error
    set_log_level("ERROR")  # the player warns about each marker that it sends separately
    player.start()
    try:
        yield Replay(player, selection.bad, tuple(notes))
    finally:
        if player.running:
            player.stop()


def _blank(raw: mne.io.BaseRaw, breaks: Breaks, keep_bad: bool) -> None:
    blank = np.zeros(raw.n_times, dtype=bool)
    blank[breaks.cuts] = True
    for first, last in () if keep_bad else zip(breaks.bad_first, breaks.bad_last, strict=True):
        blank[first:last] = True
    if blank.any():
        samples = raw.get_data()
        samples[:, blank] = np.nan
        raw[:, :] = samples


def _markers(raw: mne.io.BaseRaw, events: pd.DataFrame) -> mne.Annotations:
    """Return the events of a recording as annotations for the player."""
    start = raw.first_time if raw.annotations.orig_time is not None else 0.0
    # The player (MNE-LSL 1.14) sends markers with the time of the previous sample.
    onset = events["onset"] + start + 1 / raw.info["sfreq"]
    return mne.Annotations(onset, 0.0, events["name"], raw.annotations.orig_time)
