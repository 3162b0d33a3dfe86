"""The loop: samples and markers in, predictions out, whatever happens to the streams."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import TextIO

import numpy as np
import torch

from sparseeg import __version__
from sparseeg.data.signals.continuous import filter_kernel, reference_rows
from sparseeg.data.signals.fit_channels import check_bad, fit_channels
from sparseeg.data.signals.new_recording import conditioned
from sparseeg.data.signals.resample import rate_ratio
from sparseeg.errors import SparseEEGError
from sparseeg.prediction import Predictor
from sparseeg.stream.live_windows import LiveWindows, Lost, Ready
from sparseeg.stream.lsl import (
    ANY,
    Gone,
    Markers,
    Named,
    Predictions,
    Signal,
    find_markers,
    find_signal,
)
from sparseeg.stream.search import Search

WAIT = 0.25  # seconds for a sample, before markers and the clock are looked at again
STALLED = 5.0  # seconds without a sample, after which the stream is looked for again
COLUMNS = (
    *("onset", "prediction", "unit", "interval_low", "interval_high", "event", "latency_ms"),
    *("lsl_time", "model", "version"),
)

Report = Callable[[str], None]


@dataclass(frozen=True)
class Wanted:
    """What is listened to and predicted.

    Parameters
    ----------
    signal, markers : the streams.
    stimulus : names of the markers to predict for.
    every : seconds from one window to the next, in place of markers.
    bad : channels that are interpolated.
    """

    signal: Named = ANY
    markers: Named = ANY
    stimulus: tuple[str, ...] = ()
    every: float | None = None
    bad: tuple[str, ...] = ()


@dataclass
class Log:
    """What has come out so far: predictions, what was lost and why, and how long answers took."""

    latencies: list[float] = field(default_factory=list)
    lost: Counter[str] = field(default_factory=Counter)

    @property
    def summary(self) -> str:
        """In one line."""
        words = f"{len(self.latencies)} predictions"
        if self.latencies:
            median, late = 1000 * np.quantile(self.latencies, [0.5, 0.99])
            words += f", {median:.1f} ms after the last sample (median; 99th percentile {late:.1f} ms)"
        if self.lost:
            words += "; without a prediction: " + ", ".join(
                f"{count} because {reason}" for reason, count in self.lost.most_common()
            )
        return words


class Pipeline:
    """From the samples of one stream to the network's windows, as long as that stream lasts."""

    def __init__(self, predictor: Predictor, signal: Signal, wanted: Wanted) -> None:
        spec, inputs = predictor.spec, predictor.inputs
        self.predictor = predictor
        check_bad(wanted.bad, signal.ch_names)
        self.fit = fit_channels(
            signal.ch_names, predictor.channels, wanted.bad, inputs.flat, inputs.processing.reference or ()
        )
        self.ratio: Fraction = rate_ratio(signal.sfreq, spec.sfreq)
        self.own = signal.sfreq
        self.kernel = filter_kernel(signal.sfreq, inputs.processing.low_cut, inputs.processing.high_cut)
        self.reference = reference_rows(self.fit.ch_names, inputs.processing.reference)
        context = 0.0 if self.kernel is None else len(self.kernel) / 2 / signal.sfreq
        self.tmin = inputs.tmin if inputs.task.locked else 0.0
        self.windows = LiveWindows(
            len(signal.ch_names),
            signal.sfreq,
            self.tmin,
            spec.n_times / spec.sfreq,
            context + (0.0 if self.ratio == 1 else 1.0),
        )

    def input(self, ready: Ready) -> np.ndarray:
        """Return the network's window (1, channel, time) in microvolts."""
        up, down = self.ratio.numerator, self.ratio.denominator
        before = ready.before // down * down  # so that the window begins with a new sample
        volts = self.fit.apply(ready.samples[:, ready.before - before :])
        signal = conditioned(volts, self.own, self.predictor.spec.sfreq, self.kernel, self.reference)
        begin = before // down * up
        return signal[None, :, begin : begin + self.predictor.spec.n_times]


@contextmanager
def _one_thread() -> Iterator[None]:
    """Let torch work in one thread: a single window is done before a second one has found its core."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


@_one_thread()
def live(
    predictor: Predictor,
    wanted: Wanted,
    outlet: Predictions,
    table: TextIO,
    log: Log,
    report: Report,
    stop: Callable[[], bool],
) -> None:
    """Predict until `stop` says so; streams that end are waited for and opened again.

    Parameters
    ----------
    outlet, table : where predictions go; the table gets its header here, and every row at once.
    log : what is counted.
    report : called with a line for whoever watches.

    Raises
    ------
    SparseEEGError : several streams fit, or the channels of the first one don't fit the network.
    """
    table.write("\t".join(COLUMNS) + "\n")
    _warm_up(predictor)
    begin: float | None = None
    search = Search(
        partial(find_markers, wanted.markers, 0.05),
        f"waiting for a stream of markers {wanted.markers}",
        report,
    )
    for signal, pipeline in _streams(predictor, wanted, report, stop):
        markers: Markers | None = None
        last_sample = time.monotonic()
        try:
            while not stop():
                samples, times = signal.pull(WAIT)
                arrival = time.perf_counter()
                if len(times):
                    last_sample = time.monotonic()
                    begin = float(times[0]) if begin is None else begin
                    pipeline.windows.add(samples, times)
                elif time.monotonic() - last_sample > STALLED:
                    raise Gone(f"no sample for {STALLED:g} s")
                if wanted.every is not None:
                    pipeline.windows.mark_every(wanted.every)
                else:
                    if markers is None:
                        markers = _open_markers(search, wanted.stimulus)
                    markers = _take_markers(markers, pipeline, wanted, report)
                for result in pipeline.windows.pop():
                    _answer(result, pipeline, arrival, begin or 0.0, outlet, table, log, report)
        except Gone as gone:
            report(f"{signal.name} has ended ({gone}); waiting for it to come back")
            for lost in pipeline.windows.give_up("the stream ended inside its window"):
                _note(lost, log, report)
        finally:
            signal.close()
            if markers is not None:
                markers.close()


def _streams(
    predictor: Predictor, wanted: Wanted, report: Report, stop: Callable[[], bool]
) -> Iterator[tuple[Signal, Pipeline]]:
    """Give the stream, and again whenever it has come back."""
    search = Search(
        partial(find_signal, wanted.signal, 1.0),
        f"waiting for an EEG stream {wanted.signal}",
        report,
    )
    while not stop():
        info = search()
        if info is None:
            time.sleep(0.1)
            continue
        try:
            signal = Signal(info)
        except (RuntimeError, TimeoutError) as error:  # gone between being seen and being opened
            search.tell(f"{info.name} can't be opened ({error})")
            continue
        try:
            pipeline = Pipeline(predictor, signal, wanted)
        except SparseEEGError as error:
            signal.close()
            if search.before is None:
                raise SparseEEGError(f"{info.name}: {error}") from error
            search.tell(f"{info.name} has come back, but {error}; waiting for another")
            continue
        report(f"{signal.name}: {len(signal.ch_names)} channels at {signal.sfreq:g} Hz{_done_to(pipeline)}")
        search.opened(signal.name)
        yield signal, pipeline


def _done_to(pipeline: Pipeline) -> str:
    words = []
    if pipeline.fit.interpolated:
        words.append(f"interpolated: {', '.join(pipeline.fit.interpolated)}")
    if pipeline.ratio != 1:
        words.append(f"resampled to {pipeline.predictor.spec.sfreq:g} Hz")
    if pipeline.kernel is not None:
        words.append("filtered as the training data; what comes after a window is mirrored")
    return "".join(f"; {part}" for part in words)


def _open_markers(search: Search, stimulus: tuple[str, ...]) -> Markers | None:
    """Return the stream of markers once it is there."""
    info = search()
    if info is None:
        return None
    try:
        markers = Markers(info)
    except (RuntimeError, TimeoutError):  # gone between being seen and being opened
        return None
    search.opened(markers.name)
    search.report(f"markers from {markers.name}: predicting for {', '.join(stimulus)}")
    return markers


def _take_markers(
    markers: Markers | None, pipeline: Pipeline, wanted: Wanted, report: Report
) -> Markers | None:
    """Pass on the markers that have come; return None where their stream has ended."""
    if markers is None:
        return None
    try:
        for marker in markers.pull():
            if marker.name in wanted.stimulus:
                pipeline.windows.mark(marker)
    except Gone:
        report(f"the markers of {markers.name} have ended; waiting for them to come back")
        markers.close()
        return None
    return markers


def _answer(
    result: Ready | Lost,
    pipeline: Pipeline,
    arrival: float,
    begin: float,
    outlet: Predictions,
    table: TextIO,
    log: Log,
    report: Report,
) -> None:
    """Predict for a window that is complete, or note why there is none."""
    if isinstance(result, Lost):
        _note(result, log, report)
        return
    window = pipeline.input(result)
    if not np.isfinite(window).all():
        _note(Lost(result.marker, "it holds samples that are no numbers"), log, report)
        return
    predictor = pipeline.predictor
    predicted = predictor(window)
    value, low, high = (float(part[0]) for part in (predicted.value, predicted.low, predicted.high))
    outlet.push(value, low, high, result.marker.time)
    latency = time.perf_counter() - arrival
    log.latencies.append(latency)
    onset, unit = result.marker.time - begin, predictor.inputs.task.unit
    row = (
        *(f"{onset:.3f}", f"{value:.6g}", unit, f"{low:.6g}", f"{high:.6g}", result.marker.name),
        *(f"{1000 * latency:.2f}", f"{result.marker.time:.6f}", predictor.name, __version__),
    )
    table.write("\t".join(row) + "\n")
    table.flush()
    report(f"{onset:8.2f} s  {result.marker.name}: {value:.3f} {unit} ({low:.3f} - {high:.3f})")


def _note(lost: Lost, log: Log, report: Report) -> None:
    log.lost[lost.reason] += 1
    report(f"{lost.marker.name}: no prediction: {lost.reason}")


def _warm_up(predictor: Predictor) -> None:
    """Let the first prediction not be the slow one."""
    window = np.random.default_rng(0).normal(size=(1, predictor.spec.n_chans, predictor.spec.n_times))
    for _ in range(5):
        predictor(window)


@contextmanager
def new_table(path: Path) -> Iterator[TextIO]:
    """Open a new file for predictions, which an error before the first one takes away again.

    Raises SparseEEGError where there is one.
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
