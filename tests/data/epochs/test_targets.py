"""Targets of epochs that can't be believed: other units, and times that no response takes."""

import numpy as np
import pytest

from helpers.epochs_file import write_epochs
from sparseeg.data.epochs.read import read_epochs
from sparseeg.data.load import load
from sparseeg.data.summary import count_kept
from sparseeg.errors import SparseEEGError

TIMES = np.array([0.31, 0.45, 0.62, 0.71])


def write(folder, **subjects):
    """Write a file of epochs for each subject, with these values in the column rt."""
    for subject, values in subjects.items():
        write_epochs(folder / f"sub-{subject}_epo.fif", rt=values)


@pytest.mark.parametrize("unit", ["ms", None])
def test_a_file_in_seconds_among_files_in_milliseconds_is_left_out(tmp_path, unit):
    write(tmp_path, a=1000 * TIMES, b=TIMES, c=2000 * TIMES, d=500 * TIMES)
    windows = read_epochs(tmp_path, target="rt", target_unit=unit)
    assert set(windows.subjects) == {"sub-a", "sub-c", "sub-d"}
    (problem,) = [one for one in windows.problems if one.lost == "recording"]
    assert problem.path.name == "sub-b_epo.fif"
    assert "the median of column rt is 0.535 in this file, but 535 in most files" in problem.reason
    assert "write it in one unit" in problem.reason


def test_a_file_in_milliseconds_among_files_in_seconds_is_left_out(tmp_path):
    write(tmp_path, a=TIMES, b=TIMES * 1000, c=3 * TIMES)
    windows = read_epochs(tmp_path, target="rt", target_unit="s")
    assert set(windows.subjects) == {"sub-a", "sub-c"}
    assert any("is 535 in this file, but 1.07 in most" in problem.reason for problem in windows.problems)


@pytest.mark.parametrize("unit", ["ms", "s", None])
def test_where_no_unit_is_more_frequent_the_folder_is_refused(tmp_path, unit):
    write(tmp_path, a=1000 * TIMES, b=TIMES)
    with pytest.raises(SparseEEGError, match=r"is 0\.535 in sub-b_epo\.fif, but 535 in sub-a"):
        read_epochs(tmp_path, target="rt", target_unit=unit)


@pytest.mark.parametrize(
    ("unit", "second"),
    [
        ("s", 8 * TIMES),  # slow people
        (None, 60 * TIMES),  # no time, and no factor of a unit
        (None, [-450.0, 0.0, 450.0, 300.0]),
        ("uV", [0.0, 0.0, 0.0, 0.001]),
    ],
)
def test_people_may_differ(tmp_path, unit, second):
    write(tmp_path, a=TIMES, b=second, c=TIMES)
    windows = read_epochs(tmp_path, target="rt", target_unit=unit)
    assert len(windows) == 12
    assert not [problem for problem in windows.problems if problem.lost == "recording"]


def test_times_that_no_response_takes_are_left_out_and_counted(tmp_path):
    write(tmp_path, a=[300.0, -1.0, 450.0, 1e9, np.inf, 0.0, 10_000.0, 10_001.0], b=1000 * TIMES)
    windows = read_epochs(tmp_path, target="rt", target_unit="ms")
    assert windows.targets == pytest.approx([0.3, 0.45, 10.0, *TIMES])
    assert windows.table["trial"].tolist() == [0, 2, 6, 0, 1, 2, 3]
    assert {one.reason: one.count for one in windows.problems if one.lost == "windows"} == {
        "column rt is missing for 1 of 8 epochs": 1,
        "2 of 7 epochs have a time of 0 s or less in column rt": 2,
        "2 of 5 epochs have a time longer than 10 s in column rt; --max-rt sets the limit": 2,
    }
    assert count_kept(windows)["windows"]["left_out"] == {
        "have a time of 0 s or less in column rt": 2,
        "have a time longer than 10 s in column rt; --max-rt sets the limit": 2,
        "lack the column rt": 1,  # FIF files hold no infinite number
    }


SECONDS = [0.3, 0.4, 0.5, 0.6]
MILLISECONDS = [310.0, 450.0, 620.0, 710.0, 330.0, 440.0, 650.0, 2900.0]


def test_times_of_one_file_in_another_unit_are_left_out_and_counted(tmp_path):
    write(tmp_path, a=[*SECONDS, *MILLISECONDS], b=1000 * TIMES)
    windows = read_epochs(tmp_path, target="rt", target_unit="ms")
    assert windows.targets[windows.subjects == "sub-a"] == pytest.approx(np.array(MILLISECONDS) / 1000)
    (problem,) = [one for one in windows.problems if one.lost == "windows"]
    assert problem.count == 4
    assert problem.reason == (
        "4 of 12 epochs have a time far from the others of the file in column rt; write it in one unit"
    )


def test_where_most_times_of_a_file_are_in_another_unit_the_others_are_not_kept(tmp_path):
    write(tmp_path, a=[*MILLISECONDS[:3], *SECONDS])
    windows = read_epochs(tmp_path, target="rt", target_unit="ms")
    assert windows.targets == pytest.approx(np.array(SECONDS) / 1000)
    assert {one.count for one in windows.problems if one.lost == "windows"} == {3}
    assert any("check --target-unit" in one.action for one in windows.problems)


def test_a_file_with_as_many_times_in_another_unit_is_left_out(tmp_path):
    write(tmp_path, a=[*MILLISECONDS[:4], *SECONDS], b=1000 * TIMES)
    windows = read_epochs(tmp_path, target="rt", target_unit="ms")
    assert set(windows.subjects) == {"sub-b"}
    (problem,) = [one for one in windows.problems if one.lost == "recording"]
    assert "as many times near 0.00045 s as near 0.535 s" in problem.reason
    assert "write it in one unit" in problem.reason


def test_slow_and_fast_responses_of_one_person_stay(tmp_path):
    write(tmp_path, a=[0.02, 0.2, 0.25, 0.3, 9.5])
    assert len(read_epochs(tmp_path, target="rt", target_unit="s")) == 5


def test_windows_are_those_of_the_targets_that_stay(tmp_path):
    data = write_epochs(tmp_path / "sub-a_epo.fif", rt=[300.0, -5.0, 450.0])
    windows = read_epochs(tmp_path, target="rt", target_unit="ms")
    assert np.abs(windows.gather([0, 1]) - data[[0, 2]]).max() < 1e-4


def test_the_longest_time_can_be_set(tmp_path):
    write(tmp_path, a=[5.0, 12.0, 90.0], b=[2.0, 3.0, 4.0])
    assert len(read_epochs(tmp_path, target="rt", target_unit="s")) == 4
    windows = load(tmp_path, target="rt", target_unit="s", max_rt=60.0)
    assert windows.targets.max() == 12.0
    assert windows.task.max_rt == 60.0
    with pytest.raises(SparseEEGError, match="max_rt has no effect: the target rt is not a time"):
        load(tmp_path, target="rt", max_rt=60.0)


def test_a_wrong_unit_is_recognised(tmp_path):
    write(tmp_path, a=1000 * TIMES, b=1000 * TIMES)
    with pytest.raises(
        SparseEEGError, match=r"4 of 4 epochs have a time longer than 10 s .*the median is 535: check"
    ):
        read_epochs(tmp_path, target="rt", target_unit="s")
    folder = tmp_path / "seconds"
    write(folder, a=TIMES, b=TIMES)
    windows = read_epochs(folder, target="rt", target_unit="ms")
    assert "half of the times in column rt are shorter than 0.000535 s" in windows.problems[0].reason


def test_other_numbers_that_are_absurd_are_left_out_and_counted(tmp_path):
    write(tmp_path, a=[3.0, 1e9, -4.0, 0.0], b=[2.0, -1e12, 5.0, 40_000.0])
    windows = read_epochs(tmp_path, target="rt", target_unit="points")
    assert windows.targets.tolist() == [3.0, -4.0, 0.0, 2.0, 5.0, 40_000.0]
    assert [problem.count for problem in windows.problems if problem.lost == "windows"] == [1, 1]
    assert "more than 100,000 times the median" in windows.problems[0].reason
