"""Ring buffer of the last seconds of a running recording, with the time of every sample."""

import numpy as np

JUMP = 0.2  # seconds; chunks are late by less


class Ring:
    """Samples by their number since the start of the stream; the oldest ones are overwritten.

    Parameters
    ----------
    n_chans, sfreq : number of channels and sampling rate (Hz) of the stream.
    seconds : how much is kept.
    """

    def __init__(self, n_chans: int, sfreq: float, seconds: float) -> None:
        self.sfreq = sfreq
        self.capacity = max(2, round(seconds * sfreq))
        self.count = 0  # samples so far
        self.breaks: list[int] = []  # numbers of the samples before which the clock jumped
        self._samples = np.zeros((self.capacity, n_chans))
        self._times = np.zeros(self.capacity)

    @property
    def first(self) -> int:
        """Number of the oldest sample that is kept."""
        return max(0, self.count - self.capacity)

    @property
    def unbroken(self) -> int:
        """Number of the oldest sample that is kept and is not followed by a jump of the clock."""
        return max([self.first, *self.breaks])

    def add(self, samples: np.ndarray, times: np.ndarray) -> None:
        """Add samples (time, channel) and their times (time,) in seconds."""
        if not len(samples):
            return
        before = self._times[(self.count - 1) % self.capacity] if self.count else times[0] - 1 / self.sfreq
        steps = np.diff(times, prepend=before)
        jumps = np.flatnonzero(np.abs(steps - 1 / self.sfreq) > JUMP)
        self.breaks += [self.count + int(jump) for jump in jumps]
        kept = slice(max(0, len(samples) - self.capacity), None)
        slots = np.arange(self.count, self.count + len(samples))[kept] % self.capacity
        self._samples[slots] = samples[kept]
        self._times[slots] = times[kept]
        self.count += len(samples)
        self.breaks = [number for number in self.breaks if number > self.first]

    def break_before(self, first: int, last: int) -> bool:
        """Return whether the clock jumped between the samples `first` and `last`."""
        return any(first < number <= last for number in self.breaks)

    def times(self, first: int, last: int) -> np.ndarray:
        """Return the times of the samples from `first` to before `last`."""
        return self._times[np.arange(first, last) % self.capacity]

    def samples(self, first: int, last: int) -> np.ndarray:
        """Return the samples from `first` to before `last`, (channel, time)."""
        return self._samples[np.arange(first, last) % self.capacity].T

    def nearest(self, time: float) -> int | None:
        """Return the number of the sample nearest to a time; None if no sample that is kept has this time.

        Only samples after the last jump of the clock are considered.
        """
        start = self.unbroken
        times = self.times(start, self.count)
        if not len(times) or time > times[-1] + 0.5 / self.sfreq or time < times[0] - 0.5 / self.sfreq:
            return None
        return start + int(np.abs(times - time).argmin())
