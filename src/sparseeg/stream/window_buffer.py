"""Buffer samples and markers of a running recording until the windows of the markers are complete."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from sparseeg.stream.ring import Ring

RATE_TOLERANCE = 0.05
MISSING = 0.04  # seconds; the median times of samples that come in chunks are more precise than this
DRIFT_SECONDS = 2.0  # in this time the drift of a clock is negligible
PATIENCE = 5.0  # seconds that a marker waits for the samples of its time


@dataclass(frozen=True)
class Marker:
    """An event: its name, and its time in seconds on the clock of the samples."""

    name: str
    time: float


@dataclass(frozen=True)
class CompleteWindow:
    """A marker whose window is complete.

    Parameters
    ----------
    marker : the marker.
    samples : (channel, time), the window and the context before it.
    before : number of samples before the window.
    """

    marker: Marker
    samples: np.ndarray
    before: int


@dataclass(frozen=True)
class LostWindow:
    """A marker that gets no window, and the reason."""

    marker: Marker
    reason: str


class WindowBuffer:
    """Keeps the latest samples, and the markers whose windows are not complete.

    Parameters
    ----------
    n_chans, sfreq : number of channels and sampling rate (Hz) of the stream.
    tmin, duration : seconds from a marker to the start of its window, and length of the window.
    context : seconds kept before each window, for filters.
    history : seconds by which a marker may arrive later than its samples.
    """

    def __init__(
        self,
        n_chans: int,
        sfreq: float,
        tmin: float,
        duration: float,
        context: float = 0.0,
        history: float = 10.0,
    ) -> None:
        self.ring = Ring(n_chans, sfreq, duration + abs(tmin) + context + history)
        self.offset = round(tmin * sfreq)
        self.length = -(-round(duration * sfreq * 1000) // 1000)
        self.context = round(context * sfreq)
        self.waiting: list[Marker] = []
        self._next: float | None = None

    def add(self, samples: np.ndarray, times: np.ndarray) -> None:
        """Add samples (time, channel) and their times in seconds."""
        self.ring.add(samples, times)

    def mark(self, marker: Marker) -> None:
        """Add a marker; it may arrive before or after the samples of its time."""
        self.waiting.append(marker)

    def mark_every(self, seconds: float) -> None:
        """Add markers on a regular grid, up to the latest sample."""
        if not self.ring.count:
            return
        begin, latest = self.ring.times(self.ring.unbroken, self.ring.count)[[0, -1]].tolist()
        if self._next is None or not begin <= self._next <= latest + seconds:  # the start, or a clock jump
            self._next = begin
        while self._next <= latest:
            self.mark(Marker("n/a", self._next))
            self._next += seconds

    def pop(self) -> Iterator[CompleteWindow | LostWindow]:
        """Yield the windows that are complete or lost; the other markers keep waiting."""
        waiting, self.waiting = self.waiting, []
        for marker in waiting:
            result = self._window(marker)
            if result is None:
                self.waiting.append(marker)
            else:
                yield result

    def give_up(self, reason: str) -> Iterator[LostWindow]:
        """Yield the windows of all waiting markers as lost."""
        waiting, self.waiting = self.waiting, []
        for marker in waiting:
            yield LostWindow(marker, reason)

    def _window(self, marker: Marker) -> CompleteWindow | LostWindow | None:
        ring = self.ring
        if not ring.count:
            return None
        at = ring.nearest(marker.time)
        if at is None:
            return self._outside(marker)
        first = at + self.offset
        last = first + self.length
        if first < ring.first or (first < at and ring.break_before(first, at)):
            return LostWindow(marker, "its window began before the samples that are kept")
        if last > ring.count:
            return None
        if ring.break_before(min(at, first), last - 1):
            return LostWindow(marker, "the clock jumped or samples are missing inside its window")
        begin, end = ring.times(first, first + 1)[0], ring.times(last - 1, last)[0]
        seconds = (self.length - 1) / ring.sfreq
        missing = self._missing(first, last)
        if RATE_TOLERANCE * seconds > missing > MISSING:
            return LostWindow(marker, f"{missing:.2f} s of samples are missing inside its window")
        if self.length > 1 and abs((end - begin) / seconds - 1) > RATE_TOLERANCE:
            rate = (self.length - 1) / max(end - begin, 1e-9)
            return LostWindow(
                marker, f"samples came at {rate:.4g} Hz instead of the stream's {ring.sfreq:g} Hz"
            )
        before = max(ring.first, first - self.context)
        before = max([before, *(number for number in ring.breaks if number <= first)])
        return CompleteWindow(marker, ring.samples(before, last), first - before)

    def _outside(self, marker: Marker) -> LostWindow | None:
        """Return why a marker at a time without samples is lost; None if its samples may still come."""
        latest = float(self.ring.times(self.ring.count - 1, self.ring.count)[0])
        ahead = marker.time - latest
        if 0 < ahead <= PATIENCE:
            return None
        if ahead > 0:
            return LostWindow(marker, f"its time is {ahead:.1f} s ahead of the samples")
        return LostWindow(marker, "its samples are no longer kept, or the clock has jumped since")

    def _missing(self, first: int, last: int) -> float:
        """Return the seconds of missing samples in a window: by how much time runs ahead of the samples.

        It is measured between the medians over the first and the last quarter of the window, because single
        samples and chunks arrive early or late. A steady drift of the clock is subtracted: over a minute it
        exceeds the tolerance.
        """
        late = self.ring.times(first, last) - np.arange(last - first) / self.ring.sfreq
        quarter = max(1, (last - first) // 4)
        ahead = float(np.median(late[-quarter:]) - np.median(late[:quarter]))
        n_parts = int((last - first) / self.ring.sfreq / DRIFT_SECONDS)
        if n_parts >= 4:
            steps = np.diff([np.median(part) for part in np.array_split(late, n_parts)])
            ahead -= float(np.median(steps)) * 0.75 * n_parts
        return ahead
