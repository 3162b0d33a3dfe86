"""Breaks of a recording are found in its annotations and its events, and no window has one inside."""

from fractions import Fraction
from pathlib import Path

import mne
import numpy as np
import pandas as pd
import pytest

from sparseeg.data.bids.events import events_of_table
from sparseeg.data.bids.layout import BidsFile
from sparseeg.data.problems import Problem
from sparseeg.data.signals.breaks import Breaks, find_breaks, without_breaks
from sparseeg.errors import SparseEEGError

FILE = BidsFile(Path("sub-A_task-x_eeg.bdf"), Path())


def raw_with(*marks: tuple[float, float, str], sfreq: float = 200.0, first_samp: int = 0) -> mne.io.BaseRaw:
    """Return a recording of 10 s with annotations (onset, duration, name)."""
    info = mne.create_info(["Cz"], sfreq, "eeg")
    raw = mne.io.RawArray(np.zeros((1, round(10 * sfreq))), info, first_samp=first_samp, verbose="error")
    onset, duration, name = zip(*marks, strict=True)
    return raw.set_annotations(mne.Annotations(onset, duration, name), verbose="error")


NAMES = {
    "New Segment/": ([500], False),
    "New Segment": ([500], False),
    "new segment/LostSamples: 3": ([500], False),
    "boundary": ([500], False),
    "Boundary": ([500], False),
    "discontinuity": ([500], False),
    "EDGE boundary": ([500], False),
    "EDGE": ([500], False),
    "edge_left": ([], False),
    "BAD boundary": ([500], False),
    "Boundary/left": ([], False),
    "BAD_muscle": ([], True),
    "BADmuscle": ([], True),
    "BAD_eye": ([], True),
    "bad": ([], True),
    "bad:eye": ([], True),
    "Bad segment": ([], True),
    "bad-jump": ([], True),
    "badge": ([], False),
    "Badminton": ([], False),
    "BAD_ACQ_SKIP": ([500, 600], True),
    "stimulus": ([], False),
    "Comment/BAD_eye": ([], True),
    "comment/Bad segment": ([], True),
    "Comment/boundary": ([500], False),
    "Comment/EDGE boundary": ([500], False),
    "Comment/BAD boundary": ([500], False),
    "Comment/BAD_ACQ_SKIP": ([500, 600], True),
    "Comment/New Segment": ([500], False),
    "Comment/LostSamples: 40": ([500], False),
    "Comment/Buffer Overflow": ([500], False),
    "Userdefined/BAD_eye": ([], True),
    "Stimulus/boundary": ([500], False),
    "Bad Interval/Bad Min-Max": ([], True),
    "Comment/badge": ([], False),
    "Comment/edge_left": ([], False),
    "Comment/not BAD_eye": ([], False),
    "Stimulus/S  1": ([], False),
    "feedback/bad": ([], False),
    "LostSamples": ([500], False),
}
"""Cuts at 200 Hz, and badness, that a mark at 2.5 s says; a bad one lasts 0.5 s."""


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("first_samp", [0, 77])
def test_annotations(name: str, first_samp: int) -> None:
    duration = 0.5 if NAMES[name][1] else 0.0
    check(find_breaks(raw_with((2.5, duration, name), (0.0, 0.0, "go"), first_samp=first_samp)), name)


def check(found: Breaks, name: str) -> None:
    cuts, bad = NAMES[name]
    assert found.cuts.tolist() == cuts
    assert list(zip(found.bad_first, found.bad_last, strict=True)) == ([(500, 600)] if bad else [])
    assert found.names == ((name,) if bad else ())


def test_a_name_that_is_wanted_is_no_break_whatever_the_type_of_its_marker() -> None:
    raw = raw_with((2.5, 0.5, "Stimulus/bad"))
    assert not find_breaks(raw, own=("bad",))
    assert not find_breaks(raw, own=("Stimulus/bad",))
    assert find_breaks(raw, own=("Stimulus/good",)).bad_first.tolist() == [500]


def test_a_cut_between_two_samples_as_eeglab_writes_it_is_before_the_second() -> None:
    assert find_breaks(raw_with((2.4975, 0.0, "boundary"))).cuts.tolist() == [500]


def test_concatenated_recordings_have_a_cut_where_mne_joined_them() -> None:
    parts = [raw_with((1.0, 0.0, "go")) for _ in range(3)]
    found = find_breaks(mne.concatenate_raws(parts, verbose="error"))
    assert found.cuts.tolist() == [2000, 4000]
    assert not len(found.bad_first)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("column", ["trial_type", "value", "what"])
def test_events_of_bids_say_the_same_as_annotations(name: str, column: str) -> None:
    duration = "0.5" if NAMES[name][1] else None
    events = pd.DataFrame({"onset": ["1.0", "2.5"], "duration": [None, duration], column: [None, name]})
    raw = raw_with((0.0, 0.0, "go"))
    check(find_breaks(raw, events, column="what"), name)
    assert not find_breaks(raw, events, own=(name,), column="what")


def test_stretches_that_overlap_are_one_and_end_with_the_recording() -> None:
    found = find_breaks(
        raw_with((8.0, 1.0, "BAD a"), (8.5, 3.0, "BAD b"), (1.0, 0.5, "BAD b"), (3.0, 0.0, "BAD c"))
    )
    assert found.bad_first.tolist() == [200, 600, 1600]
    assert found.bad_last.tolist() == [300, 601, 2000]
    assert found.names == ("BAD b", "BAD c", "BAD a")


def test_breaks_at_another_rate() -> None:
    breaks = Breaks(np.array([5, 6, 501]), np.array([11]), np.array([17]))
    found = breaks.resampled(Fraction(2, 5))
    # sample k is at k / 2 of the old ones' 1 / 5: the first one at or after each cut
    assert found.cuts.tolist() == [2, 3, 201]
    assert (found.bad_first.tolist(), found.bad_last.tolist()) == ([4], [7])


def table(start: list[int], reach: int = 10, **more: list[float]) -> pd.DataFrame:
    first = np.array(start)
    return pd.DataFrame({"start": first, "earliest": first - reach, "latest": first + reach, **more})


def test_windows_with_breaks_inside_are_left_out_and_counted() -> None:
    breaks = Breaks(np.array([100, 300]), np.array([200]), np.array([210]), ("BAD_x",))
    windows = table([80, 90, 91, 100, 190, 191, 209, 210, 295, 299, 300])
    problems: list[Problem] = []
    found = without_breaks(windows, breaks, 10, 100.0, FILE, problems)
    assert isinstance(found, pd.DataFrame)
    assert found["start"].tolist() == [80, 90, 100, 190, 210, 300]
    assert found["earliest"].tolist() == [70, 80, 100, 180, 210, 300]
    assert found["latest"].tolist() == [90, 90, 110, 190, 220, 310]
    assert [(problem.count, problem.lost) for problem in problems] == [(2, "windows"), (3, "windows")]
    assert "2 of 11 windows overlap a stretch marked as bad (BAD_x)" in problems[0].reason
    assert "3 of 9 windows have a cut of the recording inside" in problems[1].reason


def test_windows_in_bad_stretches_can_be_kept_but_not_those_with_cuts() -> None:
    breaks = Breaks(np.array([100]), np.array([90]), np.array([210]), ("BAD_x",))
    problems: list[Problem] = []
    found = without_breaks(table([85, 95, 150]), breaks, 10, 100.0, FILE, problems, keep_bad=True)
    assert isinstance(found, pd.DataFrame)
    assert found["start"].tolist() == [85, 150]
    assert found["latest"].tolist() == [90, 160]
    assert [problem.lost for problem in problems] == ["nothing", "windows"]


def test_trials_over_a_cut_are_left_out() -> None:
    # windows of 1 s, 0.5 s after the stimulus; the cut is before the 4th's window, after the 5th's
    breaks = Breaks(np.array([1000]))
    windows = table(
        [980, 700, 1000, 1010, 860], onset=[9.3, 6.5, 10.0, 9.6, 8.1], target=[0.5, 0.4, 2.0, 0.1, 2.5]
    )
    problems: list[Problem] = []
    found = without_breaks(windows, breaks, 100, 100.0, FILE, problems)
    assert isinstance(found, pd.DataFrame)
    assert found["start"].tolist() == [700, 1000]
    assert [problem.count for problem in problems] == [1, 2]
    assert "2 of 4 windows have a cut of the recording between their stimulus and" in problems[1].reason


def test_no_window_left_is_a_problem() -> None:
    found = without_breaks(table([95]), Breaks(np.array([100])), 10, 100.0, FILE, [])
    assert isinstance(found, Problem)
    assert found.lost == "recording"


def test_breaks_are_found_in_the_column_that_holds_the_named_events() -> None:
    content = pd.DataFrame(
        {
            "onset": ["1.0", "2.5", "4.0"],
            "duration": ["0.0", "0.0", "0.5"],
            "value": ["1", "2", "3"],
            "event_type": ["go", "boundary", "BAD_x"],
        }
    )
    raw = raw_with((0.0, 0.0, "New Segment/"))
    events = events_of_table(content, FILE.path, "value", [["go"], ["press"]], [])
    assert not find_breaks(raw, events.content, ("go", "press"), events.column)
    events = events_of_table(content, FILE.path, "value", [["go"]], [])
    found = find_breaks(raw, events.content, ("go",), events.column)
    assert (found.cuts.tolist(), found.names) == ([500], ("BAD_x",))


@pytest.mark.parametrize("name", ["BAD_x", "go"])
def test_a_bad_stretch_whose_duration_is_no_number_is_refused(name: str) -> None:
    content = pd.DataFrame({"onset": ["1", "4"], "duration": [None, "0,5"], "value": ["BAD_y", name]})
    raw = raw_with((0.0, 0.0, "go"))
    if name == "go":
        assert find_breaks(raw, content).bad_first.tolist() == [200]
        return
    with pytest.raises(SparseEEGError, match=r"column duration, row 2: '0,5' is not a .* write 0\.5"):
        find_breaks(raw, content)
