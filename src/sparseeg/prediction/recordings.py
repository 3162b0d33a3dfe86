"""New recordings through the networks of a run: one table of predictions with their intervals."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from sparseeg import __version__
from sparseeg.data.cuts import event_samples
from sparseeg.data.signals.new_recording import NewRecording, read_new
from sparseeg.errors import SparseEEGError, nearest
from sparseeg.files.atomic import write_whole
from sparseeg.prediction.predictor import Predictor
from sparseeg.training.inputs import Inputs

COLUMNS = (
    *("onset", "duration", "prediction", "unit", "interval_low", "interval_high"),
    *("event", "file", "model", "version"),
)
_BATCH = 256


@dataclass(frozen=True)
class Request:
    """What is wanted of recordings; what is None is as in training.

    Parameters
    ----------
    every : seconds from one window to the next, in place of a window per stimulus.
    stimulus : names of the events to predict for.
    events, events_column : see `read_new`.
    bad, low_cut, high_cut, reference : see `read_new`.
    """

    every: float | None = None
    stimulus: tuple[str, ...] = ()
    events: Path | None = None
    events_column: str | None = None
    bad: tuple[str, ...] = ()
    low_cut: float | None = None
    high_cut: float | None = None
    reference: tuple[str, ...] | None = None

    def check(self, inputs: Inputs) -> None:
        """Raise SparseEEGError where it makes no sense for what a run predicts."""
        if self.every is not None and not (np.isfinite(self.every) and self.every > 0):
            raise SparseEEGError(f"--every {self.every:g}: seconds greater than zero are needed")
        if self.every is not None and self.stimulus:
            raise SparseEEGError("windows lie on a grid (--every) or at events (--stimulus); choose one")
        if self.events is not None and (self.every is not None or not inputs.task.locked):
            raise SparseEEGError("windows lie on a grid here and not at events: leave --events out")
        if self.stimulus and not inputs.task.locked:
            raise SparseEEGError(
                f"{inputs.task.target} is no time after a stimulus: leave --stimulus out; windows "
                "lie on a grid"
            )
        if inputs.task.locked and self.every is None and not (self.stimulus or inputs.stimulus):
            raise SparseEEGError(
                "the run doesn't know its stimulus events (it was trained on epochs); name them by "
                "--stimulus, or ask for a window every few seconds by --every"
            )


def predict_recording(
    predictor: Predictor, path: Path, request: Request
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Return the predictions for one recording, a row each, and notes on what was done to it.

    `onset` is that of the stimulus, or of the time that a prediction counts from, in seconds from the first
    sample; `duration` that of the window.

    Raises
    ------
    SparseEEGError : it can't be read, doesn't fit the network, or holds no window.
    """
    inputs, spec = predictor.inputs, predictor.spec
    at_events = inputs.task.locked and request.every is None
    recording = read_new(
        path,
        predictor.channels,
        spec.sfreq,
        bad=request.bad,
        flat=inputs.flat,
        low_cut=inputs.processing.low_cut if request.low_cut is None else request.low_cut,
        high_cut=inputs.processing.high_cut if request.high_cut is None else request.high_cut,
        reference=request.reference or inputs.processing.reference,
        events=request.events,
        column=(request.events_column or inputs.events_column) if at_events else None,
    )
    notes = list(recording.notes)
    windows = _places(recording, inputs, request, spec.n_times, spec.sfreq, notes)
    predicted = [
        predictor(np.stack([recording.signal[:, at : at + spec.n_times] for at in part]))
        for part in np.array_split(windows["start"].to_numpy(), -(-len(windows) // _BATCH))
    ]
    value, low, high = (
        np.concatenate([getattr(part, name) for part in predicted]) for name in ("value", "low", "high")
    )
    table = pd.DataFrame(
        {
            "onset": windows["onset"],
            "duration": spec.n_times / spec.sfreq,
            "prediction": value,
            "unit": inputs.task.unit,
            "interval_low": low,
            "interval_high": high,
            "event": windows["name"],
            "file": str(path),
            "model": predictor.name,
            "version": __version__,
        }
    )
    return table[list(COLUMNS)], tuple(notes)


def write_table(tables: Sequence[pd.DataFrame], out: Path | None) -> None:
    """Write predictions as a table in the manner of BIDS, to a file or to standard output."""
    text = pd.concat(tables, ignore_index=True).to_csv(
        sep="\t", index=False, na_rep="n/a", float_format="%.6g", lineterminator="\n"
    )
    if out is None:
        sys.stdout.write(text)
    else:
        write_whole(out, text)


def _places(
    recording: NewRecording, inputs: Inputs, request: Request, n_times: int, sfreq: float, notes: list[str]
) -> pd.DataFrame:
    """Return `start` (sample), `onset` and `name` of each window that the recording holds whole."""
    length = recording.signal.shape[1]
    if inputs.task.locked and request.every is None:
        places = _at_events(recording, request.stimulus or inputs.stimulus, inputs.tmin, sfreq)
    else:
        stride = round((request.every or inputs.task.stride) * sfreq)
        start = np.arange(0, length - n_times + 1, max(1, stride), dtype=np.int64)
        onset = start / sfreq - (inputs.tmin if inputs.task.locked else 0.0)
        places = pd.DataFrame({"start": start, "onset": onset, "name": "n/a"})
    whole = (places["start"] >= 0) & (places["start"] + n_times <= length)
    if not whole.any():
        raise SparseEEGError(
            f"{recording.path}: {length / sfreq:g} s hold no window of {n_times / sfreq:g} s"
            + (f" {inputs.tmin:g} s after a stimulus" if inputs.task.locked and request.every is None else "")
        )
    if not whole.all():
        notes.append(f"{int((~whole).sum())} windows reach outside the recording and were left out")
    places = places[whole]
    bad = np.concatenate([[0], np.cumsum(~np.isfinite(recording.signal).all(axis=0))])
    clean = bad[places["start"] + n_times] == bad[places["start"]]
    if not clean.any():
        raise SparseEEGError(f"{recording.path}: every window holds samples that are no numbers")
    if not clean.all():
        notes.append(f"{int((~clean).sum())} windows hold samples that are no numbers and were left out")
    return places[clean].reset_index(drop=True)


def _at_events(recording: NewRecording, stimulus: tuple[str, ...], tmin: float, sfreq: float) -> pd.DataFrame:
    events = recording.events
    chosen = events[events["name"].isin(stimulus)]
    if chosen.empty:
        there = ", ".join(map(str, events["name"].value_counts().index[:12])) or "none at all"
        raise SparseEEGError(
            f"{recording.path}: no event {' or '.join(stimulus)}; there are {there}."
            f"{nearest(stimulus[0], map(str, events['name'].unique()))} Name the stimulus by --stimulus, or "
            "ask for a window every few seconds by --every"
        )
    return chosen.assign(start=event_samples(chosen["onset"].to_numpy(), tmin, sfreq))
