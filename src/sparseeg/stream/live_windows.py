"""From samples and markers as they come to windows that are complete."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from sparseeg.stream.ring import Ring

RATE_TOLERANCE = 0.05
MISSING = 0.04  # seconds; times of samples that come in chunks are uncertain by less, in the median
DRIFTS = 2.0  # seconds in which no clock drifts by more than a part of that
PATIENCE = 5.0  # seconds that a marker waits for samples beside it


@dataclass(frozen=True)
class Marker:
    """An event: its name, and its time on the clock of the samples."""

    name: str
    time: float


@dataclass(frozen=True)
class Ready:
    """A marker whose window is complete: `samples` (channel, time), `before` of them before the window."""

    marker: Marker
    samples: np.ndarray
    before: int


@dataclass(frozen=True)
class Lost:
    """A marker that gets no window, and why."""

    marker: Marker
    reason: str


class LiveWindows:
    """Keeps samples and the markers that wait for their windows.

    Parameters
    ----------
    n_chans, sfreq : of the stream.
    tmin, duration : seconds from a marker to its window, and of the window.
    context : seconds that are kept before each window, for filters.
    history : seconds by which a marker may come later than its samples.
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
        """Take samples (time, channel) and their times."""
        self.ring.add(samples, times)

    def mark(self, marker: Marker) -> None:
        """Take a marker; it may come before or after the samples beside it."""
        self.waiting.append(marker)

    def mark_every(self, seconds: float) -> None:
        """Put markers on a grid, as far as samples have come."""
        if not self.ring.count:
            return
        begin, latest = self.ring.times(self.ring.unbroken, self.ring.count)[[0, -1]].tolist()
        if self._next is None or not begin <= self._next <= latest + seconds:  # at first, or time jumped
            self._next = begin
        while self._next <= latest:
            self.mark(Marker("n/a", self._next))
            self._next += seconds

    def pop(self) -> Iterator[Ready | Lost]:
        """Give the markers that are done, complete or lost; the others wait on."""
        waiting, self.waiting = self.waiting, []
        for marker in waiting:
            result = self._look(marker)
            if result is None:
                self.waiting.append(marker)
            else:
                yield result

    def give_up(self, reason: str) -> Iterator[Lost]:
        """Give all markers that wait, as lost."""
        waiting, self.waiting = self.waiting, []
        for marker in waiting:
            yield Lost(marker, reason)

    def _look(self, marker: Marker) -> Ready | Lost | None:
        ring = self.ring
        if not ring.count:
            return None
        at = ring.nearest(marker.time)
        if at is None:
            latest = float(ring.times(ring.count - 1, ring.count)[0])
            ahead = marker.time - latest
            if 0 < ahead <= PATIENCE:
                return None
            if ahead > 0:
                return Lost(marker, f"its time lies {ahead:.1f} s ahead of the samples")
            return Lost(marker, "its samples are gone, or time has jumped since")
        first = at + self.offset
        last = first + self.length
        if first < ring.first or (first < at and ring.break_before(first, at)):
            return Lost(marker, "its window began before the samples that are kept")
        if last > ring.count:
            return None
        if ring.break_before(min(at, first), last - 1):
            return Lost(marker, "time jumped, or samples are missing, inside its window")
        begin, end = ring.times(first, first + 1)[0], ring.times(last - 1, last)[0]
        seconds = (self.length - 1) / ring.sfreq
        missing = self._missing(first, last)
        if RATE_TOLERANCE * seconds > missing > MISSING:
            return Lost(marker, f"{missing:.2f} s of samples are missing inside its window")
        if self.length > 1 and abs((end - begin) / seconds - 1) > RATE_TOLERANCE:
            rate = (self.length - 1) / max(end - begin, 1e-9)
            return Lost(marker, f"samples came at {rate:.4g} Hz, not at the {ring.sfreq:g} Hz of the stream")
        before = max(ring.first, first - self.context)
        before = max([before, *(number for number in ring.breaks if number <= first)])
        return Ready(marker, ring.samples(before, last), first - before)

    def _missing(self, first: int, last: int) -> float:
        """Return the seconds by which time runs ahead of the samples of a window.

        In medians over its first and last quarter: single times, and those of a chunk, come early or late.
        What comes little by little is the drift of a clock, which over a minute is more than may be missing.
        """
        late = self.ring.times(first, last) - np.arange(last - first) / self.ring.sfreq
        quarter = max(1, (last - first) // 4)
        ahead = float(np.median(late[-quarter:]) - np.median(late[:quarter]))
        n_parts = int((last - first) / self.ring.sfreq / DRIFTS)
        if n_parts >= 4:
            steps = np.diff([np.median(part) for part in np.array_split(late, n_parts)])
            ahead -= float(np.median(steps)) * 0.75 * n_parts
        return ahead
