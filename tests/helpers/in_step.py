"""LSL streams that are sent as fast as they are read: no test waits for a clock, or depends on it."""

import threading
import time
from collections.abc import Callable

import numpy as np
import pytest
from mne_lsl.lsl import StreamOutlet, local_clock
from mne_lsl.player import PlayerLSL

from helpers.patience import SAFETY_NET
from sparseeg.stream import live
from sparseeg.stream.lsl import SignalStream

AHEAD = 25  # samples of a replay that may be under way


class Reader:
    """Counts the samples that `SignalStream` reads; who sends them waits for it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        self._changed = threading.Condition()
        pull = SignalStream.pull

        def counted(stream: SignalStream, timeout: float) -> tuple[np.ndarray, np.ndarray]:
            samples, times = pull(stream, timeout)
            with self._changed:
                self.count += len(times)
                self._changed.notify_all()
            return samples, times

        monkeypatch.setattr(SignalStream, "pull", counted)
        monkeypatch.setattr(live, "STALLED", SAFETY_NET)  # on a busy machine nothing may come for seconds

    def send(self, to: StreamOutlet, samples: np.ndarray, sfreq: float, shift: float = 0.0) -> None:
        """Send samples (time, channel) in chunks of 50 ms, on a clock that may be shifted."""
        size = max(1, round(0.05 * sfreq))
        begin, before = local_clock() + shift, self.count
        for at in range(0, len(samples), size):
            chunk = np.ascontiguousarray(samples[at : at + size])
            to.push_chunk(chunk, timestamp=begin + (at + len(chunk)) / sfreq)
            self._wait_for(before + at + len(chunk))

    def _wait_for(self, count: int) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: self.count >= count, SAFETY_NET), (self.count, count)


def play_in_step(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let replays begin when their streams have been opened, and go no faster than they are read."""

    class PlayerInStep(PlayerLSL):
        over = False

        def start(self) -> PlayerLSL:
            self.before = reader.count
            self.until = time.monotonic() + SAFETY_NET
            return super().start()

        def stop(self) -> PlayerLSL:
            self.over = True
            return super().stop()

        def _stream(self) -> None:
            outlets = [one for one in (self._outlet, self._outlet_annotations) if one is not None]
            self._wait(lambda: all(outlet.has_consumers for outlet in outlets))
            ahead = AHEAD if self._start_idx < self._raw.n_times else 0  # the end waits for the last sample
            self._wait(lambda: reader.count - self.before >= self._start_idx - ahead)
            super()._stream()

        def _wait(self, happened: Callable[[], bool]) -> None:
            while not (self.over or happened() or time.monotonic() > self.until):
                time.sleep(0.0005)

    monkeypatch.setattr("sparseeg.stream.replay.PlayerLSL", PlayerInStep)
    monkeypatch.setattr("mne_lsl.player.player_lsl.high_precision_sleep", lambda seconds: None)
