"""Labelled windows of continuous signals: the type that all readers return."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from sparseeg.data.problems import Problem, listed, summarise
from sparseeg.data.provenance import FileInfo, Processing, Provenance
from sparseeg.data.signals.remixed import RemixedSignal
from sparseeg.data.signals.signal_file import SignalFile
from sparseeg.data.tasks import Task
from sparseeg.errors import counted

Signal = np.ndarray | SignalFile | RemixedSignal
_MANY = 0.1  # share of targets outside their windows; of HBN's response times, 2 to 4 % are
REQUIRED_COLUMNS = ("recording", "start", "target", "subject")

__all__ = ["Problem", "WindowSet"]


@dataclass(frozen=True)
class WindowSet:
    """Windows of equal length, each with a target and a subject, cut from their signals on demand.

    Parameters
    ----------
    signals : one array or file (time, channel) in microvolts per recording, float32 or float16.
    table : one row per window with at least `recording` (index into `signals`), `start` (sample), `target`
        (in `target_unit`) and `subject`; `dataset`, `release`, `age`, `sex`, `task`, `run`, `onset` (seconds
        in the recording), `file` and `recording_hash` (of the samples in the file) if known; `earliest` and
        `latest`, the limits between which the start of a window may be moved.
    n_times : samples per window.
    ch_names : channel names, in the order of the signals' columns.
    task : what is decoded. If the windows are locked to an event, moving a window later by some seconds
        makes its target smaller by as much.
    processing : how the signals were processed.
    source : path or name of the data.
    simulated : whether the data are simulated.
    tmin : seconds from the event to the first sample of a window, for windows that are locked to an event.
    problems : everything wrong with the files; nothing is dropped without an entry here.
    file_info : band, reference and baseline before `processing`, as MNE files say; None if not known.
    people : how the subjects were found, in words.
    unanswered : trials of these recordings without a response, which have no window.

    Raises
    ------
    ValueError : the table lacks a column, a subject is not text, a target is not a finite number, or a window
        lies outside its signal.
    """

    signals: Sequence[Signal]
    table: pd.DataFrame
    n_times: int
    ch_names: tuple[str, ...]
    task: Task
    processing: Processing
    source: str
    simulated: bool = False
    tmin: float = 0.0
    problems: tuple[Problem, ...] = ()
    file_info: FileInfo | None = None
    people: str = ""
    unanswered: int = 0

    def __post_init__(self) -> None:
        missing = [name for name in REQUIRED_COLUMNS if name not in self.table.columns]
        if missing:
            raise ValueError(f"the window table lacks the columns {missing}")
        for signal in self.signals:
            if signal.ndim != 2 or signal.shape[1] != self.n_chans:
                raise ValueError(f"a signal has shape {signal.shape}, expected (time, {self.n_chans})")
        self._check_bounds()
        subjects, targets = self.table["subject"], pd.to_numeric(self.table["target"], errors="coerce")
        for row in np.flatnonzero([not isinstance(subject, str) for subject in subjects])[:1]:
            subject = subjects.iloc[row]
            raise ValueError(
                f"window {row} has the subject {subject} ({type(subject).__name__}): subjects are text, as "
                "'sub-01'; convert the column with .astype(str)"
            )
        for row in np.flatnonzero(~np.isfinite(targets.to_numpy(dtype=np.float64)))[:1]:
            raise ValueError(
                f"window {row} has the target {self.table['target'].iloc[row]}: targets are finite numbers; "
                "leave out windows without one"
            )

    def _check_bounds(self) -> None:
        lengths = np.array([len(signal) for signal in self.signals], dtype=np.int64)
        recordings = self.table["recording"].to_numpy()
        starts = self.table["start"].to_numpy()
        if np.any(recordings < 0) or np.any(recordings >= len(lengths)):
            raise ValueError(f"a window refers to a recording outside 0 to {len(lengths) - 1}")
        outside = np.flatnonzero((starts < 0) | (starts + self.n_times > lengths[recordings]))
        if len(outside):
            row = outside[0]
            raise ValueError(
                f"window {row} (start {starts[row]}, {self.n_times} samples) lies outside recording "
                f"{recordings[row]}, which has {lengths[recordings[row]]} samples"
            )
        if "earliest" in self.table and "latest" in self.table:
            earliest, latest = self.table["earliest"].to_numpy(), self.table["latest"].to_numpy()
            wrong = (earliest < 0) | (earliest > starts) | (latest < starts)
            wrong |= latest + self.n_times > lengths[recordings]
            if wrong.any():
                row = np.flatnonzero(wrong)[0]
                raise ValueError(
                    f"window {row} can't start anywhere from {earliest[row]} to {latest[row]}: it starts at "
                    f"{starts[row]} in a recording of {lengths[recordings[row]]} samples"
                )

    def __len__(self) -> int:
        return len(self.table)

    @property
    def shape(self) -> tuple[int, int]:
        """Shape of one window: (channel, time)."""
        return self.n_chans, self.n_times

    @property
    def n_chans(self) -> int:
        """Number of channels."""
        return len(self.ch_names)

    @property
    def sfreq(self) -> float:
        """Sampling rate in Hz."""
        return self.processing.sfreq

    @property
    def target_name(self) -> str:
        """Name of the target."""
        return self.task.target

    @property
    def target_unit(self) -> str:
        """Unit of the target."""
        return self.task.unit

    @property
    def locked(self) -> bool:
        """Whether the target is a time, measured from the event that the windows are locked to."""
        return self.task.locked

    @property
    def provenance(self) -> Provenance:
        """Task, processing, channels and time of the windows."""
        return Provenance(self.task, self.processing, self.ch_names, self.n_times, self.tmin, self.file_info)

    @property
    def movable(self) -> bool:
        """Whether the start of any window may be moved."""
        return {"earliest", "latest"} <= set(self.table) and bool(
            (self.table["earliest"] != self.table["latest"]).any()
        )

    @property
    def targets(self) -> np.ndarray:
        """Targets, float64 (n_windows,)."""
        return self.table["target"].to_numpy(dtype=np.float64)

    @property
    def outside(self) -> str | None:
        """Shares of the targets before, in and after the windows if many lie outside; else None.

        The network can't see such an event; a latency head answers with one constant.
        """
        if not (self.locked and len(self)):
            return None
        end = self.tmin + self.n_times / self.sfreq
        before, after = float(np.mean(self.targets < self.tmin)), float(np.mean(self.targets > end))
        if before + after <= _MANY:
            return None
        inside = f"{100 * (1 - before - after):.3g} %" if before + after < 1 else "none"
        window = f"the window of {self.tmin:g} to {end:g} s"
        lie = f"{100 * before:.3g} % lie before it, {100 * after:.3g} % after it"
        return f"{inside} of the times lie inside {window}: {lie}"

    @property
    def subjects(self) -> np.ndarray:
        """Subject of each window, (n_windows,)."""
        return self.table["subject"].to_numpy()

    def noting_outside(self) -> "WindowSet":
        """Return the windows with a problem if many of their targets lie outside of them."""
        if self.outside is None:
            return self
        problem = Problem(Path(self.source), self.outside, "kept; give another --tmin or --tmax", "nothing")
        return replace(self, problems=(problem, *self.problems))

    def gather(
        self,
        indices: np.ndarray | Sequence[int],
        starts: np.ndarray | None = None,
        out: np.ndarray | None = None,
    ) -> np.ndarray:
        """Return windows as contiguous float32 (batch, channel, time) in microvolts.

        Parameters
        ----------
        indices : rows of `table`.
        starts : first sample of each window, between its `earliest` and `latest`; `start` by default.
        out : array of this shape and dtype to fill, for example in pinned memory.
        """
        indices = np.asarray(indices, dtype=np.intp)
        recordings, own_starts = self._recordings_and_starts
        recordings = recordings[indices]
        starts = own_starts[indices] if starts is None else np.asarray(starts)
        batch = np.empty((len(indices), *self.shape), dtype=np.float32) if out is None else out
        buffers: dict[np.dtype, np.ndarray] = {}  # a window fits into the cache, where it is transposed
        order = np.lexsort((starts, recordings))  # the order of the samples on disk
        rows = zip(order.tolist(), recordings[order].tolist(), starts[order].tolist(), strict=True)
        for row, recording, start in rows:
            signal = self.signals[recording]
            if isinstance(signal, SignalFile):
                if signal.dtype not in buffers:
                    buffers[signal.dtype] = np.empty(self.shape[::-1], dtype=signal.dtype)
                batch[row] = signal.read(start, buffers[signal.dtype]).T
            else:
                batch[row] = signal[start : start + self.n_times].T
        return batch

    @cached_property
    def _recordings_and_starts(self) -> tuple[np.ndarray, np.ndarray]:
        """Recording and first sample of each window; looking up a column of a table is slow."""
        return self.table["recording"].to_numpy(), self.table["start"].to_numpy()

    def select(self, mask: np.ndarray | Sequence[int] | Sequence[bool]) -> "WindowSet":
        """Return the windows at a boolean mask or an index array; signals are shared, not copied.

        Raises
        ------
        ValueError : the mask has another length than the windows.
        """
        chosen = np.asarray(mask)
        if chosen.dtype == bool:
            if len(chosen) != len(self):
                raise ValueError(f"a mask of {len(chosen)} for {len(self)} windows")
            chosen = np.flatnonzero(chosen)
        return replace(self, table=self.table.iloc[chosen.astype(np.intp)].reset_index(drop=True))

    def summary(self, examples: int = 3) -> str:
        """Return one line that describes the windows and their problems, with the first few examples."""
        counts = (
            f"{counted(len(self), 'window')} of {counted(self.n_times, 'sample')} at {self.sfreq:g} Hz, "
            f"{counted(self.n_chans, 'channel')}, "
            f"{listed(self.table['subject'], 'subject')}{self.people and f' (found by {self.people})'}, "
            f"{counted(self.table['recording'].nunique(), 'recording')}"
        )
        if self.file_info is not None:
            counts += f"; files say {self.file_info}"
            if self.file_info.low_pass >= self.sfreq / 2:
                counts += f" (edges above {self.sfreq / 2:g} Hz count as that, half of the windows' rate)"
        if self.unanswered:
            counts += f"; {counted(self.unanswered, 'trial')} without a response left out"
        return f"{counts}; {summarise(self.problems, examples)}"
