"""Streams of the Lab Streaming Layer: found by name, read, found again when they were gone."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from mne_lsl.lsl import StreamInfo, StreamInlet, StreamOutlet, resolve_streams

from sparseeg.errors import SparseEEGError
from sparseeg.stream.live_windows import Marker

MARKER_TYPES = ("Markers", "markers", "annotations", "Annotations", "stim")
_UNITS = {"volts": 1.0, "v": 1.0, "millivolts": 1e-3, "mv": 1e-3, "microvolts": 1e-6, "uv": 1e-6, "µv": 1e-6}


class Gone(Exception):  # noqa: N818
    """The stream that was read is no longer there."""


@dataclass(frozen=True)
class Named:
    """Which stream is meant: what is None may be anything."""

    name: str | None = None
    source_id: str | None = None

    def __str__(self) -> str:
        words = [
            f"called {self.name}" if self.name else "",
            f"with id {self.source_id}" if self.source_id else "",
        ]
        return " ".join(word for word in words if word) or "of any name"


ANY = Named()


class SeveralError(SparseEEGError):
    """More streams fit than the one that is needed."""


def find_signal(wanted: Named, timeout: float, before: str | None = None) -> Any | None:
    """Return the description of the EEG stream; None where there is none yet.

    `before` is the name of the one that was read, which goes before others. A stream of another type, such
    as an eye tracker's, has to be named. Raises SeveralError where several fit.
    """
    found = resolve_streams(timeout, wanted.name, None, wanted.source_id)
    signals = [
        one for one in found if one.sfreq > 0 and one.dtype != "string" and one.stype not in MARKER_TYPES
    ]
    if wanted.name is None:
        typed = [[one for one in signals if one.stype.lower() == kind] for kind in ("eeg", "")]
        signals = typed[0] or typed[1] or (signals if wanted.source_id is not None else [])
    return _only(signals, "EEG streams", before)


def find_markers(wanted: Named, timeout: float, before: str | None = None) -> Any | None:
    """Return the description of the stream of markers; as `find_signal`."""
    found = resolve_streams(timeout, wanted.name, None, wanted.source_id)
    markers = [one for one in found if wanted.name is not None or one.stype in MARKER_TYPES]
    return _only([one for one in markers if one.sfreq == 0], "streams of markers", before)


def _only(found: Sequence[Any], what: str, before: str | None) -> Any | None:
    found = [one for one in found if one.name == before] or found
    names = sorted({one.name for one in found})
    if len(found) > 1:
        raise SeveralError(f"there are {len(found)} {what} ({', '.join(names)}); name the one to read")
    return found[0] if found else None


def _open(info: Any, **options: Any) -> tuple[Any, Any]:
    """Return an open inlet on this machine's clock, and all that its stream says of itself."""
    # A stream that comes back may have other channels or another rate: it is opened anew, not recovered.
    inlet = StreamInlet(info, recover=False, processing_flags=("clocksync",), **options)
    inlet.open_stream(timeout=10.0)
    return inlet, inlet.get_sinfo(timeout=10.0)


class Signal:
    """An open EEG stream.

    Parameters
    ----------
    info : what `find_signal` has returned.
    buffer : seconds that wait here while nobody reads.

    Times of samples are on this machine's LSL clock.
    """

    def __init__(self, info: Any, buffer: int = 30) -> None:
        self._inlet, described = _open(info, max_buffered=buffer)
        self.name: str = described.name
        self.sfreq = float(described.sfreq)
        self.ch_names = _names(described)
        self._at_once = max(1, round(self.sfreq))  # of a backlog: windows are taken out in between
        units = described.get_channel_units() or ["volts"]
        self.volts = np.array([_unit(unit) for unit in units]) * np.ones(len(self.ch_names))

    def pull(self, timeout: float) -> tuple[np.ndarray, np.ndarray]:
        """Wait for samples; return (time, channel) in volts and their times: none, or a second's at most.

        Raises Gone where the stream has ended.
        """
        try:
            sample, time = self._inlet.pull_sample(timeout=timeout)  # wakes up with the first one
            if time is None:
                return np.empty((0, len(self.ch_names))), np.empty(0)
            samples, times = self._inlet.pull_chunk(timeout=0.0, max_samples=self._at_once)
        except RuntimeError as error:
            raise Gone(str(error)) from error
        parts = [np.asarray(sample)[None], *([np.asarray(samples)] if len(times) else [])]
        return np.concatenate(parts) * self.volts, np.concatenate([[time], times])

    def close(self) -> None:
        """Let go of the stream."""
        self._inlet.close_stream()


def _names(described: Any) -> list[str]:
    """Return the names of a stream's channels; those without one get their number."""
    names = described.get_channel_names() or [None] * described.n_channels
    return [name or f"channel {number}" for number, name in enumerate(names, start=1)]


class Markers:
    """An open stream of markers: strings, or one channel per name that is not zero when it happens."""

    def __init__(self, info: Any) -> None:
        self._inlet, described = _open(info)
        self.name: str = described.name
        self._text = described.dtype == "string"
        self._names = _names(described)

    def pull(self) -> list[Marker]:
        """Return the markers that have come. Raises Gone where the stream has ended."""
        try:
            values, times = self._inlet.pull_chunk(timeout=0.0, max_samples=1024)
        except RuntimeError as error:
            raise Gone(str(error)) from error
        return [
            Marker(name, float(time))
            for value, time in zip(values, times, strict=True)
            for name in self._names_of(value)
        ]

    def _names_of(self, value: Any) -> list[str]:
        if self._text:
            return [str(value[0])]
        if len(value) == 1:
            return [f"{value[0]:g}"]  # a number stands for itself, as from a trigger port
        return [name for name, number in zip(self._names, value, strict=True) if number]

    def close(self) -> None:
        """Let go of the stream."""
        self._inlet.close_stream()


@dataclass
class Predictions:
    """The stream that predictions go to: value, ends of the interval, LSL time of the marker."""

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


def _unit(name: str) -> float:
    """Return a unit in volts; what isn't said or known is taken for volts, as MNE does."""
    text = str(name).strip().lower()
    if text.lstrip("-").isdigit():  # MNE-LSL writes powers of ten
        return 10.0 ** int(text)
    return _UNITS.get(text, 1.0)
