"""Predict during a recording: samples and markers come in, predictions go out, streams may end and return."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TextIO

import numpy as np
import torch

from sparseeg import __version__
from sparseeg.engines import Report
from sparseeg.errors import SparseEEGError
from sparseeg.prediction import Predictor
from sparseeg.stream.lsl import (
    ANY,
    MarkerStream,
    PredictionStream,
    SignalStream,
    StreamEndedError,
    StreamName,
    find_markers,
    find_signal,
)
from sparseeg.stream.pipeline import Pipeline
from sparseeg.stream.search import Search
from sparseeg.stream.window_buffer import CompleteWindow, LostWindow, Marker, WindowBuffer

WAIT = 0.25  # seconds to wait for a sample before markers and the clock are checked
STALLED = 5.0  # seconds without a sample after which the stream is searched again
COLUMNS = (
    "onset",
    "prediction",
    "unit",
    "interval_low",
    "interval_high",
    "event",
    "latency_ms",
    "lsl_time",
    "model",
    "version",
)


@dataclass(frozen=True)
class LiveRequest:
    """Which streams to read, and for which windows to predict.

    Parameters
    ----------
    signal, markers : the streams.
    stimulus : names of the markers to predict for.
    every : seconds from one window to the next, instead of one window per marker.
    bad : channels to interpolate.
    not_finite : what it means that a window holds NaN or infinite samples.
    """

    signal: StreamName = ANY
    markers: StreamName = ANY
    stimulus: tuple[str, ...] = ()
    every: float | None = None
    bad: tuple[str, ...] = ()
    not_finite: str = "it holds NaN or infinite samples"


@dataclass
class Log:
    """Latency of each prediction in seconds, and the number of lost windows by reason."""

    latencies: list[float] = field(default_factory=list)
    lost: Counter[str] = field(default_factory=Counter)

    @property
    def summary(self) -> str:
        """One line with the number of predictions, their latencies, and the lost windows."""
        words = f"{len(self.latencies)} predictions"
        if self.latencies:
            median, late = 1000 * np.quantile(self.latencies, [0.5, 0.99])
            words += f", {median:.1f} ms after the last sample (median; 99th percentile {late:.1f} ms)"
        if self.lost:
            words += "; without a prediction: " + ", ".join(
                f"{count} because {reason}" for reason, count in self.lost.most_common()
            )
        return words


def live(
    predictor: Predictor,
    request: LiveRequest,
    outlet: PredictionStream,
    table: TextIO,
    log: Log,
    report: Report,
    stop: Callable[[], bool],
) -> None:
    """Predict until `stop` returns True; streams that end are searched for and opened again.

    Parameters
    ----------
    predictor, request : the networks, and what to predict for.
    outlet, table : where predictions go. The header of the table is written first, each row at once.
    log : counts predictions and lost windows.
    report : called with a line for the user.
    stop : called several times a second.

    Raises
    ------
    SparseEEGError : several streams fit, or the first stream doesn't fit the network.
    """
    output = _Output(predictor, outlet, table, log, report)
    session = _Session(request, output, report, stop)
    with _one_thread():
        _warm_up(predictor)
        for signal, pipeline in _signals(predictor, request, report, stop):
            try:
                session.read(signal, pipeline)
            except StreamEndedError as error:
                report(f"{signal.name} has ended ({error}); waiting for it to come back")
                for lost in pipeline.windows.give_up("the stream ended inside its window"):
                    output.note_lost(lost)
            finally:
                signal.close()
                session.close_markers()


@contextmanager
def _one_thread() -> Iterator[None]:
    """Run torch in one thread: for a single window, starting more threads takes longer than they save."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _warm_up(predictor: Predictor) -> None:
    """Predict a few times, because the first predictions are slow."""
    window = np.random.default_rng(0).normal(size=(1, predictor.spec.n_chans, predictor.spec.n_times))
    for _ in range(5):
        predictor(window)


def _signals(
    predictor: Predictor, request: LiveRequest, report: Report, stop: Callable[[], bool]
) -> Iterator[tuple[SignalStream, Pipeline]]:
    """Yield the signal stream, and again each time that it has come back."""
    waiting = f"waiting for an EEG stream {request.signal}"
    search = Search(partial(find_signal, request.signal, 1.0), SignalStream, waiting, report)
    while not stop():
        signal = search()
        if signal is None:
            time.sleep(0.1)
            continue
        try:
            pipeline = Pipeline(predictor, signal, request.bad)
        except SparseEEGError as error:
            signal.close()
            if search.previous is None:
                raise SparseEEGError(f"{signal.name}: {error}") from error
            search.report_once(f"{signal.name} has come back, but {error}; waiting for another stream")
            continue
        channels = f"{len(signal.ch_names)} channels at {signal.sfreq:g} Hz"
        report(f"{signal.name}: {channels}{pipeline.description}")
        for note in signal.notes:
            report(f"{signal.name}: {note}")
        search.accept(signal.name)
        yield signal, pipeline


class _Session:
    """Reads the signal and the markers, and passes windows on to the output."""

    def __init__(
        self, request: LiveRequest, output: "_Output", report: Report, stop: Callable[[], bool]
    ) -> None:
        self.request, self.output, self.report, self.stop = request, output, report, stop
        waiting = f"waiting for a marker stream {request.markers}"
        self._search = Search(partial(find_markers, request.markers, 0.05), MarkerStream, waiting, report)
        self._markers: MarkerStream | None = None
        self._begin: float | None = None  # time of the very first sample

    def read(self, signal: SignalStream, pipeline: Pipeline) -> None:
        """Predict from one signal stream until the session is stopped or the stream ends."""
        last_sample = time.monotonic()
        while not self.stop():
            samples, times = signal.pull(WAIT)
            arrival = time.perf_counter()
            if len(times):
                last_sample = time.monotonic()
                self._begin = float(times[0]) if self._begin is None else self._begin
                pipeline.windows.add(samples, times)
            elif time.monotonic() - last_sample > STALLED:
                raise StreamEndedError(f"no sample for {STALLED:g} s")
            if self.request.every is not None:
                pipeline.windows.mark_every(self.request.every)
            else:
                self._read_markers(pipeline.windows)
            for window in pipeline.windows.pop():
                self._pass_on(window, pipeline, arrival)

    def close_markers(self) -> None:
        """Close the marker stream, if it is open."""
        if self._markers is not None:
            self._markers.close()
        self._markers = None

    def _read_markers(self, windows: WindowBuffer) -> None:
        if self._markers is None:
            self._markers = self._search()
            if self._markers is None:
                return
            self._search.accept(self._markers.name)
            stimulus = ", ".join(self.request.stimulus)
            self.report(f"markers from {self._markers.name}: predicting for {stimulus}")
        try:
            for marker in self._markers.pull():
                if marker.name in self.request.stimulus:
                    windows.mark(marker)
        except StreamEndedError:
            self.report(f"the markers of {self._markers.name} have ended; waiting for them to come back")
            self.close_markers()

    def _pass_on(self, window: CompleteWindow | LostWindow, pipeline: Pipeline, arrival: float) -> None:
        if isinstance(window, LostWindow):
            self.output.note_lost(window)
            return
        signal = pipeline.network_input(window)
        if np.isfinite(signal).all():
            self.output.predict(signal, window.marker, window.marker.time - (self._begin or 0.0), arrival)
        else:
            self.output.note_lost(LostWindow(window.marker, self.request.not_finite))


class _Output:
    """Predicts for windows, and sends predictions to a stream, a table, the log and the user."""

    def __init__(
        self, predictor: Predictor, outlet: PredictionStream, table: TextIO, log: Log, report: Report
    ) -> None:
        self.predictor, self.outlet, self.table, self.log, self.report = predictor, outlet, table, log, report
        table.write("\t".join(COLUMNS) + "\n")

    def predict(self, window: np.ndarray, marker: Marker, onset: float, arrival: float) -> None:
        """Predict for one window.

        Parameters
        ----------
        window : (1, channel, time) in microvolts.
        marker : its marker.
        onset : time of the marker in seconds from the first sample.
        arrival : `time.perf_counter()` when its last sample arrived.
        """
        prediction = self.predictor(window)
        value, low, high = float(prediction.value[0]), float(prediction.low[0]), float(prediction.high[0])
        self.outlet.push(value, low, high, marker.time)
        latency = time.perf_counter() - arrival
        self.log.latencies.append(latency)
        unit = self.predictor.inputs.task.unit
        row = {
            "onset": f"{onset:.3f}",
            "prediction": f"{value:.6g}",
            "unit": unit,
            "interval_low": f"{low:.6g}",
            "interval_high": f"{high:.6g}",
            "event": marker.name,
            "latency_ms": f"{1000 * latency:.2f}",
            "lsl_time": f"{marker.time:.6f}",
            "model": self.predictor.name,
            "version": __version__,
        }
        self.table.write("\t".join(row[column] for column in COLUMNS) + "\n")
        self.table.flush()
        self.report(f"{onset:8.2f} s  {marker.name}: {value:.3f} {unit} ({low:.3f} - {high:.3f})")

    def note_lost(self, window: LostWindow) -> None:
        """Count and report a window without a prediction."""
        self.log.lost[window.reason] += 1
        self.report(f"{window.marker.name}: no prediction: {window.reason}")


@contextmanager
def new_table(path: Path) -> Iterator[TextIO]:
    """Open a new file for predictions; an error before the first prediction removes it.

    Raises
    ------
    SparseEEGError : the file exists.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        table = path.open("x")
    except FileExistsError as error:
        raise SparseEEGError(f"{path} exists; choose another --out") from error
    try:
        with table:
            yield table
    except BaseException:
        if len(path.read_text().splitlines()) < 2:
            path.unlink()
        raise
