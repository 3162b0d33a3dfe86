"""Names such as sub-1 and sub-01: one rule for BIDS folders, epochs files and several data sets."""

from pathlib import Path

import pytest

from helpers.bids_folder import BidsFolder
from helpers.epochs_file import write_epochs
from sparseeg.data.bids.spelling import alike, plain
from sparseeg.data.epochs.read import read_epochs
from sparseeg.data.people import Person, name_people
from sparseeg.data.read_bids import read_bids, read_trials
from sparseeg.data.tasks import find_task
from sparseeg.errors import SparseEEGError

SAME = [("01", "1"), ("A1", "a1"), ("A01", "a1"), ("001", "01"), ("0A", "A"), ("S01x002", "s1X2")]
DIFFERENT = [
    ("1", "10"),
    ("01", "10"),
    ("A1", "B1"),
    ("100", "1"),
    ("NDARAA012ABC", "NDARAA112ABC"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_zeros_and_capitals_make_no_other_name(one: str, other: str) -> None:
    assert plain(f"sub-{one}") == plain(f"sub-{other}") == plain(other)
    assert alike([f"sub-{one}", "sub-99", f"sub-{one}", f"sub-{other}"]) == (f"sub-{one}", f"sub-{other}")


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_other_differences_make_another_name(one: str, other: str) -> None:
    assert alike([f"sub-{one}", f"sub-{other}", f"sub-{one}"]) is None


@pytest.mark.parametrize(("one", "other"), SAME)
def test_both_kinds_of_folder_refuse_them(one: str, other: str, tmp_path: Path) -> None:
    folder = BidsFolder(tmp_path / "bids")
    for subject in (one, other, "99"):
        folder.add(subject)
        write_epochs(tmp_path / "epochs" / f"sub-{subject}_epo.fif")
    said = f"(?:sub-{one} and sub-{other}|sub-{other} and sub-{one}) may be one person or two"
    for read in (
        lambda: read_bids(folder.root),
        lambda: read_bids(folder.root, task=find_task("pretraining")),
        lambda: read_trials(folder.root),
        lambda: read_epochs(tmp_path / "epochs", target="rt"),
    ):
        with pytest.raises(SparseEEGError, match=said):
            read()


def test_the_message_says_what_to_do(tmp_path: Path) -> None:
    folder = BidsFolder(tmp_path)
    for subject in ("01", "1"):
        folder.add(subject)
    with pytest.raises(SparseEEGError, match=r"Rename the folder and the files of one of them"):
        read_bids(tmp_path)


def test_a_file_of_somebody_else_in_the_folder_of_a_subject_is_refused(tmp_path: Path) -> None:
    folder = BidsFolder(tmp_path)
    for subject in ("01", "02"):
        file = folder.add(subject)
    for misplaced in sorted(file.parent.glob("sub-02*")):
        misplaced.rename(tmp_path / "sub-01" / "eeg" / misplaced.name)
    for read in (read_bids, read_trials):
        with pytest.raises(SparseEEGError, match=r"sub-02_task.* names sub-02, but is in the folder sub-01"):
            read(tmp_path)


def test_those_of_other_tasks_do_not_matter(tmp_path: Path) -> None:
    folder = BidsFolder(tmp_path)
    folder.add("01")
    folder.add("1", task="rest")
    assert set(read_bids(tmp_path).subjects) == {"sub-01"}


def test_several_data_sets_may_spell_them_differently_and_it_is_said() -> None:
    def people(*names: tuple[str, str | None]) -> list[Person]:
        return [Person(subject, subject, dataset) for subject, dataset in names]

    named, notes = name_people(people(("sub-01", "A"), ("sub-02", "A"), ("sub-1", "B"), ("sub-3", "B")))
    assert [person.name for person in named] == ["sub-01", "sub-02", "sub-1", "sub-3"]
    (note,) = notes
    assert "sub-01 (A) and sub-1 (B)" in note
    assert "write the names alike" in note
    _, notes = name_people(people(("sub-01", None), ("sub-1", "B")))
    assert "sub-01 and sub-1 (B)" in notes[0]
    assert name_people(people(("sub-01", "A"), ("sub-2", "B")))[1] == []
