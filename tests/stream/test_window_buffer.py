"""Samples and markers as they come, without a stream: what is complete, what is lost and why."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparseeg.stream.ring import Ring
from sparseeg.stream.window_buffer import CompleteWindow, LostWindow, Marker, WindowBuffer

RATE = 100.0


def numbered(first: int, last: int) -> tuple[np.ndarray, np.ndarray]:
    """Samples whose value is their number, from clock time 50."""
    number = np.arange(first, last, dtype=float)
    return np.stack([number, -number], axis=1), 50 + number / RATE


def windows(**given) -> WindowBuffer:
    return WindowBuffer(2, RATE, **{"tmin": 0.5, "duration": 2.0, "history": 5.0, **given})


@given(sizes=st.lists(st.integers(0, 37), min_size=1, max_size=60))
def test_a_ring_holds_the_last_samples_whatever_the_chunks(sizes: list[int]) -> None:
    ring = Ring(2, RATE, 0.3)
    at = 0
    for size in sizes:
        ring.add(*numbered(at, at + size))
        at += size
    assert ring.count == at
    assert ring.first == max(0, at - 30)
    assert ring.samples(ring.first, at)[0].tolist() == list(range(ring.first, at))
    assert not ring.breaks


@pytest.mark.parametrize("chunk", [1, 10, 33])
def test_a_window_is_ready_with_its_last_sample(chunk: int) -> None:
    live = windows()
    live.mark(Marker("go", 51.0))  # sample 100: its window is 150 to 349
    ready: list[tuple[int, CompleteWindow]] = []
    for at in range(0, 400, chunk):
        live.add(*numbered(at, at + chunk))
        ready += [(at + chunk, result) for result in live.pop()]
    ((when, result),) = ready
    assert 350 <= when < 350 + chunk
    assert result.samples[0].tolist() == list(range(150, 350))
    assert result.before == 0
    assert live.waiting == []


def test_markers_may_come_late_or_early() -> None:
    live = windows()
    live.add(*numbered(0, 400))
    live.mark(Marker("late", 51.0))
    live.mark(Marker("early", 53.9))
    assert [result.marker.name for result in live.pop()] == ["late"]
    live.add(*numbered(400, 700))
    assert [result.marker.name for result in live.pop()] == ["early"]


def test_context_before_the_window_as_far_as_there_is_any() -> None:
    live = windows(context=1.0)
    live.add(*numbered(0, 800))
    live.mark(Marker("a", 50.2))  # window from sample 70
    live.mark(Marker("b", 52.0))
    first, second = live.pop()
    assert (first.before, second.before) == (70, 100)
    assert second.samples[0, 0] == 150


def reasons(live: WindowBuffer) -> list[str]:
    return [result.reason for result in live.pop() if isinstance(result, LostWindow)]


def test_time_jumps_and_missing_samples_lose_the_windows_around_them() -> None:
    live = windows()
    live.add(*numbered(0, 200))
    live.mark(Marker("before", 50.9))
    live.mark(Marker("inside", 51.5))
    samples, times = numbered(200, 700)
    live.add(samples, times + 3.0)
    assert all("jumped" in reason for reason in reasons(live))
    live.mark(Marker("after", 57.0))
    (ready,) = live.pop()
    assert ready.samples.shape == (2, 200)
    samples, times = numbered(700, 1200)
    live.add(samples, times - 20.0)  # a clock that was set back
    live.mark(Marker("again", 39.0))
    (ready,) = live.pop()
    assert ready.samples[0, 0] == 950  # 37 s is sample 700, and the window half a second behind the marker


def test_what_never_gets_a_window_is_said() -> None:
    live = windows()
    live.add(*numbered(0, 1200))
    live.mark(Marker("gone", 50.0))
    live.mark(Marker("ahead", 99.0))
    live.mark(Marker("soon", 62.5))
    gone, ahead = reasons(live)
    assert "no longer kept" in gone
    assert "ahead" in ahead
    assert [marker.name for marker in live.waiting] == ["soon"]
    assert [lost.reason for lost in live.give_up("it ended")] == ["it ended"]


def test_samples_that_come_at_another_rate_than_said() -> None:
    live = windows()
    samples, _ = numbered(0, 600)
    live.add(samples, 50 + np.arange(600) / 80.0)
    live.mark(Marker("a", 51.0))
    (reason,) = reasons(live)
    assert "80 Hz" in reason


@pytest.mark.parametrize(("missing", "said"), [(0, False), (3, False), (6, True), (9, True)])
def test_some_missing_samples_are_noticed(missing: int, said: bool) -> None:
    live = windows()
    live.add(*numbered(0, 240))
    samples, times = numbered(240 + missing, 500)
    live.add(samples, times)
    live.mark(Marker("a", 51.0))
    (result,) = live.pop()
    assert isinstance(result, LostWindow) is said
    assert not said or "samples are missing" in result.reason


@pytest.mark.parametrize("chunk", [4, 10, 20])
def test_times_that_stand_for_a_chunk_are_no_missing_samples(chunk: int) -> None:
    live = windows()
    for at in range(0, 500, chunk):
        samples, times = numbered(at, at + chunk)
        live.add(samples, np.full(len(times), times[-1]))
    live.mark(Marker("a", 51.0))
    (result,) = live.pop()
    assert isinstance(result, CompleteWindow)


def grid(every: float, chunk: int, jump: float = 0.0) -> list[float]:
    """Return the times of the windows on a grid that got a prediction; time jumps after 20 s."""
    live, ready = windows(), []
    for at in range(0, 4000, chunk):
        samples, times = numbered(at, at + chunk)
        live.add(samples, times + (jump if at >= 2000 else 0.0))
        live.mark_every(every)
        ready += [one.marker.time for one in live.pop() if isinstance(one, CompleteWindow)]
    return ready


@pytest.mark.parametrize("chunk", [1, 10, 50])
def test_a_grid_has_every_window_whatever_the_chunks(chunk: int) -> None:
    times = np.array(grid(0.04, chunk))
    assert np.diff(times) == pytest.approx(0.04)
    assert times[0] == pytest.approx(50.0)
    assert len(times) == pytest.approx(37.5 / 0.04, abs=2)


@pytest.mark.parametrize("jump", [-15.0, 7.0])
def test_a_grid_goes_on_when_time_jumps(jump: float) -> None:
    times = np.array(grid(2.0, 10, jump))
    behind = times[np.flatnonzero(np.abs(np.diff(times) - 2.0) > 0.01)[-1] + 1 :]
    assert behind[0] == pytest.approx(70 + jump, abs=0.01)
    assert len(behind) >= 8


@pytest.mark.parametrize("rate", [0.996 * RATE, 1.004 * RATE])
def test_a_clock_that_drifts_loses_no_long_window(rate: float) -> None:
    live = windows(duration=60.0)
    samples, _ = numbered(0, 6400)
    times = 50 + np.arange(6400) / rate
    live.add(samples, times)
    live.mark(Marker("go", 51.0))
    assert [type(result) for result in live.pop()] == [CompleteWindow]
    times[3000:] += 0.1
    live = windows(duration=60.0)
    live.add(samples, times)
    live.mark(Marker("go", 51.0))
    (lost,) = live.pop()
    assert isinstance(lost, LostWindow)
    assert lost.reason == "0.10 s of samples are missing inside its window"
