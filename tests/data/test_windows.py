"""The window set: gathering, selecting, joining, and what it refuses."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparseeg.data.match import concatenate
from sparseeg.data.provenance import Processing
from sparseeg.data.tasks import TASKS
from sparseeg.data.windows import WindowSet

N_TIMES = 5


def window_set(starts: list[tuple[int, int]], lengths: tuple[int, ...] = (20, 5, 30), **changes) -> WindowSet:
    """Return windows at (recording, start) over signals whose every sample is different."""
    rng = np.random.default_rng(0)
    table = pd.DataFrame(starts, columns=["recording", "start"])
    table["target"] = np.arange(len(table)) / 10
    table["subject"] = [f"sub-{recording}" for recording in table["recording"]]
    options = {
        "signals": [rng.standard_normal((length, 3)).astype(np.float32) for length in lengths],
        "table": table,
        "n_times": N_TIMES,
        "ch_names": ("a", "b", "c"),
        "task": TASKS["response-time"],
        "processing": Processing(100.0),
        "source": "here",
    }
    return WindowSet(**(options | changes))


PLACES = st.sampled_from([(0, start) for start in range(16)] + [(1, 0)] + [(2, start) for start in range(26)])


@given(st.lists(PLACES, min_size=1, max_size=20), st.data())
def test_gather_cuts_the_same_as_slicing_one_by_one(places, data):
    windows = window_set(places)
    indices = data.draw(st.lists(st.integers(0, len(places) - 1), max_size=30))
    batch = windows.gather(indices)
    assert batch.shape == (len(indices), 3, N_TIMES)
    assert batch.dtype == np.float32
    assert batch.flags["C_CONTIGUOUS"]
    for row, index in zip(batch, indices, strict=True):
        recording, start = places[index]
        assert np.array_equal(row, windows.signals[recording][start : start + N_TIMES].T)


def test_gather_copies():
    windows = window_set([(0, 0)])
    batch = windows.gather([0])
    batch[:] = 0
    assert windows.signals[0].any()


def test_select_takes_masks_and_indices_and_shares_the_signals():
    windows = window_set([(0, 0), (0, 3), (2, 8)])
    masked = windows.select(np.array([True, False, True]))
    chosen = windows.select([2, 0])
    assert masked.targets.tolist() == [0.0, 0.2]
    assert chosen.targets.tolist() == [0.2, 0.0]
    assert np.array_equal(chosen.gather([0]), windows.gather([2]))
    assert masked.signals is windows.signals
    assert len(windows.select([])) == 0
    assert windows.select([]).gather([]).shape == (0, 3, N_TIMES)
    with pytest.raises(ValueError, match="a mask of 2 for 3 windows"):
        windows.select(np.array([True, False]))


def test_concatenate_keeps_order_and_samples():
    first, second = window_set([(0, 1), (2, 3)]), window_set([(1, 0)], simulated=True)
    both, _ = concatenate([first, second])
    assert np.array_equal(both.gather([0, 1]), first.gather([0, 1]))
    assert np.array_equal(both.gather([2]), second.gather([0]))
    assert both.simulated
    ranged = replace(first, table=first.table.assign(earliest=0, latest=first.table["start"]))
    assert "latest" in concatenate([ranged, ranged])[0].table
    assert "latest" not in concatenate([ranged, second])[0].table
    with pytest.raises(ValueError, match="sampled at 50 Hz instead of 100 Hz"):
        concatenate([first, window_set([(1, 0)], processing=Processing(50.0))])


def test_properties_and_summary():
    windows = window_set([(0, 0), (2, 0)])
    assert len(windows) == 2
    assert windows.n_chans == 3
    assert windows.subjects.tolist() == ["sub-0", "sub-2"]
    assert windows.summary() == (
        "2 windows of 5 samples at 100 Hz, 3 channels, 2 subjects: sub-0, sub-2, 2 recordings; no problems"
    )


@pytest.mark.parametrize("place", [(0, -1), (0, 16), (1, 1)])
def test_a_window_outside_its_signal_is_refused(place):
    with pytest.raises(ValueError, match="lies outside recording"):
        window_set([place])


@pytest.mark.parametrize("place", [(3, 0), (-1, 0)])
def test_a_recording_that_is_not_there_is_refused(place):
    with pytest.raises(ValueError, match="a recording outside 0 to"):
        window_set([place])


def test_missing_columns_and_wrong_channels_are_refused():
    with pytest.raises(ValueError, match="lacks the columns"):
        window_set([(0, 0)], table=pd.DataFrame({"recording": [0], "start": [0]}))
    with pytest.raises(ValueError, match=r"\(20, 3\), expected \(time, 2\)"):
        window_set([(0, 0)], ch_names=("a", "b"))


@pytest.mark.parametrize(("earliest", "latest"), [(3, 4), (-1, 4), (2, 1), (2, 16)])
def test_a_window_may_only_be_moved_inside_its_recording(earliest, latest):
    table = window_set([(0, 2)]).table.assign(earliest=earliest, latest=latest)
    with pytest.raises(ValueError, match="window 0 can't start anywhere from"):
        window_set([(0, 2)], table=table)
    fitting = window_set([(0, 2)]).table.assign(earliest=0, latest=15)
    assert window_set([(0, 2)], table=fitting).table["latest"].tolist() == [15]


@pytest.mark.parametrize(
    ("targets", "said"),
    [
        ([0.6, 1.0, 2.5, *[1.0] * 9], None),
        ([0.4, 3.0, *[1.0] * 19], None),
        ([0.4, 3.0, *[1.0] * 14], "87.5 % of the times lie inside the window of 0.5 to 2.5 s: 6.25 % lie"),
        (
            [0.6, 2.6, 2.7, 0.4],
            "25 % of the times lie inside the window of 0.5 to 2.5 s: 25 % lie before it, 50",
        ),
        (
            [2.6, 2.7, 9.0, 0.4],
            "none of the times lie inside the window of 0.5 to 2.5 s: 25 % lie before it, 75",
        ),
    ],
)
def test_targets_of_which_many_lie_outside_the_window_are_said(targets, said):
    table = pd.DataFrame({"recording": 0, "start": 0, "target": targets, "subject": "sub-A"})
    windows = WindowSet(
        [np.zeros((200, 1), np.float32)],
        table,
        200,
        ("Cz",),
        TASKS["response-time"],
        Processing(),
        "x",
        tmin=0.5,
    )
    noted = windows.noting_outside()
    if said is None:
        assert noted.problems == ()
        return
    (problem,) = noted.problems
    assert problem.reason.startswith(said)
    assert problem.lost == "nothing"
    assert noted.noting_outside().outside == problem.reason
    factor = replace(windows, task=TASKS["externalizing"])
    assert factor.outside is None


@pytest.mark.parametrize(
    ("column", "values", "reason"),
    [
        ("subject", [1, 2], r"window 0 has the subject 1 \(int64\): subjects are text"),
        ("subject", ["sub-1", np.nan], r"window 1 has the subject nan \(float\): subjects are text"),
        ("target", [0.5, np.nan], "window 1 has the target nan: targets are finite numbers"),
        ("target", [np.inf, 0.5], "window 0 has the target inf: targets are finite numbers"),
        ("target", ["0.5", "fast"], "window 1 has the target fast: targets are finite numbers"),
    ],
)
def test_subjects_that_are_no_text_and_targets_that_are_no_numbers_are_refused(column, values, reason):
    with pytest.raises(ValueError, match=reason):
        window_set([(0, 0), (0, 1)], table=window_set([(0, 0), (0, 1)]).table.assign(**{column: values}))
