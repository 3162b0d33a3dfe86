"""Read one recording: the segments of signal that its windows need, and the windows in them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import mne
import numpy as np
import pandas as pd

from sparseeg.data.bids.events import NONE, TABLE, Events, read_events
from sparseeg.data.bids.layout import BidsFile
from sparseeg.data.bids.named_events import NamedEvents, named_events
from sparseeg.data.bids.trials import TrialRule
from sparseeg.data.cuts import Cut, note_lost
from sparseeg.data.problems import LEFT_OUT, Problem
from sparseeg.data.provenance import Processing
from sparseeg.data.signals.breaks import find_breaks, unmarked, without_breaks
from sparseeg.data.signals.channels import WantedChannels
from sparseeg.data.signals.constant import changes_from_before, constant_notes
from sparseeg.data.signals.continuous import Continuous, open_recording
from sparseeg.data.signals.intervals import segments
from sparseeg.data.signals.recording_hash import recording_hash
from sparseeg.data.signals.select_channels import Selection
from sparseeg.errors import NO_ROOM, SparseEEGError, one_line

Blocks = Iterator[np.ndarray]
Sink = Callable[[Blocks, tuple[int, int], str], Any]
"""(blocks, shape, dtype) -> the signal: an array, or the name of the file that it was written to."""


@dataclass(frozen=True)
class Recording:
    """The windows of one recording.

    Parameters
    ----------
    signal : what the sink returned for the signal, (time, channel) in microvolts.
    windows : one row per window, with `start`, `earliest` and `latest` in samples of `signal`.
    ch_names : channels of the signal, in their order.
    problems : everything wrong with the file that did not prevent reading it.
    found : the EEG channels that the recording has.
    hash : of its samples, whoever they are said to be of; "" for constant ones.
    events : its named events.
    """

    signal: Any
    windows: pd.DataFrame
    ch_names: tuple[str, ...]
    problems: tuple[Problem, ...]
    found: Selection
    hash: str = ""
    events: NamedEvents = field(default_factory=NamedEvents)


def in_memory(blocks: Blocks, shape: tuple[int, int], dtype: str) -> np.ndarray:
    """Return the blocks as one array."""
    signal = np.empty(shape, dtype=dtype)
    at = 0
    for block in blocks:
        signal[at : at + len(block)] = block
        at += len(block)
    return signal


def read_recording(
    file: BidsFile,
    cut: Cut,
    processing: Processing,
    sink: Sink = in_memory,
    *,
    keep_bad: bool = False,
    wanted: WantedChannels | None = None,
) -> Recording | Problem:
    """Return the windows of one recording, or a problem if there are none.

    Only the segments of signal inside windows are kept; overlapping windows share theirs. A damaged file
    gives a problem, not an error.

    Parameters
    ----------
    file : the recording.
    cut : how windows are cut.
    processing : how the signal is conditioned.
    sink : takes the signal block by block.
    keep_bad : whether windows in stretches that are marked as bad are kept.
    wanted : the channels that the recording should have; None keeps its own.
    """
    problems: list[Problem] = []
    try:
        with mne.utils.use_log_level("error"):
            raw = open_recording(file, problems)
            samples = recording_hash(raw)
            events = _events(file, raw, cut.rule, problems)
            if isinstance(events, Problem):
                return events
            trials = cut.trials(events, file, problems)
            if isinstance(trials, Problem):
                return trials
            breaks = find_breaks(raw, events.content, cut.rule.names if cut.rule else (), events.column)
            problems += [note for note in unmarked(file, breaks) if note not in problems]
            source = Continuous(raw, file, processing, wanted, breaks, problems)
            windows = cut.windows(trials, source.n_samples, file, problems)
            if isinstance(windows, Problem):
                return windows
            windows = without_breaks(
                windows, source.breaks, cut.n_times, cut.sfreq, file, problems, keep_bad=keep_bad
            )
            if isinstance(windows, Problem):
                return windows
            kept = _keep(source, windows, cut, file, processing, sink, problems)
            if isinstance(kept, Problem):
                return kept
            named = named_events(events.named, cut.rule) if cut.rule else NamedEvents()
            return replace(kept, hash=samples, events=named)
    except Exception as error:  # a reader may raise any error for a damaged file
        if isinstance(error, OSError) and error.errno in NO_ROOM:
            raise
        return Problem(file.path, f"can't be read: {one_line(error)}", LEFT_OUT)


def _events(
    file: BidsFile, raw: mne.io.BaseRaw, rule: TrialRule | None, problems: list[Problem]
) -> Events | Problem:
    """Return the events of a recording; a problem if they can't be read, but are needed by a rule."""
    try:
        if rule is None:
            return read_events(file, raw, None, (), problems)
        return read_events(file, raw, rule.column, rule.groups, problems)
    except SparseEEGError as error:
        path, reason = file.sidecar(TABLE), one_line(error)
        if rule is not None:
            return Problem(path, reason, f"{file.path.name} {LEFT_OUT}")
        problems.append(Problem(path, reason, "read without breaks and bad stretches", "nothing"))
        return NONE


def _keep(
    source: Continuous,
    windows: pd.DataFrame,
    cut: Cut,
    file: BidsFile,
    processing: Processing,
    sink: Sink,
    problems: list[Problem],
) -> Recording | Problem:
    """Pass the segments that windows need to the sink; drop windows with NaN or infinite samples."""
    earliest = windows["earliest"].to_numpy()
    first, last = segments(earliest, windows["latest"].to_numpy() + cut.n_times)
    before = np.concatenate([[0], np.cumsum(last - first)])
    segment = np.searchsorted(first, earliest, side="right") - 1
    shift = before[segment] - first[segment]
    bad = np.zeros(before[-1] + 1, dtype=np.int64)
    changes = np.zeros(before[-1] + 1, dtype=np.int64)

    def blocks() -> Blocks:
        done, last_row = 0, None
        for begin, end in zip(first, last, strict=True):
            for position in range(begin, end, source.block):
                block = source.microvolts(position, min(end, position + source.block))
                bad[done + 1 : done + 1 + len(block)] = ~np.isfinite(block).all(axis=1)
                changes[done + 1 : done + 1 + len(block)] = changes_from_before(block, last_row)
                done, last_row = done + len(block), block[-1:]
                yield block

    shape = (int(before[-1]), len(source.ch_names))
    signal = sink(blocks(), shape, processing.dtype)
    moved = windows.assign(**{name: windows[name] + shift for name in ("start", "earliest", "latest")})
    np.cumsum(bad, out=bad)
    clean = _clean(bad, moved["start"].to_numpy(), moved["start"].to_numpy() + cut.n_times)
    problem = note_lost(clean, "hold NaN or infinite samples", file, problems)
    if problem is not None:
        return problem
    movable = _clean(bad, moved["earliest"].to_numpy(), moved["latest"].to_numpy() + cut.n_times)
    for name in ("earliest", "latest"):
        moved[name] = moved[name].where(movable, moved["start"])
    table = moved[clean].reset_index(drop=True)
    np.cumsum(changes, out=changes)
    start = table["start"].to_numpy()
    constant = int(np.sum(_clean(changes, start + 1, start + cut.n_times)))
    notes = constant_notes(constant, len(table))
    problems += [Problem(file.path, note, "kept", "nothing") for note in notes]
    return Recording(signal, table, source.ch_names, tuple(problems), source.found)


def _clean(bad_before: np.ndarray, first: np.ndarray, last: np.ndarray) -> np.ndarray:
    return bad_before[last] == bad_before[first]
