"""Find, read and write streams of the Lab Streaming Layer."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from mne_lsl.lsl import StreamInfo, StreamInlet, StreamOutlet, resolve_streams

from sparseeg.errors import SparseEEGError, counted
from sparseeg.files.names import event_name
from sparseeg.stream.window_buffer import Marker

MARKER_TYPES = ("Markers", "markers", "annotations", "Annotations", "stim")
_WORDS = {"": 1.0, "milli": 1e-3, "micro": 1e-6, "nano": 1e-9}
_LETTERS = {
    "": 1.0,
    "m": 1e-3,
    "u": 1e-6,
    "\N{MICRO SIGN}": 1e-6,
    "\N{GREEK SMALL LETTER MU}": 1e-6,
    "n": 1e-9,
}
_UNITS = {
    prefix + name: scale
    for prefixes, names in ((_WORDS, ("volt", "volts")), (_LETTERS, ("v",)))
    for prefix, scale in prefixes.items()
    for name in names
}


class StreamEndedError(Exception):
    """The stream that was read has ended."""


@dataclass(frozen=True)
class StreamName:
    """Name and source id of a stream; None matches any stream."""

    name: str | None = None
    source_id: str | None = None

    def __str__(self) -> str:
        if self.name is None and self.source_id is None:
            return "of any name"
        name = [f"called {self.name}"] if self.name else []
        source_id = [f"with id {self.source_id}"] if self.source_id else []
        return " ".join(name + source_id)


ANY = StreamName()


class SeveralStreamsError(SparseEEGError):
    """Several streams fit where one is needed."""


def find_signal(wanted: StreamName, timeout: float, previous: str | None = None) -> Any | None:
    """Return the description of the EEG stream; None if there is none.

    Streams of other types, as from an eye tracker, are only found by name or source id.

    Parameters
    ----------
    wanted : the stream.
    timeout : seconds to search.
    previous : name of the stream that was read before, which is preferred to others.

    Raises
    ------
    SeveralStreamsError : several streams fit.
    """
    found = resolve_streams(timeout, wanted.name, None, wanted.source_id)
    signals = [
        info for info in found if info.sfreq > 0 and info.dtype != "string" and info.stype not in MARKER_TYPES
    ]
    if wanted.name is None:
        eeg = [info for info in signals if info.stype.lower() == "eeg"]
        untyped = [info for info in signals if info.stype == ""]
        signals = eeg or untyped or (signals if wanted.source_id is not None else [])
    return _only(signals, "EEG streams", previous)


def find_markers(wanted: StreamName, timeout: float, previous: str | None = None) -> Any | None:
    """Return the description of the marker stream; arguments and errors as in `find_signal`."""
    found = resolve_streams(timeout, wanted.name, None, wanted.source_id)
    markers = [info for info in found if wanted.name is not None or info.stype in MARKER_TYPES]
    return _only([info for info in markers if info.sfreq == 0], "marker streams", previous)


def _only(found: Sequence[Any], what: str, previous: str | None) -> Any | None:
    found = [info for info in found if info.name == previous] or found
    if len(found) > 1:
        names = ", ".join(sorted({info.name for info in found}))
        raise SeveralStreamsError(f"there are {len(found)} {what} ({names}); name the one to read")
    return found[0] if found else None


def _open(info: Any, **options: Any) -> tuple[Any, Any]:
    """Return an open inlet on this machine's clock, and the full description of its stream."""
    # A stream that comes back may have other channels or another rate, so it is opened again, not recovered.
    inlet = StreamInlet(info, recover=False, processing_flags=("clocksync",), **options)
    inlet.open_stream(timeout=10.0)
    return inlet, inlet.get_sinfo(timeout=10.0)


class SignalStream:
    """An open EEG stream, with the times of samples on this machine's LSL clock.

    Parameters
    ----------
    info : description from `find_signal`.
    buffer : seconds of samples that are buffered between two reads.
    """

    def __init__(self, info: Any, buffer: int = 30) -> None:
        self._inlet, described = _open(info, max_buffered=buffer)
        self.name: str = described.name
        self.sfreq = float(described.sfreq)
        self.ch_names = _names(described)
        self._at_once = max(1, round(self.sfreq))  # so that a backlog doesn't overrun the window buffer
        units = described.get_channel_units() or [None] * len(self.ch_names)
        self.volts = np.array([_unit(unit) or 1.0 for unit in units])  # as MNE does
        self.notes = _unknown_units(units)

    def pull(self, timeout: float) -> tuple[np.ndarray, np.ndarray]:
        """Wait for samples and return those that have come, at most about a second of them.

        Returns
        -------
        samples : (time, channel) in volts; empty after `timeout` seconds without any.
        times : (time,) in seconds.

        Raises
        ------
        StreamEndedError : the stream has ended.
        """
        try:
            sample, time = self._inlet.pull_sample(timeout=timeout)  # returns at the first sample
            if time is None:
                return np.empty((0, len(self.ch_names))), np.empty(0)
            samples, times = self._inlet.pull_chunk(timeout=0.0, max_samples=self._at_once)
        except RuntimeError as error:
            raise StreamEndedError(str(error)) from error
        parts = [np.asarray(sample)[None]]
        if len(times):
            parts.append(np.asarray(samples))
        return np.concatenate(parts) * self.volts, np.concatenate([[time], times])

    def close(self) -> None:
        """Close the stream."""
        self._inlet.close_stream()


def _names(described: Any) -> list[str]:
    """Return the channel names of a stream; channels without a name are named by their number."""
    names = described.get_channel_names() or [None] * described.n_channels
    return [name or f"channel {number}" for number, name in enumerate(names, start=1)]


class MarkerStream:
    """An open marker stream.

    It sends strings, or numbers: in a single channel, a number is the name of the event; with several
    channels, the names of the channels that are not zero are the names of the events.
    """

    def __init__(self, info: Any) -> None:
        self._inlet, described = _open(info)
        self.name: str = described.name
        self._text = described.dtype == "string"
        self._names = _names(described)

    def pull(self) -> list[Marker]:
        """Return the markers that have come.

        Raises
        ------
        StreamEndedError : the stream has ended.
        """
        try:
            values, times = self._inlet.pull_chunk(timeout=0.0, max_samples=1024)
        except RuntimeError as error:
            raise StreamEndedError(str(error)) from error
        return [
            Marker(event_name(name), float(time))
            for value, time in zip(values, times, strict=True)
            for name in self._names_of(value)
        ]

    def _names_of(self, value: Any) -> list[str]:
        if self._text:
            return [str(value[0])]
        if len(value) == 1:
            return [f"{value[0]:g}"]  # as from a trigger port
        return [name for name, number in zip(self._names, value, strict=True) if number]

    def close(self) -> None:
        """Close the stream."""
        self._inlet.close_stream()


@dataclass
class PredictionStream:
    """An LSL stream of predictions: value, ends of the interval, and LSL time of the marker."""

    name: str
    unit: str
    channels: tuple[str, ...] = ("prediction", "interval_low", "interval_high", "onset")
    outlet: Any = field(init=False)

    def __post_init__(self) -> None:
        info = StreamInfo(
            self.name, "Predictions", len(self.channels), 0.0, np.float64, f"sparseeg-{self.name}"
        )
        info.set_channel_names(list(self.channels))
        info.set_channel_units([self.unit] * 3 + ["s"])
        self.outlet = StreamOutlet(info)

    def push(self, value: float, low: float, high: float, onset: float) -> None:
        """Send one prediction."""
        self.outlet.push_sample(np.array([value, low, high, onset]))


def _unit(name: Any) -> float | None:
    """Return a unit in volts; None if it is not known."""
    text = str(name).strip().lower()
    if text.lstrip("-").isdecimal():  # MNE-LSL writes exponents of ten
        return 10.0 ** int(text)
    return _UNITS.get(text)


def _unknown_units(units: Sequence[Any]) -> list[str]:
    """Return one note for each unit that is not known."""
    counts = Counter(str(unit or "none").strip() for unit in units if _unit(unit) is None)
    return [
        f"unit {name!r} of {counted(count, 'channel')} is unknown: taken as volts"
        for name, count in counts.items()
    ]
