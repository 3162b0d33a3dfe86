"""People of several data sets: the same names are the same people, or not, by what is known of them."""

import json

import numpy as np
import pytest

from helpers.bids_folder import BidsFolder
from helpers.epochs_file import write_epochs
from sparseeg.data.bids.description import NAME
from sparseeg.data.people import Person, name_people, named_as, people_in
from sparseeg.data.read_bids import read_bids
from sparseeg.data.store import open_store
from sparseeg.data.store.prepare import prepare
from sparseeg.errors import SparseEEGError
from sparseeg.experiments.run import load_windows
from sparseeg.training.config import DataConfig

LAB_A = {"01": ("n/a", "F", "23"), "02": ("n/a", "M", "31")}
LAB_B = {"01": ("n/a", "M", "40"), "02": ("n/a", "F", "27")}


def laboratory(root, name: str | None, people: dict, seed: int = 0, runs=(1,)) -> BidsFolder:
    """A data set of two subjects whose samples are its own."""
    folder = BidsFolder(root)
    content = {"BIDSVersion": "1.9.0"} | ({} if name is None else {"Name": name})
    (root / NAME).write_text(json.dumps(content))
    folder.write_participants(people)
    for subject in people:
        for run in runs:
            folder.add(subject, run=run, seed=seed)
    return folder


def person(subject: str, dataset: str | None, age: float | None = None, sex: str | None = None) -> Person:
    return Person(subject, subject, dataset, age, sex)


def names(*people: Person) -> list[str]:
    return [one.name for one in name_people(people)[0]]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (("Lab A", 23.0, "F"), ("Lab B", 40.0, "M"), False),
        (("Lab A", 23.0, "F"), ("Lab B", 23.0, "M"), False),
        (("Lab A", None, None), ("Lab B", None, None), False),
        (("Lab A", 23.0, "F"), ("Lab B", None, None), False),
        (("Lab A", 23.0, "F"), ("Lab A", 40.0, "M"), True),  # one data set is one data set
        (("Lab A", 23.5, "F"), ("Lab A, rest", 23.5, "F"), True),
        (("Lab A", 23.4, "F"), ("Lab A, rest", 23.0, "female"), True),  # rounded, and in words
        (("Lab A", 23.4, "F"), ("Lab A, rest", 25.0, "female"), False),
        (
            ("oddball (folder)", None, None),
            ("rest (folder)", None, None),
            True,
        ),
        (("oddball (folder)", 23.0, "F"), ("rest (folder)", 40.0, "F"), False),
        (("Lab A", None, None), ("rest (folder)", None, None), True),
        ((None, 23.0, "F"), ("Lab B", 40.0, "M"), True),  # a store of an earlier version
        (("Lab A", None, None), ("Clean (derivative)", None, None), True),
        (("Lab A", 23.0, "F"), ("Clean (derivative)", None, None), True),
        (("Lab A", 23.0, "F"), ("Lab A (derivative)", 24.5, "F"), True),
        (("Lab A", 23.0, "F"), ("Lab B (derivative)", 40.0, "M"), False),
    ],
)
def test_two_with_one_name(one, other, same):
    first, second = (person("sub-01", *about) for about in (one, other))
    expected = ["sub-01"] * 2 if same else [f"{one[0]}/sub-01", f"{other[0]}/sub-01"]
    assert names(first, second) == expected


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("F", "2"),
        ("M", "1"),
        ("1", "2"),
        ("w", "F"),
        ("Weiblich", "female"),
        ("m", "Man"),
        ("O", "F"),
        ("F", "NA"),
        ("nan", "M"),
        ("unknown", "male"),
        ("H", "M"),  # hombre
        ("mujer", "F"),
        ("Femme", "Frau"),
        ("woman", "girl"),
    ],
)
def test_a_code_for_sex_in_other_words_makes_no_other_person(one, other):
    for first, second in ((one, other), (other, one)):
        people = (person("sub-01", "Lab A", 23.0, first), person("sub-01", "Lab B", 23.0, second))
        assert names(*people) == ["sub-01"] * 2


def test_m_beside_h_means_mujer():
    people = [person("sub-01", "A", 23.0, "M"), person("sub-02", "A", 25.0, "H")]
    people += [person("sub-01", "B", 23.0, "F"), person("sub-02", "B", 25.0, "M")]
    assert names(*people) == ["sub-01", "sub-02"] * 2


@pytest.mark.parametrize(("one", "other"), [("w", "M"), ("female", "Mann"), ("F", "male"), ("boy", "girl")])
def test_a_sex_that_is_understood_tells_people_apart(one, other):
    people = (person("sub-01", "Lab A", 23.0, one), person("sub-01", "Lab B", 23.0, other))
    assert names(*people) == ["Lab A/sub-01", "Lab B/sub-01"]


def test_codes_that_are_not_understood_are_said():
    people = (person("sub-01", "Lab A", 23.0, "F"), person("sub-01", "Lab B", 23.0, "2"))
    (note,) = name_people(people)[1]
    assert "read as the same people: their ages agree, their sexes can't be compared ('F' and '2')" in note


def test_one_who_differs_tells_all_apart_and_those_in_one_data_set_keep_their_names():
    people = [person("sub-01", "A", 23.0), person("sub-02", "A", 30.0), person("sub-03", "A", 33.0)]
    people += [person("sub-01", "B", 23.0), person("sub-02", "B", 31.0)]
    assert names(*people) == ["A/sub-01", "A/sub-02", "sub-03", "B/sub-01", "B/sub-02"]


def test_subjects_of_hbn_are_one_person_in_all_releases():
    people = [person("sub-NDARAA075AMK", "HBN R1", 9.0), person("sub-NDARAA075AMK", "HBN R2", 9.5)]
    assert names(*people) == ["sub-NDARAA075AMK"] * 2


def test_one_person_in_two_data_sets_has_one_name_beside_a_third():
    people = [person("sub-01", "A", 23.0), person("sub-01", "A, rest", 23.0), person("sub-01", "B", 40.0)]
    assert names(*people) == ["A/sub-01", "A/sub-01", "B/sub-01"]
    assert names(*people[::-1]) == ["B/sub-01", "A, rest/sub-01", "A, rest/sub-01"]


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (0, 2, 1)])
def test_one_who_may_be_either_of_two_people_is_refused(order):
    sets = ("A", "B", "Clean (derivative)")
    people = [person("sub-01", sets[number]) for number in order]
    with pytest.raises(
        SparseEEGError, match=r"sub-01 of Clean \(derivative\) may be sub-01 of [AB] or of [AB]"
    ):
        name_people(people)


def derivative(root, of: BidsFolder, name: str | None = "Clean", described: dict | None = None) -> BidsFolder:
    """A filtered copy of a data set, as its description says."""
    folder = laboratory(root, name, LAB_A, seed=1)
    content = json.loads((root / NAME).read_text())
    content |= {"DatasetType": "derivative", "SourceDatasets": [{"URL": str(of.root)}]}
    (root / NAME).write_text(json.dumps(content if described is None else content | described))
    folder.write_participants({})
    return folder


DESCRIPTIONS = [
    {},
    {"SourceDatasets": None},
    {"DatasetType": None},
    {"DatasetType": "raw", "SourceDatasets": None, "PipelineDescription": {"Name": "filter"}},
]


@pytest.mark.parametrize("described", DESCRIPTIONS)
def test_a_derivative_has_the_people_of_its_data_set_and_no_new_recordings(tmp_path, described):
    raw = laboratory(tmp_path / "raw", "Lab A", LAB_A)
    clean = derivative(tmp_path / "clean", raw, described=described)
    data = DataConfig(path=(str(raw.root), str(clean.root)))
    with pytest.raises(SparseEEGError, match=r"both hold sub-01_task-\w+_run-1_eeg of sub-01; give each"):
        load_windows(data)
    for file in sorted(clean.root.rglob("*run-1_*")):
        file.rename(file.with_name(file.name.replace("run-1_", "run-1_desc-clean_")))
    with pytest.raises(SparseEEGError, match=r"both hold sub-01_task-\w+_run-1_eeg of sub-01; give each"):
        load_windows(data)
    for file in sorted(clean.root.rglob("*run-1_*")):
        file.rename(file.with_name(file.name.replace("run-1_", "run-2_")))
    notes: list[str] = []
    assert set(load_windows(data, report=notes.append).subjects) == {"sub-01", "sub-02"}
    assert any("read as the same people: Clean (derivative) is a derivative" in note for note in notes)


def test_a_folder_named_derivatives_holds_derivatives(tmp_path):
    raw = laboratory(tmp_path / "raw", "Lab A", LAB_A)
    clean = laboratory(tmp_path / "raw" / "derivatives" / "clean", "Clean", LAB_A, seed=1)
    clean.write_participants({})
    with pytest.raises(SparseEEGError, match=r"both hold sub-01_task-\w+_run-1_eeg of sub-01"):
        load_windows(DataConfig(path=(str(raw.root), str(clean.root))))


def test_a_derivative_in_one_folder_with_its_data_set_is_left_out(tmp_path):
    raw = laboratory(tmp_path / "all" / "raw", "Lab A", LAB_A)
    clean = derivative(tmp_path / "all" / "raw_clean", raw)
    for file in sorted(clean.root.rglob("*run-1_*")):
        file.rename(file.with_name(file.name.replace("run-1_", "run-1_desc-clean_")))
    windows = read_bids(tmp_path / "all")
    assert windows.subjects.tolist() == ["sub-01"] * 2 + ["sub-02"] * 2
    lost = [problem for problem in windows.problems if problem.lost == "recording"]
    assert [problem.path.name for problem in lost] == [
        f"sub-0{number}_task-contrastChangeDetection_run-1_desc-clean_eeg.bdf" for number in (1, 2)
    ]
    assert "of the same person is already in raw" in lost[0].reason


def test_two_versions_of_a_recording_in_one_data_set_are_refused(tmp_path):
    folder = laboratory(tmp_path, "Lab A", LAB_A)
    file = folder.add("01", run=2)
    for version in sorted(file.parent.glob("*run-2_*")):
        version.rename(version.with_name(version.name.replace("run-2_", "run-1_desc-clean_")))
    with pytest.raises(
        SparseEEGError, match=r"run-1_desc-clean and sub-01_\w+-\w+_run-1 are versions of one"
    ):
        read_bids(tmp_path)


def test_two_laboratories_in_one_folder_are_four_people(tmp_path):
    laboratory(tmp_path / "all" / "a", "Lab A", LAB_A)
    laboratory(tmp_path / "all" / "b", "Lab B", LAB_B, seed=1)
    expected = ["Lab A/sub-01"] * 2 + ["Lab A/sub-02"] * 2 + ["Lab B/sub-01"] * 2 + ["Lab B/sub-02"] * 2
    read, prepared = read_bids(tmp_path / "all"), prepare(tmp_path / "all", tmp_path / "store")
    for windows in (read, prepared, open_store(tmp_path / "store")):
        assert windows.subjects.tolist() == expected
        assert windows.table["dataset"].tolist() == ["Lab A"] * 4 + ["Lab B"] * 4
        assert windows.table["age"].tolist() == [23.0] * 2 + [31.0] * 2 + [40.0] * 2 + [27.0] * 2
        (problem,) = windows.problems
        assert "2 subjects: sub-01, sub-02, read as different people: their ages" in problem.reason


@pytest.mark.parametrize("name", ["Lab A", "Lab A, second session"])
def test_a_recording_in_two_folders_is_read_from_the_first(tmp_path, name):
    laboratory(tmp_path / "all" / "a", "Lab A", LAB_A)
    laboratory(tmp_path / "all" / "b", name, LAB_A, seed=1)
    windows = read_bids(tmp_path / "all")
    assert windows.subjects.tolist() == ["sub-01"] * 2 + ["sub-02"] * 2
    said = "sub-01_task-contrastChangeDetection_run-1 of the same person is already in a; if it is another"
    assert sum(said in problem.reason for problem in windows.problems) == 1


@pytest.mark.parametrize("name", ["Lab A", "Lab A, second session"])
def test_other_recordings_of_one_person_are_read_from_all_folders(tmp_path, name):
    """As if the folders were given one by one."""
    a = laboratory(tmp_path / "all" / "a", "Lab A", LAB_A)
    b = laboratory(tmp_path / "all" / "b", name, LAB_A, seed=1, runs=(2,))
    together = read_bids(tmp_path / "all")
    assert together.subjects.tolist() == (["sub-01"] * 2 + ["sub-02"] * 2) * 2
    assert [problem for problem in together.problems if problem.lost != "nothing"] == []
    apart = load_windows(DataConfig(path=(str(a.root), str(b.root))))
    assert apart.subjects.tolist() == together.subjects.tolist()
    np.testing.assert_array_equal(apart.gather(range(8)), together.gather(range(8)))


@pytest.mark.parametrize("runs", [(1,), (2,)])
def test_folders_that_are_called_alike_are_two_data_sets(tmp_path, runs):
    a = laboratory(tmp_path / "lab1" / "bids", None, LAB_A).root
    b = laboratory(tmp_path / "lab2" / "bids", None, LAB_B, seed=1, runs=runs).root
    notes: list[str] = []
    both = load_windows(DataConfig(path=(str(a), str(b))), report=notes.append)
    people = [f"{lab}/bids (folder)/sub-0{number}" for lab in ("lab1", "lab2") for number in (1, 2)]
    assert list(dict.fromkeys(both.subjects)) == people
    (note,) = notes
    assert note.startswith(
        "lab1/bids (folder) and lab2/bids (folder) both have 2 subjects: sub-01, sub-02, read as different"
    )
    prepare(a, tmp_path / "store")
    stored = load_windows(DataConfig(path=(str(tmp_path / "store"), str(b))))
    assert stored.subjects.tolist() == both.subjects.tolist()
    alone = load_windows(DataConfig(path=(str(a),)))
    assert alone.table["dataset"].unique().tolist() == ["bids (folder)"]


def test_several_data_sets_are_told_apart(tmp_path):
    a = laboratory(tmp_path / "a", "Lab A", LAB_A).root
    b = laboratory(tmp_path / "b", "Lab B", LAB_B, seed=1).root
    notes: list[str] = []
    both = load_windows(DataConfig(path=(str(a), str(b))), report=notes.append)
    assert sorted(set(both.subjects)) == ["Lab A/sub-01", "Lab A/sub-02", "Lab B/sub-01", "Lab B/sub-02"]
    assert any("Lab A and Lab B both have 2 subjects" in note for note in notes)
    assert both.people == "sub-XX in the names"
    alone = load_windows(DataConfig(path=(str(a),)))
    assert set(alone.subjects) == {"sub-01", "sub-02"}
    prepare(b, tmp_path / "store")  # the store knows its data set
    stored = load_windows(DataConfig(path=(str(a), str(tmp_path / "store"))))
    assert stored.subjects.tolist() == both.subjects.tolist()


@pytest.mark.parametrize("name", ["[Unspecified]", "n/a", "Untitled", " "])
def test_what_programs_write_for_no_name_is_none(tmp_path, name):
    for number, people in ((1, LAB_A), (2, LAB_B)):
        laboratory(tmp_path / f"lab{number}", name, people, seed=number)
    said: list[str] = []
    windows = load_windows(
        DataConfig(path=[str(tmp_path / "lab1"), str(tmp_path / "lab2")]), report=said.append
    )
    assert set(windows.table["dataset"]) == {"lab1 (folder)", "lab2 (folder)"}
    assert len(set(windows.subjects)) == 4  # their ages differ
    assert "their ages or sexes differ" in said[0]


def test_subjects_of_one_name_in_two_folders_of_one_data_set_are_said(tmp_path):
    for number, (people, runs) in enumerate(((LAB_A, (1,)), (LAB_B, (2,))), start=1):
        laboratory(tmp_path / f"lab{number}", "Lab", people, seed=number, runs=runs)
    said: list[str] = []
    windows = load_windows(
        DataConfig(path=[str(tmp_path / "lab1"), str(tmp_path / "lab2")]), report=said.append
    )
    assert len(set(windows.subjects)) == 2
    assert "both have 2 subjects: 01, 02, read as the same people" in said[0].replace("sub-", "")
    assert "both data sets are called Lab; if they are not the same" in said[0]


def test_several_data_sets_of_the_same_people_are_joined(tmp_path):
    a = laboratory(tmp_path / "a", "Lab A", LAB_A).root
    rest = laboratory(tmp_path / "rest", "Lab A, rest", LAB_A, seed=1, runs=(2,)).root
    both = load_windows(DataConfig(path=(str(a), str(rest))))
    assert set(both.subjects) == {"sub-01", "sub-02"}
    assert len(both) == 8
    same = laboratory(tmp_path / "again", "Lab A, again", LAB_A, seed=2).root
    with pytest.raises(
        SparseEEGError, match="both hold sub-01_task-contrastChangeDetection_run-1_eeg of sub-01"
    ):
        load_windows(DataConfig(path=(str(a), str(same))))


def test_epochs_in_folders_without_a_name_are_the_same_people_and_it_is_said(tmp_path):
    for folder in ("odd", "rest"):
        write_epochs(tmp_path / folder / f"sub-01_task-{folder}_epo.fif")
    data = DataConfig(path=(str(tmp_path / "odd"), str(tmp_path / "rest")), target="rt", target_unit="ms")
    notes: list[str] = []
    assert set(load_windows(data, report=notes.append).subjects) == {"sub-01"}
    (note,) = [note for note in notes if "read as the same people: nothing tells them apart" in note]
    assert note.startswith("odd (folder) and rest (folder) both have 1 subject: sub-01")
    assert "./" not in note
    for folder in ("odd", "rest"):
        (tmp_path / folder / NAME).write_text(json.dumps({"Name": f"Lab {folder}"}))
    assert set(load_windows(data).subjects) == {"Lab odd/sub-01", "Lab rest/sub-01"}


def test_subjects_of_two_folders_of_one_name_without_ages_are_the_same_people_and_it_is_said(tmp_path):
    for lab in ("a", "b"):
        write_epochs(tmp_path / lab / "epochs" / f"sub-01_task-{lab}_epo.fif")
    paths = tuple(str(tmp_path / lab / "epochs") for lab in ("a", "b"))
    notes: list[str] = []
    data = DataConfig(path=paths, target="rt", target_unit="ms")
    assert set(load_windows(data, report=notes.append).subjects) == {"sub-01"}
    (note,) = [note for note in notes if "read as the same people" in note]
    assert note.startswith("a/epochs (folder) and b/epochs (folder) both have 1 subject: sub-01")
    assert "give both data sets a Name in dataset_description.json" in note


def test_a_data_set_that_is_named_by_its_folder_looks_like_no_path(tmp_path):
    laboratory(tmp_path / "all" / "a", None, LAB_A)
    laboratory(tmp_path / "all" / "b", None, LAB_B, seed=1)
    windows = read_bids(tmp_path / "all")
    assert set(windows.subjects) == {
        *("a (folder)/sub-01", "a (folder)/sub-02"),
        *("b (folder)/sub-01", "b (folder)/sub-02"),
    }
    named, _ = named_as(read_bids(tmp_path / "all" / "b"), people_in(windows))
    assert set(named.subjects) == {"b (folder)/sub-01", "b (folder)/sub-02"}


def test_windows_are_named_as_the_people_of_a_run(tmp_path):
    a = laboratory(tmp_path / "a", "Lab A", LAB_A).root
    b = laboratory(tmp_path / "b", "Lab B", LAB_B, seed=1).root
    both = load_windows(DataConfig(path=(str(a), str(b))))
    alone = read_bids(b)
    named, _ = named_as(alone, people_in(both))
    assert set(named.subjects) == {"Lab B/sub-01", "Lab B/sub-02"}
    assert np.array_equal(named.targets, alone.targets)
    named, _ = named_as(alone, people_in(read_bids(a)))
    assert set(named.subjects) == {"Lab B/sub-01", "Lab B/sub-02"}
    named, _ = named_as(alone, people_in(alone))
    assert set(named.subjects) == {"sub-01", "sub-02"}
    named, _ = named_as(alone, [person("sub-01", None), person("sub-02", "Lab A")])
    assert set(named.subjects) == {"sub-01", "Lab B/sub-02"}
