"""One continuous recording: from its signal and its trials to the stretches of signal its windows need."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import mne
import numpy as np
import pandas as pd

from sparseeg.data.layout import BidsFile
from sparseeg.data.problems import LEFT_OUT, Problem, one_line
from sparseeg.data.resample import resample, same_rate
from sparseeg.data.trials import trial_table
from sparseeg.data.tsv import read_tsv
from sparseeg.errors import SparseEEGError

READERS = {
    ".bdf": mne.io.read_raw_bdf,
    ".edf": mne.io.read_raw_edf,
    ".set": mne.io.read_raw_eeglab,
    ".vhdr": mne.io.read_raw_brainvision,
}
# BIDS channel types that are EEG; the reference electrode of HBN (Cz) belongs to its 129 channels
EEG_TYPES = ("EEG", "REF")
DROPPED = "these windows dropped"
Volts = tuple[int, Callable[[int, int], np.ndarray]]


@dataclass(frozen=True)
class Span:
    """Where a window lies: `tmin` seconds after its event, `n_times` samples at `sfreq` Hz."""

    tmin: float
    n_times: int
    sfreq: float

    def starts(self, onset: np.ndarray) -> np.ndarray:
        """Return the first sample of each window for events at `onset` seconds.

        The onset is rounded to the microsecond, the event put at the nearest sample, halves at the even one,
        and the offset added in whole samples: as MNE does in `set_annotations` and `events_from_annotations`,
        and with it braindecode's `create_windows_from_events`.
        """
        event = np.round(np.round(onset, 6) * self.sfreq)
        return event.astype(np.int64) + round(self.tmin * self.sfreq)


@dataclass(frozen=True)
class Recording:
    """The windows of one recording: `signal` (time, channel) in microvolts, a row of `trials` per window."""

    signal: np.ndarray
    trials: pd.DataFrame
    ch_names: tuple[str, ...]
    problems: tuple[Problem, ...]

    def reordered(self, order: list[int]) -> "Recording":
        """Return the recording with its channels in another order."""
        if order == list(range(len(self.ch_names))):
            return self
        names = tuple(self.ch_names[index] for index in order)
        return replace(self, signal=np.ascontiguousarray(self.signal[:, order]), ch_names=names)


def read_recording(file: BidsFile, span: Span) -> Recording | Problem:
    """Return the windows of one recording, with `start` (sample in `signal`) among the columns of `trials`.

    Only the stretches of signal inside windows are kept, and overlapping windows share theirs. A recording
    without a window comes back as the problem that explains it; nothing is raised for bad input.
    """
    events = file.sidecar("events.tsv")
    try:
        trials = trial_table(read_tsv(events))
    except SparseEEGError as error:
        return Problem(events, one_line(error), f"{file.path.name} {LEFT_OUT}")
    answered = trials.dropna(subset=["rt"]).reset_index(names="trial")
    if answered.empty:
        reason = f"none of its {len(trials)} trials has both a stimulus and a response"
        return Problem(events, reason, f"{file.path.name} {LEFT_OUT}")
    problems: list[Problem] = []
    try:
        with mne.utils.use_log_level("error"):
            return _cut(_open(file), file, answered, span, problems)
    except Exception as error:  # readers raise whatever a damaged file leads them to
        return Problem(file.path, f"can't be read: {one_line(error)}", LEFT_OUT)


def _open(file: BidsFile) -> Any:
    if not file.path.exists():
        raise SparseEEGError("it is a link to a file that is not there; fetch the content first")
    raw = READERS[file.path.suffix](file.path, preload=False)
    raw.pick(_eeg_channels(raw, file), exclude=())
    return raw


def _volts(raw: Any, file: BidsFile, span: Span, problems: list[Problem]) -> Volts:
    """Return the number of samples at the wanted rate, and a way to some of them, (channel, time) in V."""
    found = float(raw.info["sfreq"])
    if same_rate(found, span.sfreq):
        return raw.n_times, lambda first, last: raw.get_data(start=first, stop=last)
    reason = f"sampled at {found:g} Hz instead of {span.sfreq:g} Hz"
    problems.append(Problem(file.path, reason, f"resampled to {span.sfreq:g} Hz", "nothing"))
    volts = resample(raw.get_data(), found, span.sfreq)
    return volts.shape[1], lambda first, last: volts[:, first:last]


def _eeg_channels(raw: Any, file: BidsFile) -> list[str]:
    kinds = dict(zip(raw.ch_names, raw.get_channel_types(), strict=True))
    names = [name for name, kind in kinds.items() if kind == "eeg"]
    try:
        table = read_tsv(file.sidecar("channels.tsv"))
        types = dict(zip(table["name"], table["type"].fillna("EEG").str.upper(), strict=True))
    except (SparseEEGError, KeyError):
        return names  # channels.tsv only refines what the signal file says itself
    return [name for name in names if types.get(name, "EEG") in EEG_TYPES]


def _cut(
    raw: Any, file: BidsFile, trials: pd.DataFrame, span: Span, problems: list[Problem]
) -> Recording | Problem:
    n_samples, volts = _volts(raw, file, span, problems)
    starts = span.starts(trials["stimulus_onset"].to_numpy())
    fits = (starts >= 0) & (starts + span.n_times <= n_samples)
    problem = _lost(fits, f"reach outside the recording of {n_samples / span.sfreq:g} s", file, problems)
    if problem is not None:
        return problem
    trials, starts = trials[fits], starts[fits]
    first, last = int(starts.min()), int(starts.max()) + span.n_times
    microvolts = (volts(first, last) * 1e6).astype(np.float32).T
    starts = starts - first

    bad_before = np.concatenate([[0], np.cumsum(~np.isfinite(microvolts).all(axis=1))])
    clean = bad_before[starts + span.n_times] == bad_before[starts]
    problem = _lost(clean, "hold NaN or infinite samples", file, problems)
    if problem is not None:
        return problem
    signal, moved = keep_windows(microvolts, starts[clean], span.n_times)
    table = trials[clean].assign(start=moved).reset_index(drop=True)
    return Recording(signal, table, tuple(raw.ch_names), tuple(problems))


def _lost(good: np.ndarray, what: str, file: BidsFile, problems: list[Problem]) -> Problem | None:
    """Note the windows that are not good; return the problem instead where none is."""
    lost = int(np.sum(~good))
    reason = f"{lost} of {len(good)} windows {what}"
    if not good.any():
        return Problem(file.path, reason, LEFT_OUT)
    if lost:
        problems.append(Problem(file.path, reason, DROPPED, "windows", lost))
    return None


def keep_windows(signal: np.ndarray, starts: np.ndarray, n_times: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the samples of `signal` (time, channel) inside some window, and where windows start there."""
    change = np.zeros(len(signal) + 1, dtype=np.int64)
    np.add.at(change, starts, 1)
    np.add.at(change, starts + n_times, -1)
    inside = np.cumsum(change[:-1]) > 0
    position = np.cumsum(inside) - 1
    return np.ascontiguousarray(signal[inside]), position[starts]
