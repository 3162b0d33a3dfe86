"""Predict for new recordings: a table of predictions with prediction intervals."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from sparseeg import __version__
from sparseeg.data.bids.layout import BidsFile
from sparseeg.data.cuts import event_samples
from sparseeg.data.problems import Problem
from sparseeg.data.provenance import Processing
from sparseeg.data.signals.breaks import without_breaks
from sparseeg.data.signals.constant import constant_notes, is_constant
from sparseeg.data.signals.new_recording import NewRecording, read_new
from sparseeg.errors import SparseEEGError, nearest
from sparseeg.files.atomic import write_whole
from sparseeg.files.names import event_names
from sparseeg.files.tsv import exact
from sparseeg.prediction.predictor import IntervalPrediction, Predictor
from sparseeg.training.inputs import Inputs

COLUMNS = (
    "onset",
    "duration",
    "prediction",
    "unit",
    "interval_low",
    "interval_high",
    "event",
    "file",
    "model",
    "version",
)
BATCH = 256


@dataclass(frozen=True)
class PredictionRequest:
    """For which windows of a recording to predict, and how to read it; by default as in training.

    Parameters
    ----------
    every : seconds from one window to the next, instead of one window per stimulus.
    stimulus : names of the events to predict for.
    events, events_column : events file to read instead of the events.tsv of the recording, and its column
        with the names of the events.
    bad : channels to interpolate in addition to those that are marked as bad.
    low_cut, high_cut, reference : as in `Processing`.
    keep_bad : also predict for windows in stretches that are marked as bad.
    """

    every: float | None = None
    stimulus: tuple[str, ...] = ()
    events: Path | None = None
    events_column: str | None = None
    bad: tuple[str, ...] = ()
    low_cut: float | None = None
    high_cut: float | None = None
    reference: tuple[str, ...] | None = None
    keep_bad: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "stimulus", event_names(self.stimulus))

    def check(self, inputs: Inputs) -> None:
        """Raise SparseEEGError if the request doesn't fit the target of a run."""
        if self.every is not None and not (np.isfinite(self.every) and self.every > 0):
            raise SparseEEGError(f"--every {self.every:g}: the number of seconds must be greater than zero")
        if self.every is not None and self.stimulus:
            raise SparseEEGError("--every (a regular grid) and --stimulus (events) can't be combined")
        if self.events is not None and (self.every is not None or not inputs.task.locked):
            raise SparseEEGError(
                "--events has no effect: windows are cut on a regular grid, not at events; leave it out"
            )
        if self.stimulus and not inputs.task.locked:
            raise SparseEEGError(
                f"--stimulus has no effect: {inputs.task.target} is not a time after a stimulus, so windows "
                "are cut on a regular grid; leave it out"
            )
        if inputs.task.locked and self.every is None and not (self.stimulus or inputs.stimulus):
            raise SparseEEGError(
                "the run has no stimulus events, because it was trained on epochs: name the events with "
                "--stimulus, or give --every for windows on a regular grid"
            )

    def processing(self, inputs: Inputs, sfreq: float) -> Processing:
        """Return the processing of a recording for networks that take windows at `sfreq` Hz."""
        return replace(
            inputs.processing,
            sfreq=sfreq,
            low_cut=inputs.processing.low_cut if self.low_cut is None else self.low_cut,
            high_cut=inputs.processing.high_cut if self.high_cut is None else self.high_cut,
            reference=self.reference or inputs.processing.reference,
            dtype="float32",
        )

    def describe(self, inputs: Inputs, sfreq: float) -> str:
        """Return which filter, reference and rate recordings get, beside those of the training."""
        now, then = self.processing(inputs, sfreq).in_words, replace(inputs.processing, sfreq=sfreq).in_words
        return f"{now} (as in training)" if now == then else f"{now} (training: {then})"


def predict_recording(
    predictor: Predictor, path: Path, request: PredictionRequest
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Predict for one recording.

    Returns
    -------
    DataFrame : one row per window, with the columns `COLUMNS`. `onset` is the time of the stimulus, or the
        time from which the target is measured, in seconds from the first sample; `duration` is the length of
        the window in seconds.
    notes : changes to the recording, and windows that were left out.

    Raises
    ------
    SparseEEGError : the recording can't be read, doesn't fit the network, or has no window.
    """
    inputs, spec = predictor.inputs, predictor.spec
    at_events = inputs.task.locked and request.every is None
    recording = read_new(
        path,
        predictor.channels,
        request.processing(inputs, spec.sfreq),
        bad=request.bad,
        flat=inputs.flat,
        events=request.events,
        column=(request.events_column or inputs.events_column) if at_events else None,
        own=request.stimulus or inputs.stimulus,
    )
    notes = [*recording.notes, *inputs.notes]
    windows = _windows(recording, inputs, request, spec.n_times, spec.sfreq, notes)
    predictions: list[IntervalPrediction] = []
    constant = 0
    for starts in np.array_split(windows["start"].to_numpy(), -(-len(windows) // BATCH)):
        batch = np.stack([recording.signal[:, start : start + spec.n_times] for start in starts])
        predictions.append(predictor(batch))
        constant += int(is_constant(batch).sum())
    notes += constant_notes(constant, len(windows))
    table = pd.DataFrame(
        {
            "onset": windows["onset"],
            "duration": spec.n_times / spec.sfreq,
            "prediction": np.concatenate([prediction.value for prediction in predictions]),
            "unit": inputs.task.unit,
            "interval_low": np.concatenate([prediction.low for prediction in predictions]),
            "interval_high": np.concatenate([prediction.high for prediction in predictions]),
            "event": windows["name"],
            "file": str(path),
            "model": predictor.name,
            "version": __version__,
        }
    )
    return table[list(COLUMNS)], tuple(notes)


def write_table(tables: Sequence[pd.DataFrame], out: Path | None) -> None:
    """Write predictions as a tab-separated table, with n/a for missing values.

    Parameters
    ----------
    tables : one table per recording.
    out : file to write; standard output if None.
    """
    text = exact(pd.concat(tables, ignore_index=True), "onset").to_csv(
        sep="\t", index=False, na_rep="n/a", float_format="%.6g", lineterminator="\n"
    )
    if out is None:
        sys.stdout.write(text)
    else:
        write_whole(out, text)


def _windows(
    recording: NewRecording,
    inputs: Inputs,
    request: PredictionRequest,
    n_times: int,
    sfreq: float,
    notes: list[str],
) -> pd.DataFrame:
    """Return `start` (sample), `onset` and `name` of each complete window of the recording."""
    length = recording.signal.shape[1]
    at_events = inputs.task.locked and request.every is None
    if at_events:
        windows = _at_events(recording, inputs, request, sfreq, notes)
    else:
        stride = round((request.every or inputs.task.stride) * sfreq)
        start = np.arange(0, length - n_times + 1, max(1, stride), dtype=np.int64)
        onset = np.round(start / sfreq - (inputs.tmin if inputs.task.locked else 0.0), 9)
        windows = pd.DataFrame({"start": start, "onset": onset, "name": "n/a"})
    whole = (windows["start"] >= 0) & (windows["start"] + n_times <= length)
    if not whole.any():
        raise SparseEEGError(
            f"{recording.path}: the recording of {length / sfreq:g} s has no complete window of "
            f"{n_times / sfreq:g} s" + (f" {inputs.tmin:g} s after a stimulus" if at_events else "")
        )
    if not whole.all():
        notes.append(f"{int((~whole).sum())} windows reach outside the recording and were left out")
    windows = windows[whole]
    bad = np.concatenate([[0], np.cumsum(~np.isfinite(recording.signal).all(axis=0))])
    clean = bad[windows["start"] + n_times] == bad[windows["start"]]
    if not clean.any():
        raise SparseEEGError(f"{recording.path}: all windows hold NaN or infinite samples")
    if not clean.all():
        notes.append(f"{int((~clean).sum())} windows hold NaN or infinite samples and were left out")
    windows = windows[clean].reset_index(drop=True)
    return _without_breaks(recording, windows, n_times, at_events, request.keep_bad, notes)


def _without_breaks(
    recording: NewRecording,
    windows: pd.DataFrame,
    n_times: int,
    at_events: bool,
    keep_bad: bool,
    notes: list[str],
) -> pd.DataFrame:
    """Return the windows that no break touches, from their stimulus on if they have one."""
    start = windows["start"]
    located = windows.assign(earliest=start, latest=start)
    if at_events:
        located["target"] = 0.0  # the response isn't known
    problems: list[Problem] = []
    file = BidsFile(recording.path, recording.path.parent)
    left = without_breaks(
        located, recording.breaks, n_times, recording.sfreq, file, problems, keep_bad=keep_bad
    )
    if isinstance(left, Problem):
        raise SparseEEGError(f"{recording.path}: {left.reason}")
    notes += [f"{problem.reason} ({problem.action})" for problem in problems]
    return left[windows.columns].reset_index(drop=True)


def _at_events(
    recording: NewRecording, inputs: Inputs, request: PredictionRequest, sfreq: float, notes: list[str]
) -> pd.DataFrame:
    events, stimulus = recording.events, request.stimulus or inputs.stimulus
    chosen = events[events["name"].isin(stimulus)]
    known = list(map(str, events["name"].unique()))
    for name in stimulus:
        if name not in known:
            others = [other for other in known if other not in stimulus]
            notes.append(f"no event {name}: nothing is predicted for it.{nearest(name, others)}".rstrip("."))
    return chosen.assign(start=event_samples(chosen["onset"].to_numpy(), inputs.tmin, sfreq))
