"""Bad files: each is named with its path, a reason and what was done; the good ones still come through."""

import os
import struct
from pathlib import Path

import numpy as np
import pytest
from scipy.io import loadmat

from helpers.bids_folder import TASK, BidsFolder, contrast_events
from sparseeg.data.bids.hbn import CH_NAMES
from sparseeg.data.problems import Problem, count, summarise
from sparseeg.data.provenance import Processing
from sparseeg.data.read_bids import read_bids
from sparseeg.data.tasks import Task
from sparseeg.data.windows import WindowSet
from sparseeg.errors import SparseEEGError


@pytest.fixture
def folder(bids: BidsFolder) -> BidsFolder:
    """Two good subjects; the tests add a third with something wrong."""
    bids.write_participants({name: ("R1", "F", "8") for name in ("A", "B", "C")})
    for subject in ("A", "B"):
        bids.add(subject)
    return bids


def events_of(path):
    return path.with_name(path.name.replace("_eeg.bdf", "_events.tsv").replace("_eeg.set", "_events.tsv"))


def only_problem(windows: WindowSet) -> Problem:
    """The one problem of a folder whose good subjects came through whole."""
    assert {"sub-A", "sub-B"} <= set(windows.subjects)
    assert (windows.table["subject"] == "sub-A").sum() == 2
    assert np.isfinite(windows.gather(np.arange(len(windows)))).all()
    assert len(windows.problems) == 1
    assert f"{windows.problems[0]}" in windows.summary()
    return windows.problems[0]


def test_nothing_wrong_gives_no_problem(folder):
    assert read_bids(folder.root).problems == ()


def test_no_events_file(folder):
    events = events_of(folder.add("C"))
    events.unlink()
    problem = only_problem(read_bids(folder.root))
    assert problem.path == events
    assert problem.reason == (
        f"sub-C_task-{TASK}_run-1_events.tsv does not exist, and the file itself has no events"
    )
    assert problem.action == f"sub-C_task-{TASK}_run-1_eeg.bdf left out"
    assert problem.lost == "recording"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "is empty"),
        ("time\tname\n1\tx\n", "lack the columns onset, value; found: time, name"),
        ("onset,value\n1,x\n", "its columns are separated by commas, not by tabs"),
        ("onset\tduration\n1.0\tn/a\n", "lack the column value"),
        (
            "onset\tvalue\n1.0\tcontrastTrial_start\nlater\tleft_target\n",
            "column onset, row 2: 'later' is not a finite number",
        ),
        ("onset\tvalue\nn/a\tcontrastTrial_start\n", "none of its 1 events has an onset"),
        (
            "onset\tvalue\n1.0\tbreak cnt\n",
            "no event contrastTrial_start; its events are break cnt (1) in the column value",
        ),
        ("onset\tvalue\n1\tx\n1\tx\ty\tz\n", "can't be read as a table"),
    ],
)
def test_events_that_cannot_be_used(folder, content, reason):
    events = events_of(folder.add("C"))
    events.write_text(content)
    problem = only_problem(read_bids(folder.root))
    assert problem.path == events
    assert reason in problem.reason
    assert "\n" not in str(problem)
    assert problem.action.endswith("left out")


def test_events_that_are_no_text(folder):
    events = events_of(folder.add("C"))
    events.write_bytes(b"\xff\xfe\x00\x81\x8d")
    assert only_problem(read_bids(folder.root)).path == events


def test_a_recording_shorter_than_its_events(folder):
    path = folder.add("C", seconds=12.0)  # the stimuli are at 4, 10 and 15 s; the one at 10 s has no response
    windows = read_bids(folder.root)
    problem = only_problem(windows)
    assert problem.path == path
    assert problem.reason == "1 of 2 windows reach outside the recording of 12 s"
    assert (problem.action, problem.lost, problem.count) == ("these windows dropped", "windows", 1)
    assert windows.table.loc[windows.table["subject"] == "sub-C", "target"].tolist() == [1.5]


def test_a_recording_that_ends_before_all_its_events(folder):
    path = folder.add("C", seconds=5.0)
    problem = only_problem(read_bids(folder.root))
    assert problem.path == path
    assert problem.reason == "2 of 2 windows reach outside the recording of 5 s"
    assert (problem.action, problem.lost) == ("left out", "recording")


def test_the_last_window_that_fits_is_kept(folder):
    folder.add("C", seconds=18.0, events=contrast_events([4.0, 15.5], [1.0, 1.0]))
    windows = read_bids(folder.root)
    assert windows.problems == ()
    assert len(windows) == 6


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_samples_that_are_not_finite(folder, value):
    data = np.random.default_rng(0).standard_normal((4, 2000))
    data[2, 500] = value
    path = folder.add("C", data=data, extension=".set")
    windows = read_bids(folder.root)
    problem = only_problem(windows)
    assert problem.path == path
    assert problem.reason == "1 of 2 windows hold NaN or infinite samples"
    assert (problem.lost, problem.count) == ("windows", 1)
    assert windows.table.loc[windows.table["subject"] == "sub-C", "onset"].tolist() == [15.0]


def test_samples_that_are_not_finite_between_windows_do_no_harm(folder):
    data = np.random.default_rng(0).standard_normal((4, 2000))
    data[:, [449, 650]] = np.nan  # the window is 450..650
    folder.add("C", data=data, extension=".set")
    windows = read_bids(folder.root)
    assert windows.problems == ()
    assert len(windows) == 6


def test_a_recording_of_nothing_but_nan(folder):
    path = folder.add("C", data=np.full((4, 2000), np.nan), extension=".set")
    assert np.isnan(loadmat(path)["EEG"]["data"][0, 0]).all()
    problem = only_problem(read_bids(folder.root))
    assert problem.reason == "2 of 2 windows hold NaN or infinite samples"
    assert problem.action == "left out"


def test_a_wrong_channel_count_against_the_majority(folder):
    path = folder.add("C", ch_names=CH_NAMES[-5:])
    windows = read_bids(folder.root, processing=Processing(channels="strict"))
    assert (len(windows), windows.ch_names) == (4, CH_NAMES[-4:])
    about, problem = windows.problems
    assert str(about) == (
        f"{folder.root}: 1 of 3 recordings have other channels than the usual 4 (--channels strict: those "
        "recordings are left out; --channels common or interpolate keeps them)"
    )
    assert problem.path == path
    assert problem.reason == "5 EEG channels instead of 4; additional: E125"
    assert problem.action == "left out"


def test_a_wrong_channel_count_against_the_129(folder):
    folder.add("C", ch_names=CH_NAMES)
    windows = read_bids(folder.root)
    assert windows.ch_names == CH_NAMES
    assert [problem.lost for problem in windows.problems] == ["nothing", "recording", "recording"]
    assert windows.processing.channels == "strict"
    assert windows.problems[1].reason == "4 EEG channels instead of 129; missing: E1, E2, E3, E4, E5, ..."


def test_the_right_count_with_a_wrong_name(folder):
    folder.add("C", ch_names=(*CH_NAMES[-4:-1], "Oz"))
    windows = read_bids(folder.root, processing=Processing(channels="strict"))
    assert windows.problems[1].reason == "4 EEG channels instead of 4; missing: Cz; additional: Oz"
    assert set(windows.subjects) == {"sub-A", "sub-B"}


@pytest.mark.parametrize("content", [b"", b"not a recording", b"\xffBIOSEMI" + b" " * 300])
def test_a_damaged_signal_file(folder, content):
    path = folder.add("C")
    path.write_bytes(content)
    problem = only_problem(read_bids(folder.root))
    assert problem.path == path
    assert problem.reason.startswith("can't be read: ")
    assert problem.action == "left out"


def test_a_signal_file_cut_off_in_the_middle(folder):
    path = folder.add("C")
    os.truncate(path, path.stat().st_size // 2)
    said, lost = read_bids(folder.root).problems
    assert said.path == lost.path == path
    assert "shorter than its header says" in said.reason
    assert lost.lost in ("recording", "windows")


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (b"3   ", "its header says 3 channels, but describes 4"),
        (b"400 ", "its header says 400 channels, but describes 4"),
        (b"-1  ", "its header says -1 channels, but describes 4"),
        (b"four", "its header is damaged or truncated"),
    ],
)
def test_a_header_that_lies_about_its_channels(folder, number, said):
    path = folder.add("C")
    content = bytearray(path.read_bytes())
    content[252:256] = number
    path.write_bytes(content)
    problem = only_problem(read_bids(folder.root))
    assert problem.path == path
    assert said in problem.reason


def test_a_link_to_content_that_was_not_fetched(folder):
    path = folder.add("C")
    path.unlink()
    path.symlink_to("../../.git/annex/objects/nothing.bdf")
    problem = only_problem(read_bids(folder.root))
    assert problem.path == path
    assert f"{path.name} is a pointer of git-annex, its content was not fetched" in problem.reason
    assert f"git annex get {path.name}" in problem.reason


def test_an_events_file_without_a_recording(folder):
    path = folder.add("C")
    path.unlink()
    problem = only_problem(read_bids(folder.root))
    assert problem.path == events_of(path)
    assert problem.reason == "this events file has no recording"


def test_no_participants_table(folder):
    (folder.root / "participants.tsv").unlink()
    windows = read_bids(folder.root)
    problem = only_problem(windows)
    assert problem.reason == "participants.tsv does not exist"
    assert (problem.action, problem.lost) == ("read without release, age and sex", "nothing")
    assert windows.table["release"].isna().all()
    assert len(windows) == 4


def test_a_subject_without_a_row(folder):
    folder.write_participants({"A": ("R1", "F", "8")})
    windows = read_bids(folder.root)
    problem = only_problem(windows)
    assert problem.path == folder.root / "participants.tsv"
    assert problem.reason == "no row for 1 subject with recordings: sub-B"
    assert len(windows) == 4


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (
            "participant_id\tage\n00A\t8\nsub-b\t9\n",
            "no row for 2 subjects with recordings: sub-A, sub-B; it has sub-00A for sub-A",
        ),
        ("participant_id\tage\nA\t89+\nB\t18-38\n", "column age, sub-A: '89+' is not a finite number (2"),
        ("participant_id\tage\nA\t8,5\nB\t9,5\n", "'8,5' is not a finite number; write 8.5 (2"),
        ("participant_id\tage\tage\nA\t\t8\nB\t\t9\n", "column age is there 2 times; the first one is used"),
    ],
)
def test_what_is_wrong_with_participants_comes_before_the_column(folder, content, said):
    (folder.root / "participants.tsv").write_text(content)
    with pytest.raises(SparseEEGError) as caught:
        read_bids(folder.root, task=Task("age", "age", "years"))
    message = str(caught.value)
    assert message.index(said) < message.index("no subject with recordings has a number in the column 'age'")


def test_columns_of_participants_are_found_whatever_their_capitals(folder):
    (folder.root / "participants.tsv").write_bytes(
        "Participant_ID\tAge\tSEX\tcomment\nA\t8\tF\t5 µV\n sub-B \t9\tM\t\t\n".encode("cp1252")
    )
    windows = read_bids(folder.root, task=Task("age", "age", "years"))
    assert sorted(set(zip(windows.subjects, windows.targets, windows.table["sex"], strict=True))) == [
        ("sub-A", 8.0, "F"), ("sub-B", 9.0, "M"),
    ]  # fmt: skip
    (problem,) = windows.problems
    assert "read as cp1252" in problem.reason


def test_an_unknown_release(folder):
    folder.write_participants({"A": ("R1", "F", "8"), "B": ("R13", "F", "8")})
    windows = read_bids(folder.root)
    problem = only_problem(windows)
    assert problem.reason == "unknown release 'R13' for 1 subject; HBN-EEG has R1 to R11"
    assert problem.action == "read without a release"
    assert windows.table["release"].tolist() == ["R1", "R1", None, None]


def test_text_where_an_age_belongs(folder):
    folder.write_participants({"A": ("R1", "F", "8"), "B": ("R1", "F", "eight")})
    windows = read_bids(folder.root)
    assert only_problem(windows).reason == "column age, sub-B: 'eight' is not a finite number"
    assert np.isnan(windows.table["age"].iloc[-1])


@pytest.mark.parametrize("age", ["-5", "999", "1e9"])
def test_an_age_that_nobody_has_is_missing(folder, age):
    folder.write_participants({"A": ("R1", "F", "8"), "B": ("R1", "F", age)})
    windows = read_bids(folder.root)
    problem = only_problem(windows)
    assert problem.reason == f"column age, sub-B: {float(age):g} is not an age in years"
    assert problem.action == "read as missing age"
    assert np.isnan(windows.table["age"].iloc[-1])
    ages = read_bids(folder.root, task=Task("age", "age", "years"))
    assert set(ages.subjects) == {"sub-A"}
    assert "no number in column age for 1 subject: sub-B" in ages.summary()


def test_a_target_that_is_far_from_all_others_is_missing(folder):
    rows = "".join(
        f"sub-{name}\t{value}\n" for name, value in zip("ABC", ("0.5", "-0.2", "-1e9"), strict=True)
    )
    (folder.root / "participants.tsv").write_text("participant_id\tscore\n" + rows)
    folder.add("C")
    windows = read_bids(folder.root, task=Task("score", "score", "a.u."))
    assert set(windows.targets) == {0.5, -0.2}
    reasons = [problem.reason for problem in windows.problems]
    assert "column score, sub-C: -1e+09 is more than 100,000 times the median" in reasons


@pytest.mark.parametrize(
    ("content", "reason"),
    [("", "participants.tsv is empty"), ("id\tage\nA\t8\n", "no column participant_id; found: id, age")],
)
def test_a_participants_table_that_cannot_be_used(folder, content, reason):
    (folder.root / "participants.tsv").write_text(content)
    assert only_problem(read_bids(folder.root)).reason == reason


@pytest.mark.parametrize("content", [b"", b'{"Simulated": tr', b"[]", b"\xff\xfe\x00"])
def test_a_description_that_cannot_be_read(folder, content):
    path = folder.root / "dataset_description.json"
    path.write_bytes(content)
    windows = read_bids(folder.root)
    problem = only_problem(windows)
    assert (problem.path, problem.lost) == (path, "nothing")
    assert problem.reason.startswith("is damaged: ")
    assert problem.action == "read as recorded data, not as simulated"
    assert not windows.simulated


def test_two_rows_for_one_subject(folder):
    folder.write_participants({"A": ("R1", "F", "8"), "B": ("R1", "F", "8")})
    with (folder.root / "participants.tsv").open("a") as file:
        file.write("sub-A\tR2\tM\t9\tn/a\n")
    windows = read_bids(folder.root)
    assert only_problem(windows).reason == "sub-A has more than one row"
    assert windows.table["release"].iloc[0] == "R1"


def test_many_problems_are_all_counted(folder):
    events_of(folder.add("C", run=1)).unlink()
    folder.add("C", run=2, seconds=12.0)
    folder.add("C", run=3, sfreq=200.0)
    windows = read_bids(folder.root)
    assert len(windows.problems) == 3
    assert "2 problems and 1 note (1 recording left out, 1 window dropped in 1)" in windows.summary()


def test_nothing_good_at_all_is_an_error_that_says_why(bids):
    for subject in "ABCDE":
        events_of(bids.add(subject)).unlink()
    with pytest.raises(SparseEEGError) as caught:
        read_bids(bids.root)
    message = str(caught.value)
    assert "no usable window in 5 recordings" in message
    assert "sub-A_task-contrastChangeDetection_run-1_events.tsv does not exist" in message
    assert "and " in message
    assert "\n" not in message


def test_notes_that_lose_no_eeg_are_no_problems(folder):
    folder.add("C", run=1, sfreq=200.0)
    folder.add("C", run=2, sfreq=200.0)
    assert read_bids(folder.root).summary(examples=0).endswith("; 2 notes")
    assert count([Problem(Path("a"), "x", "y", "channels", 2)]) == "1 note"
    assert count([Problem(Path("a"), "x", "y")]) == "1 problem"


def test_summarise_says_when_there_is_nothing():
    assert summarise([]) == "no problems"


def test_a_file_that_ends_its_reader_is_a_problem_like_others(folder):
    path = folder.add("C", extension=".set")
    content = bytearray(path.read_bytes())
    content[content.index(struct.pack("<II", 7, 4 * 2000 * 4))] = 8  # in MAT 5, 7 is float32 and 8 nothing
    path.write_bytes(content)
    problem = only_problem(read_bids(folder.root))
    assert problem.path == path
    assert "the process that reads it crashes" in problem.reason
