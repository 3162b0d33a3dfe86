"""One recording: from its file to the stretches of signal its windows need, and where they lie there."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import mne
import numpy as np
import pandas as pd

from sparseeg.data.bids.layout import BidsFile
from sparseeg.data.cuts import Cut, lost
from sparseeg.data.problems import LEFT_OUT, Problem
from sparseeg.data.provenance import Processing
from sparseeg.data.signals.continuous import Continuous
from sparseeg.errors import NO_ROOM, one_line

Blocks = Iterator[np.ndarray]
Sink = Callable[[Blocks, tuple[int, int], str], Any]
"""(blocks, shape, dtype) -> what stands for the signal: the array itself, or where it was written."""


@dataclass(frozen=True)
class Recording:
    """The windows of one recording: `signal` (time, channel) in microvolts, a row of `windows` for each."""

    signal: Any
    windows: pd.DataFrame
    ch_names: tuple[str, ...]
    problems: tuple[Problem, ...]

    def reordered(self, order: list[int]) -> "Recording":
        """Return the recording, held in memory, with its channels in another order."""
        if order == list(range(len(self.ch_names))):
            return self
        names = tuple(self.ch_names[index] for index in order)
        return replace(self, signal=np.ascontiguousarray(self.signal[:, order]), ch_names=names)


def in_memory(blocks: Blocks, shape: tuple[int, int], dtype: str) -> np.ndarray:
    """Return the blocks as one array."""
    signal = np.empty(shape, dtype=dtype)
    at = 0
    for block in blocks:
        signal[at : at + len(block)] = block
        at += len(block)
    return signal


def read_recording(
    file: BidsFile, cut: Cut, processing: Processing, sink: Sink = in_memory
) -> Recording | Problem:
    """Return the windows of one recording, `start`, `earliest` and `latest` counted in its kept signal.

    Only the stretches of signal inside windows are kept, and overlapping windows share theirs. A recording
    without a window comes back as the problem that explains it; a damaged file raises nothing.
    """
    events = cut.events(file)
    if isinstance(events, Problem):
        return events
    problems: list[Problem] = []
    try:
        with mne.utils.use_log_level("error"):
            source = Continuous(file, processing, problems)
            windows = cut.place(events, source.n_samples, file, problems)
            if isinstance(windows, Problem):
                return windows
            return _keep(source, windows, cut, file, processing, sink, problems)
    except Exception as error:  # readers raise whatever a damaged file leads them to
        if isinstance(error, OSError) and error.errno in NO_ROOM:
            raise
        return Problem(file.path, f"can't be read: {one_line(error)}", LEFT_OUT)


def _keep(
    source: Continuous,
    windows: pd.DataFrame,
    cut: Cut,
    file: BidsFile,
    processing: Processing,
    sink: Sink,
    problems: list[Problem],
) -> Recording | Problem:
    """Hand what the windows need to the sink; drop windows with samples that are no numbers."""
    earliest = windows["earliest"].to_numpy()
    first, last = stretches(earliest, windows["latest"].to_numpy() + cut.n_times)
    before = np.concatenate([[0], np.cumsum(last - first)])
    where = np.searchsorted(first, earliest, side="right") - 1
    shift = before[where] - first[where]
    bad = np.zeros(before[-1] + 1, dtype=np.int64)

    def blocks() -> Blocks:
        at = 0
        for begin, end in zip(first, last, strict=True):
            for position in range(begin, end, source.block):
                block = source.microvolts(position, min(end, position + source.block))
                bad[at + 1 : at + 1 + len(block)] = ~np.isfinite(block).all(axis=1)
                at += len(block)
                yield block

    shape = (int(before[-1]), len(source.ch_names))
    signal = sink(blocks(), shape, processing.dtype)
    moved = windows.assign(**{name: windows[name] + shift for name in ("start", "earliest", "latest")})
    np.cumsum(bad, out=bad)
    clean = _clean(bad, moved["start"].to_numpy(), moved["start"].to_numpy() + cut.n_times)
    problem = lost(clean, "hold NaN or infinite samples", file, problems)
    if problem is not None:
        return problem
    movable = _clean(bad, moved["earliest"].to_numpy(), moved["latest"].to_numpy() + cut.n_times)
    for name in ("earliest", "latest"):
        moved[name] = moved[name].where(movable, moved["start"])
    table = moved[clean].reset_index(drop=True)
    return Recording(signal, table, source.ch_names, tuple(problems))


def _clean(bad_before: np.ndarray, first: np.ndarray, last: np.ndarray) -> np.ndarray:
    return bad_before[last] == bad_before[first]


def stretches(first: np.ndarray, last: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return begins and ends of the union of the intervals [first, last), joined where they touch."""
    order = np.argsort(first, kind="stable")
    begins, reach = first[order], np.maximum.accumulate(last[order])
    new = np.flatnonzero(np.append(True, begins[1:] > reach[:-1]))
    return begins[new], reach[np.append(new[1:] - 1, len(order) - 1)]
