"""The trial rule, case by case, against a plain reference, and on the real labels."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparseeg.data.bids.trials import COLUMNS, PRESSES, STIMULI, TRIAL_START, trial_table
from sparseeg.errors import SparseEEGError


def events(*rows: tuple) -> pd.DataFrame:
    """Return an events table from (onset, value) or (onset, value, feedback)."""
    full = [(*row, None)[:3] for row in rows]
    return pd.DataFrame(full, columns=["onset", "value", "feedback"])


ONE_TRIAL = ((10.0, TRIAL_START), (12.8, "left_target"), (16.0, TRIAL_START))


def test_one_trial_in_full():
    table = trial_table(events(*ONE_TRIAL, (14.3, "right_buttonPress", "sad_face")))
    assert tuple(table.columns) == COLUMNS
    row = table.iloc[0]
    assert len(table) == 1
    assert row["trial_start"] == 10.0
    assert (row["stimulus"], row["stimulus_onset"]) == ("left_target", 12.8)
    assert (row["response"], row["response_onset"]) == ("right_buttonPress", 14.3)
    assert row["rt"] == pytest.approx(1.5, abs=1e-12)
    assert row["correct"] is False


@pytest.mark.parametrize(
    ("feedback", "correct"),
    [("smiley_face", True), ("sad_face", False), ("non_target", None), (None, None), (np.nan, None)],
)
def test_correct_comes_from_the_feedback_of_the_press(feedback, correct):
    table = trial_table(events(*ONE_TRIAL, (14.0, "left_buttonPress", feedback)))
    assert table["correct"].iloc[0] is correct


def test_the_response_time_counts_from_the_stimulus_not_from_the_press_or_the_trial_start():
    """Published mistake 1: windows locked to the button press; the stimulus is what both times count from."""
    table = trial_table(events(*ONE_TRIAL, (14.3, "left_buttonPress")))
    assert table["stimulus_onset"].iloc[0] == 12.8
    assert table["rt"].iloc[0] == pytest.approx(14.3 - 12.8)


def test_the_first_press_after_the_stimulus_counts_not_the_last():
    """Published mistake 2: the last press of the trial (7.9 % of the labels wrong)."""
    presses = [(14.1, "left_buttonPress", "smiley_face"), (15.5, "right_buttonPress", "non_target")]
    table = trial_table(events(*ONE_TRIAL, *presses))
    assert table["rt"].iloc[0] == pytest.approx(1.3)
    assert table["response"].iloc[0] == "left_buttonPress"
    assert table["correct"].iloc[0] is True


def test_a_press_before_the_stimulus_does_not_count():
    table = trial_table(events(*ONE_TRIAL, (11.0, "left_buttonPress"), (14.0, "right_buttonPress")))
    assert table["response_onset"].iloc[0] == 14.0


def test_a_press_at_the_stimulus_counts_and_one_at_the_next_start_does_not():
    assert trial_table(events(*ONE_TRIAL, (12.8, "left_buttonPress")))["rt"].iloc[0] == 0.0
    assert np.isnan(trial_table(events(*ONE_TRIAL, (16.0, "left_buttonPress")))["rt"].iloc[0])


def test_without_a_stimulus_there_is_no_response_and_without_a_response_no_response_time():
    no_stimulus = events((10.0, TRIAL_START), (11.0, "left_buttonPress", "smiley_face"), (16.0, TRIAL_START))
    row = trial_table(no_stimulus).iloc[0]
    assert row["stimulus"] is None
    assert row["response"] is None
    assert row["correct"] is None
    assert np.isnan(row["stimulus_onset"])
    missed = trial_table(events(*ONE_TRIAL)).iloc[0]
    assert missed["stimulus"] == "left_target"
    assert missed["response"] is None
    assert np.isnan(missed["rt"])


def test_the_first_of_two_stimuli_counts():
    table = trial_table(events(*ONE_TRIAL, (13.5, "right_target"), (14.0, "left_buttonPress")))
    assert table["stimulus"].iloc[0] == "left_target"
    assert table["rt"].iloc[0] == pytest.approx(1.2)


def test_the_last_start_is_dropped_unless_the_experiment_ends_after_it():
    last = ((16.0, TRIAL_START), (18.8, "right_target"), (20.0, "right_buttonPress"))
    start = (10.0, TRIAL_START)
    assert len(trial_table(events(start, *last))) == 1
    closed = trial_table(events(start, *last, (30.0, "end_experiment")))
    assert closed["rt"].tolist()[1:] == [pytest.approx(1.2)]
    early = trial_table(events(start, *last, (19.5, "end_experiment")))
    assert early["response"].tolist()[1:] == [None]
    assert len(trial_table(events(start, (12.0, "end_experiment"), *last))) == 1


def test_other_rows_are_ignored():
    others = [(0.0, "break cnt"), (12.9, "9999"), (13.0, "boundary"), (13.1, None), (13.2, "video_start")]
    table = trial_table(events(*others, *ONE_TRIAL, (14.0, "left_buttonPress")))
    assert table["rt"].tolist() == [pytest.approx(1.2)]


@pytest.mark.parametrize("rows", [(), ((1.0, "left_target"),), ((1.0, TRIAL_START),)])
def test_no_closed_trial_gives_an_empty_table_with_all_columns(rows):
    table = trial_table(events(*rows))
    assert len(table) == 0
    assert tuple(table.columns) == COLUMNS
    assert table["rt"].dtype == np.float64


def test_feedback_may_be_missing_as_a_column_and_onsets_may_be_text():
    table = events(*ONE_TRIAL, (14.0, "left_buttonPress")).drop(columns="feedback")
    table["onset"] = table["onset"].astype(str)
    found = trial_table(table)
    assert found["rt"].iloc[0] == pytest.approx(1.2)
    assert found["correct"].iloc[0] is None


def test_the_events_are_not_changed():
    given_events = events(*reversed(ONE_TRIAL))
    before = given_events.copy()
    trial_table(given_events)
    pd.testing.assert_frame_equal(given_events, before)


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("soon", "'soon' is not a finite number"),
        (None, "is missing"),
        ("inf", "'inf' is not a finite number"),
    ],
)
def test_an_onset_that_is_no_number_is_named_with_its_row(entry, said):
    table = events(*ONE_TRIAL).astype({"onset": object})
    table.loc[1, "onset"] = entry
    with pytest.raises(SparseEEGError, match=f"^column onset, row 2: {said}$"):
        trial_table(table)


def test_missing_columns_are_named_with_those_that_are_there():
    with pytest.raises(SparseEEGError, match="lack the column value; found: onset, duration"):
        trial_table(pd.DataFrame({"onset": [1.0], "duration": [0.0]}))
    with pytest.raises(SparseEEGError, match="lack the columns onset, value; found: time"):
        trial_table(pd.DataFrame({"time": [1.0]}))


def reference(table: pd.DataFrame) -> list[tuple[float, float, float]]:
    """Return (trial start, stimulus onset, response onset) by the rule read aloud, row by row."""
    rows = sorted(zip(table["onset"], table["value"], strict=True), key=lambda row: row[0])
    starts = [onset for onset, value in rows if value == TRIAL_START]
    ends = starts[1:]
    closing = [onset for onset, value in rows if value == "end_experiment"]
    if starts and closing and closing[-1] > starts[-1]:
        ends = [*ends, closing[-1]]
    found = []
    for start, end in zip(starts, ends, strict=False):
        stimulus = next((onset for onset, value in rows if value in STIMULI and start <= onset < end), np.nan)
        press = next((onset for onset, value in rows if value in PRESSES and stimulus <= onset < end), np.nan)
        found.append((start, stimulus, press))
    return found


VALUES = st.sampled_from([TRIAL_START, TRIAL_START, *STIMULI, *PRESSES, "end_experiment", "boundary"])
ROWS = st.lists(st.tuples(st.integers(0, 60), VALUES), max_size=40)


@given(ROWS)
def test_any_events_follow_the_rule(rows):
    table = events(*((onset / 4, value) for onset, value in rows))
    found = trial_table(table)
    expected = np.array(reference(table)).reshape(-1, 3)
    assert np.array_equal(
        found[["trial_start", "stimulus_onset", "response_onset"]].to_numpy(), expected, equal_nan=True
    )
    assert np.array_equal(found["rt"], expected[:, 2] - expected[:, 1], equal_nan=True)


@given(
    st.lists(st.tuples(st.integers(0, 200), VALUES), max_size=40, unique_by=lambda row: row[0]), st.randoms()
)
def test_the_order_of_rows_does_not_matter(rows, random):
    shuffled = list(rows)
    random.shuffle(shuffled)
    pd.testing.assert_frame_equal(trial_table(events(*rows)), trial_table(events(*shuffled)))


@given(ROWS, st.floats(0, 2.79), st.floats(1.5, 3.1))
def test_presses_before_the_stimulus_and_after_the_response_change_nothing(rows, early, late):
    trial = ((100.0, TRIAL_START), (102.8, "left_target"), (104.0, "left_buttonPress"), (106.0, TRIAL_START))
    before = trial_table(events(*rows, *trial))
    more = ((100.0 + early, "right_buttonPress"), (102.8 + late, "right_buttonPress"))
    pd.testing.assert_frame_equal(before, trial_table(events(*rows, *trial, *more)))


@given(ROWS, st.floats(-1e4, 1e4))
def test_response_times_do_not_depend_on_when_the_recording_began(rows, shift):
    table = events(*((float(onset), value) for onset, value in rows))
    moved = table.assign(onset=table["onset"] + shift)
    assert np.allclose(trial_table(table)["rt"], trial_table(moved)["rt"], atol=1e-6, equal_nan=True)
