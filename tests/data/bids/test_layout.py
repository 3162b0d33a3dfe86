"""Which sidecars apply to a recording: the inheritance principle of BIDS, case by case."""

import json
from pathlib import Path

import pytest

from helpers.bids_folder import BidsFolder
from sparseeg.data.bids.layout import BidsFile, bids_file, recordings
from sparseeg.data.problems import Problem
from sparseeg.data.read_bids import read_bids
from sparseeg.errors import SparseEEGError


@pytest.fixture
def file(tmp_path: Path) -> BidsFile:
    folder = tmp_path / "sub-01" / "ses-a" / "eeg"
    folder.mkdir(parents=True)
    path = folder / "sub-01_ses-a_task-x_run-1_eeg.bdf"
    path.touch()
    return BidsFile(path, tmp_path)


def add(path: Path, content: str = "name\ttype\nCz\tEEG\n") -> Path:
    path.write_text(content)
    return path


def test_the_nearest_file_whose_entities_are_all_the_recordings_applies(file):
    root, own = file.root, file.path.parent / "sub-01_ses-a_task-x_run-1_channels.tsv"
    assert file.sidecar("channels.tsv") == own  # where it would be
    for name in ("task-y", "sub-02_task-x", "old", "task-x_old", "run-11", "sub-01_acq-a"):
        add(root / f"{name}_channels.tsv")
        assert file.sidecar("channels.tsv") == own, name
    applying = [
        add(path)
        for path in (
            root / "channels.tsv",
            root / "task-x_channels.tsv",
            root / "sub-01" / "sub-01_channels.tsv",
            root / "sub-01" / "ses-a" / "sub-01_ses-a_task-x_channels.tsv",
            file.path.parent / "sub-01_ses-a_task-x_channels.tsv",
            own,
        )
    ]
    for count, path in enumerate(applying, start=1):
        assert path in file.sidecars("channels.tsv")
        assert file.sidecars("channels.tsv") == applying[::-1], count
    for number in range(len(applying) - 1, -1, -1):
        assert file.sidecar("channels.tsv") == applying[number]
        applying[number].unlink()


def test_a_link_to_missing_content_hides_no_other_file(file):
    add(file.root / "channels.tsv")
    own = file.path.parent / "sub-01_ses-a_task-x_run-1_channels.tsv"
    own.symlink_to("nothing.tsv")
    assert file.sidecar("channels.tsv") == own
    with pytest.raises(SparseEEGError, match=r"is a link to a missing file, nothing\.tsv"):
        file.table("channels.tsv", (), [])


def test_no_folder_above_the_root_counts(file):
    add(file.root / "task-x_channels.tsv")
    inner = BidsFile(file.path, file.root / "sub-01")
    assert not inner.sidecar("channels.tsv").exists()
    assert bids_file(file.path) == file
    assert bids_file(file.root / "a_eeg.bdf").root == file.root


def test_json_fields_are_merged_from_the_root_down(file):
    (file.root / "task-x_eeg.json").write_text(json.dumps({"a": 1, "b": 1, "c": 1}))
    (file.root / "sub-01" / "sub-01_eeg.json").write_text(json.dumps({"b": 2, "c": 2}))
    (file.path.with_suffix(".json")).write_text(json.dumps({"c": 3}))
    (file.root / "task-y_eeg.json").write_text(json.dumps({"a": 9}))
    assert file.metadata("eeg.json") == {"a": 1, "b": 2, "c": 3}


def test_two_tables_that_apply_alike_are_refused_and_one_beside_the_recording_decides(file):
    for name in ("sub-01_task-x", "sub-01_run-1"):
        add(file.root / f"{name}_channels.tsv")
    problems: list[Problem] = []
    with pytest.raises(
        SparseEEGError, match=r"sub-01_run-1_channels\.tsv and sub-01_task-x_channels\.tsv in"
    ):
        file.table("channels.tsv", (), problems)
    add(file.path.parent / "sub-01_ses-a_task-x_run-1_channels.tsv", "name\tTYPE\nFz\tEEG\n")
    assert file.table("channels.tsv", ("type",), problems)["type"].tolist() == ["EEG"]
    assert problems == []


def test_notes_on_a_table_become_problems(file):
    path = file.root / "channels.tsv"
    path.write_bytes("name\tunits\nCz\tµV\n".encode("latin-1"))
    problems: list[Problem] = []
    assert file.table("channels.tsv", (), problems)["units"].tolist() == ["µV"]
    (problem,) = problems
    assert (problem.path, problem.lost) == (path, "nothing")
    assert "read as cp1252" in problem.reason


def test_events_and_channels_at_the_root_apply_to_every_recording(tmp_path):
    bids = BidsFolder(tmp_path / "bids")
    names = ("Fz", "Cz", "Pz", "ECG")
    for subject in "AB":
        path = bids.add(subject, ch_names=names)
        events = BidsFile(path, bids.root).sidecar("events.tsv")
        shared = events.read_text()
        events.unlink()
    (bids.root / "task-contrastChangeDetection_events.tsv").write_text(shared)
    types = "".join(f"{name}\t{'ECG' if name == 'ECG' else 'EEG'}\n" for name in names)
    (bids.root / "task-contrastChangeDetection_channels.tsv").write_text("name\ttype\n" + types)
    windows = read_bids(bids.root)
    assert windows.ch_names == names[:3]
    assert windows.table["subject"].tolist() == ["sub-A", "sub-A", "sub-B", "sub-B"]
    assert windows.targets.tolist() == pytest.approx([1.5, 0.8] * 2)


def names(root: Path) -> list[str]:
    return [file.path.name for file in recordings(root, ())]


def test_one_recording_in_several_formats_is_read_once(tmp_path):
    folder = tmp_path / "sub-01" / "eeg"
    folder.mkdir(parents=True)
    endings = ("mff", "raw", "cnt", "fif.gz", "fif", "VHDR", "Edf", "SET", "bdf")
    for ending in endings:
        (folder / f"sub-01_task-x_eeg.{ending}").touch()
        assert names(tmp_path) == [f"sub-01_task-x_eeg.{ending}"]


def test_parts_of_a_split_fif_file_are_one_recording(tmp_path):
    folder = tmp_path / "sub-01" / "eeg"
    folder.mkdir(parents=True)
    for name in ("split-02", "split-01", "run-2_split-01"):
        (folder / f"sub-01_task-x_{name}_eeg.fif").touch()
    assert names(tmp_path) == ["sub-01_task-x_run-2_split-01_eeg.fif", "sub-01_task-x_split-01_eeg.fif"]


def test_recordings_in_formats_that_are_not_read_are_said(tmp_path):
    bids = BidsFolder(tmp_path)
    read = bids.add("A")
    read.with_suffix(".gdf").touch()  # read as BDF
    for ending in ("json", "eeg", "vmrk", "fdt"):
        read.with_suffix(f".{ending}").touch()
    other = read.with_name(read.name.replace("run-1", "run-2")).with_suffix(".gdf")
    other.touch()
    found = [problem for problem in read_bids(tmp_path).problems if problem.path == other]
    assert [problem.reason for problem in found] == [
        "its format is not read in a BIDS folder; convert it to EDF or BrainVision"
    ]
    assert not [
        problem for problem in read_bids(tmp_path).problems if problem.path.name.endswith("1_eeg.gdf")
    ]
