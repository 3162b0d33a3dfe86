"""Whose epochs a file holds: people that are known, in every way in which laboratories name files."""

from pathlib import Path

import pytest

from helpers.epochs_file import write_epochs
from sparseeg.data.epochs.people import find_people
from sparseeg.data.epochs.read import read_epochs
from sparseeg.errors import SparseEEGError


def people(*names: str, pattern: str | None = None, root: str = "data") -> list[str]:
    files = [Path(root) / f"{name}.fif" for name in names]
    found = find_people(Path(root), files, pattern)
    return [found.of[file] for file in files]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        # BIDS entities, in folders and in names.
        (["sub-01_task-P3_epo", "sub-02-epo"], ["sub-01", "sub-02"]),
        (["sub-01/ses-1_task-x_epo", "sub-02/ses-1_task-x_epo"], ["sub-01", "sub-02"]),
        (["sub-01/ses-1/eeg/task-x_epo", "sub-01/ses-2/eeg/task-x_epo"], ["sub-01"] * 2),
        (["sub-01_ses-1_epo", "sub-01_ses-2_epo", "sub-02_ses-1_epo"], ["sub-01", "sub-01", "sub-02"]),
        (["sub-01/sub-01_run-1-epo", "sub-01/sub-01_run-2-epo"], ["sub-01"] * 2),
        (["sub-01/ses-1_epo", "sub-01_ses-2_epo", "ses-1/sub-02_epo"], ["sub-01", "sub-01", "sub-02"]),
        (["odd/sub-01_epo", "rest/sub-02_epo"], ["sub-01", "sub-02"]),
        (["study_sub-AB_epo", "study_sub-CD_epo"], ["sub-AB", "sub-CD"]),
        (["Sub-01_epo", "Sub-02_epo"], ["sub-01", "sub-02"]),
        (["sub-01_epo", "anna-epo"], ["sub-01", "anna"]),
        # The name of the file, without what counts recordings.
        (["P01_block1-epo", "P01_block2-epo", "P02_block1-epo"], ["P01", "P01", "P02"]),
        (["P01-run-1_epo", "P01-run-2_epo", "P02-run-1_epo"], ["P01", "P01", "P02"]),
        (["block1_P01-epo", "block2_P01-epo", "block1_P02-epo"], ["P01", "P01", "P02"]),
        (["ses-1_anna_task-x-epo", "ses-2_anna_task-x-epo", "ses-1_bob-epo"], ["anna", "anna", "bob"]),
        (["anna-epo", "bob-epo"], ["anna", "bob"]),
        (["07-epo", "12-epo"], ["07", "12"]),
        (["oddball_01_epo", "oddball_02_epo"], ["oddball_01", "oddball_02"]),
        (["P01_block1-epo"], ["P01"]),
        # The folder, where files are only counted.
        (
            ["anna/session1/run1-epo", "anna/session1/run2-epo", "bob/session1/run1-epo"],
            ["anna", "anna", "bob"],
        ),
        (["P01/oddball-epo", "P02/oddball-epo"], ["P01_oddball", "P02_oddball"]),
        (["epochs/anna-epo", "epochs/bob-epo"], ["anna", "bob"]),
        # A numbered word for a person.
        (["subject1_a-epo", "subject1_b-epo", "subject2_a-epo"], ["subject1", "subject1", "subject2"]),
        (["participant_3/rest-epo", "participant_4/rest-epo"], ["participant_3", "participant_4"]),
        (["study/subject1_a-epo", "study/subject2_b-epo"], ["subject1", "subject2"]),
        (["session1/vp1-epo", "session2/vp1-epo"], ["vp1", "vp1"]),
        (["lab1/subject1-epo", "lab2/subject2-epo"], ["subject1", "subject2"]),
        (["study_P01-epo", "study_P02-epo"], ["study_P01", "study_P02"]),
        (["sub-01/subject1_run1-epo", "sub-02/subject02_run1-epo"], ["sub-01", "sub-02"]),
    ],
)
def test_people_are_those_that_a_reader_finds(names, expected):
    assert people(*names) == expected


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["P01_oddball-epo", "P01_rest-epo", "P02_oddball-epo"], "files that share"),
        (["anna_1-epo", "anna_2-epo", "bob_1-epo"], "files that share"),
        (["anna1-epo", "anna2-epo", "bob1-epo"], "files that share 'anna'"),
        (["AB12_Sitzung1-epo", "AB12_Sitzung2-epo", "IJ90_Sitzung1-epo", "IJ90_Sitzung2-epo"], "'IJ90'"),
        (["pre01-epo", "post01-epo", "pre02-epo", "post02-epo"], "files that share"),
        (["pre/P01-epo", "post/P01-epo", "pre/P02-epo"], "files that share"),
        (["anna/rec001-epo", "anna/rec002-epo", "bob/rec003-epo"], "files that share 'anna'"),
        (["anna_oddball-epo", "anna_rest-epo"], "all files are of one person"),
        (["P01_1-epo", "P01_2-epo"], "all files are of one person"),
        (["anna-epo", "anna_2-epo"], "names that differ in this way"),
        (["P01a-epo", "P01b-epo"], "all files are of one person"),
        (["anna_part1-epo", "anna_part2-epo"], "all files are of one person"),
        (["block1-epo", "block2-epo"], "block1 names a recording, but no person"),
        (["p01_block1-epo", "P1_block2-epo"], "names that differ in this way"),
        (["sub-01/sub-02_epo", "sub-03_epo"], "names sub-01 and sub-02"),
        (["siteA/sub-01_epo", "siteB/sub-01_epo"], "siteA/sub-01 and siteB/sub-01 may be one person or two"),
        (["siteA/sub-01/ses-1_epo", "sub-01/ses-1_epo"], "siteA/sub-01 and sub-01 may be one person or two"),
        (["pre_sub-01_epo", "post_sub-01_epo"], "pre_sub-01 and post_sub-01 may be one person or two"),
        (["lab1/subject1_epo", "lab2/subject1_epo"], "lab1/subject1 and lab2/subject1 may be one person or"),
        (["control_subject1-epo", "patient_subject1-epo"], "control_subject1 and patient_subject1 may be"),
        (["siteA_vp1-epo", "siteB_vp1-epo"], "siteA_vp1 and siteB_vp1 may be one person or two"),
        (["lab1/anna-epo", "lab2/anna-epo"], "all files are of one person"),
        (["subject1/subject2-epo", "subject3/subject3-epo"], "names subject1 and subject2"),
        (["sub-01/subject2_run1-epo", "sub-02/run1-epo"], "names sub-01 and subject2"),
        # Words that count recordings, or people.
        (["rec1-epo", "rec2-epo", "rec3-epo"], "or they are recordings of one person"),
        (["recording_1-epo", "recording_2-epo"], "or they are recordings of one person"),
        (["epochs_1-epo", "epochs_2-epo", "epochs_3-epo"], "or they are recordings of one person"),
        (["data_1-epo", "data_2-epo"], "or they are recordings of one person"),
        (["eeg/data1-epo", "eeg/data2-epo"], "or they are recordings of one person"),
        (["part1-epo", "part2-epo"], "or they are recordings of one person"),
        (["trial1-epo", "trial2-epo"], "or they are recordings of one person"),
        (["anna_rec1-epo", "anna_rec2-epo"], "all files are of one person"),
        (["sub-01-02_epo", "sub-01-03_epo"], "may be of sub-01 or of sub-01-02"),
        (["sub-1_epo", "sub-01_epo"], "sub-1 and sub-01 may be one person or two"),
        (["sub-01_epo", "01_epo"], "sub-01 and 01 may be one person or two"),
        (["subject1_a-epo", "subject01_b-epo"], "may be one person or two"),
    ],
)
def test_names_that_can_be_read_in_two_ways_are_refused_with_both_and_the_option(names, words):
    with pytest.raises(SparseEEGError, match="it is not clear whose epochs these are") as refused:
        people(*names)
    assert words in str(refused.value)
    assert "--subject-pattern" in str(refused.value)


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [(r"P\d+", ["P01", "P01", "P02"]), (r"P0*(\d+)_", ["1", "1", "2"])],
)
def test_a_pattern_says_who_it_is(pattern, expected):
    names = ["P01_oddball-epo", "P01_rest-epo", "P02_oddball-epo"]
    assert people(*names, pattern=pattern) == expected


def test_a_pattern_joins_or_tells_apart_what_is_in_several_folders():
    names = ["siteA/sub-01_epo", "siteB/sub-01_epo"]
    assert people(*names, pattern="sub-[^_/]+") == ["sub-01", "sub-01"]
    assert people(*names, pattern=".*sub-[^_/]+") == ["siteA_sub-01", "siteB_sub-01"]


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("Q", "finds no person in P01_oddball"),
        ("P0|odd", "finds P0 and odd in P01_oddball"),
        ("(", "no regular expression"),
    ],
)
def test_a_pattern_that_finds_nobody_or_two_is_refused(pattern, words):
    with pytest.raises(SparseEEGError, match="--subject-pattern") as refused:
        people("P01_oddball-epo", pattern=pattern)
    assert words in str(refused.value)


def test_the_folder_of_one_person_names_them(tmp_path):
    root = tmp_path / "sub-07" / "ses-1"
    assert people("run-1_epo", "run-2_epo", root=str(root)) == ["sub-07"] * 2
    assert people("anna-epo", "bob-epo", root=str(root)) == ["anna", "bob"]


def test_a_file_of_somebody_else_in_the_folder_of_one_person_is_refused(tmp_path):
    root = tmp_path / "sub-07" / "ses-1"
    assert people("sub-07_run-1_epo", root=str(root)) == ["sub-07"]
    with pytest.raises(SparseEEGError, match="sub-08 names sub-08, but is in the folder sub-07"):
        people("sub-07_epo", "sub-08_epo", root=str(root))


def test_a_pattern_reads_recordings_as_those_of_one_person_or_of_several():
    names = ["rec1-epo", "rec2-epo"]
    assert people(*names, pattern="rec") == ["rec", "rec"]
    assert people(*names, pattern=r"rec\d") == ["rec1", "rec2"]


def test_windows_say_who_was_found_and_how(tmp_path):
    for number, name in enumerate(("P01_block1", "P01_block2", "P02_block1")):
        write_epochs(tmp_path / f"{name}-epo.fif", rt=(300.0 + number, 450.0, 700.0))
    windows = read_epochs(tmp_path, target="rt")
    assert windows.subjects.tolist() == ["P01"] * 6 + ["P02"] * 3
    assert "2 subjects: P01, P02 (found by the names of files)" in windows.summary()
    chosen = read_epochs(tmp_path, target="rt", subject_pattern=r"block\d")
    assert set(chosen.subjects) == {"block1", "block2"}
    assert r"2 subjects: block1, block2 (found by the pattern block\d)" in chosen.summary()
