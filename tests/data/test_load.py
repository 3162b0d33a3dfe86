"""One way in: paths are recognised, and what a new user gets wrong is said in one line."""

import zipfile
from functools import partial

import numpy as np
import pandas as pd
import pytest

from helpers.bids_folder import BidsFolder, contrast_events
from helpers.epochs_file import write_epochs
from sparseeg.data import load
from sparseeg.data.load import load_like
from sparseeg.data.store import store
from sparseeg.data.store.prepare import Options, prepare
from sparseeg.errors import SparseEEGError


def message(*args, **options) -> str:
    with pytest.raises(SparseEEGError) as caught:
        load(*args, **options)
    said = str(caught.value)
    assert "\n" not in said
    return said


def test_bids_epochs_and_stores_are_recognised(bids: BidsFolder, tmp_path):
    bids.add("A")
    from_bids = load(bids.root)
    store.save(from_bids, tmp_path / "store")
    from_store = load(str(tmp_path / "store"))
    assert np.array_equal(from_store.gather([0, 1]), from_bids.gather([0, 1]))
    write_epochs(tmp_path / "epochs" / "sub-01_epo.fif")
    from_epochs = load(tmp_path / "epochs", target="rt", target_unit="ms", tmin=0.0, tmax=0.5, sfreq=50.0)
    assert (len(from_epochs), from_epochs.n_times, from_epochs.target_unit) == (3, 25, "s")
    assert from_epochs.task.name == "rt"


def test_epochs_inside_a_bids_like_tree_are_epochs(tmp_path):
    write_epochs(tmp_path / "sub-01" / "eeg" / "sub-01_task-P3_epo.fif")
    (tmp_path / "dataset_description.json").write_text("{}")
    assert len(load(tmp_path, target="rt")) == 3


def test_a_path_that_does_not_exist(tmp_path):
    (tmp_path / "recordings").mkdir()
    said = message(tmp_path / "recording")
    assert said == f"{tmp_path / 'recording'} does not exist. Did you mean 'recordings'?"
    assert "Neither does" in message(tmp_path / "no" / "where")


def test_an_empty_folder(tmp_path):
    said = message(tmp_path)
    assert "looked for a store, a BIDS folder" in said
    assert said.endswith("found an empty folder")


def test_a_folder_of_other_files(tmp_path):
    for name in ("a.edf", "b.edf", "notes.txt"):
        (tmp_path / name).write_text("x")
    said = message(tmp_path)
    assert "found files ending in .edf (2), .txt (1). To train on recordings such as " in said
    assert "make a BIDS folder of them with mne-bids (mne_bids.write_raw_bids), or cut them" in said


def test_a_file_instead_of_a_folder(tmp_path):
    with zipfile.ZipFile(tmp_path / "data.zip", "w") as archive:
        archive.writestr("a", "b")
    assert message(tmp_path / "data.zip").endswith("Unpack it and name the folder")
    (tmp_path / "a_epo.fif").write_text("")
    assert message(tmp_path / "a_epo.fif").endswith(f"Name the folder that holds it, as {tmp_path}")


def test_one_subjects_folder_instead_of_the_data_set(bids):
    path = bids.add("A")
    said = message(path.parent.parent)
    assert said.endswith(f"Name the data set's folder, as {bids.root}")
    assert message(path.parent).endswith(f"Name the data set's folder, as {bids.root}")


def test_a_bids_folder_without_the_task(bids):
    bids.add("A", task="RestingState")
    bids.add("B", task="RestingState")
    bids.add("B", task="symbolSearch")
    said = message(bids.root)
    assert "no recording of the BIDS task contrastChangeDetection" in said
    assert "tasks found: RestingState (2), symbolSearch (1). For events of your own, make a store" in said
    assert said.endswith(f"sparseeg prepare {bids.root} --out STORE --stimulus NAME --response NAME")


def test_a_bids_folder_without_signals(bids):
    bids.add("A").unlink()
    assert (
        "no EEG recording of any task was found (.bdf, .set, .edf, .vhdr, .fif, .fif.gz, .cnt, .raw, .mff)"
        in message(bids.root)
    )


def test_another_task_or_target_than_a_bids_folder_has(bids):
    bids.add("A")
    said = message(bids.root, task="response-tme")
    assert "no subject with recordings has a number in the column 'response-tme' of participants.tsv" in said
    assert "Did you mean 'response-time'?" in said
    assert "decodes rt, not age" in message(bids.root, target="age")
    assert "leave out the unit 'ms'" in message(bids.root, target_unit="ms")
    assert len(load(bids.root, target="rt", target_unit="s")) == 2


def test_a_store_of_another_task(bids, tmp_path):
    bids.add("A")
    store.save(load(bids.root), tmp_path / "store")
    assert "of the task 'response-time', not 'externalizing'" in message(
        tmp_path / "store", task="externalizing"
    )


def test_a_store_cannot_follow_other_windows(bids, tmp_path):
    bids.add("A")
    store.save(load(bids.root), tmp_path / "store")
    assert len(load(tmp_path / "store", tmin=0.5, tmax=2.5, sfreq=100, target="rt", target_unit="s")) == 2
    for options in ({"tmin": 0.0}, {"tmax": 2.0}, {"sfreq": 50}, {"target": "age"}, {"target_unit": "ms"}):
        ((name, value),) = options.items()
        said = message(tmp_path / "store", **options)
        assert said.startswith(f"{tmp_path / 'store'} is a store: prepared with --{name.replace('_', '-')} ")
        assert f"asked for --{name.replace('_', '-')} {value}".removesuffix(".0") in said


def test_windows_in_bad_stretches_cannot_come_back_into_a_store(bids, tmp_path):
    path = bids.add("A", events=contrast_events([4.0, 10.0, 15.0], [1.5, 1.0, 0.8]))
    bids.add("B")
    events = str(path).replace("_eeg.bdf", "_events.tsv")
    table = pd.read_csv(events, sep="\t", dtype=str)
    table.loc[len(table)] = ["11.0", "0.5", "BAD_muscle", "n/a", "n/a"]
    table.to_csv(events, sep="\t", index=False, na_rep="n/a")
    assert len(load(bids.root)) == 4
    kept = load(bids.root, keep_bad=True)
    assert len(kept) == 5
    like = kept.provenance
    assert len(load_like(bids.root, like, "the run", keep_bad=True)[0]) == 5
    assert len(load_like(bids.root, like, "the run")[0]) == 4
    prepare(bids.root, tmp_path / "without")
    prepare(bids.root, tmp_path / "with", options=Options(keep_bad=True))
    for read in (load, partial(load_like, like=like, whose="the run")):
        with pytest.raises(SparseEEGError, match="prepared without the windows in stretches marked as bad"):
            read(tmp_path / "without", keep_bad=True)
    assert len(load(tmp_path / "with", keep_bad=True)) == len(load(tmp_path / "with")) == 5
    write_epochs(tmp_path / "epochs" / "sub-A_epo.fif")
    with pytest.raises(SparseEEGError, match="--keep-bad has no effect"):
        load(tmp_path / "epochs", target="rt", keep_bad=True)


def test_releases_of_a_store(bids, tmp_path):
    bids.write_participants({"A": ("R1", "F", "8"), "B": ("R5", "F", "8")})
    bids.add("A")
    bids.add("B")
    store.save(load(bids.root), tmp_path / "store")
    assert set(load(tmp_path / "store", releases=["R5"]).subjects) == {"sub-B"}
    assert "no window of release R2" in message(tmp_path / "store", releases=["R2"])
    said = message(tmp_path / "store", releases=["R1", "R9"])
    assert said.endswith("no window of release R9 in the store, which has R1, R5")
    assert len(load(tmp_path / "store", releases=["R1", "R9"], every_release=False)) == 2
    assert "unknown release 'R99'" in message(tmp_path / "store", releases=["R99"])


def test_epochs_need_a_target_and_have_no_releases(tmp_path):
    write_epochs(tmp_path / "sub-01_epo.fif")
    assert message(tmp_path).endswith("columns of numbers: block, rt")
    assert "have no releases" in message(tmp_path, target="rt", releases=["R1"])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"margin": -0.5}, "load: margin=-0.5: Input should be greater than or equal to 0"),
        ({"n_jobs": 0}, "n_jobs=0: give 1 or more, or -1"),
        ({"n_jobs": 1.5}, "n_jobs=1.5: Input should be a valid integer"),
        ({"target": 5}, "target=5: Input should be a valid string"),
        ({"sfreq": "fast"}, "sfreq='fast': Input should be a valid number"),
        ({"sfreq": 0}, "a sampling rate of 0 Hz is not possible"),
        ({"channels": "bogus"}, "channels='bogus': Input should be 'common', 'interpolate' or 'strict'"),
        ({"releases": "R5"}, "releases='R5': 'str' instances are not allowed as a Sequence value"),
    ],
)
@pytest.mark.parametrize("kind", ["bids", "epochs"])
def test_wrong_arguments_are_named_with_what_is_allowed(bids, tmp_path, kind, options, said):
    if kind == "epochs":
        write_epochs(tmp_path / "epochs" / "sub-01_epo.fif")
        assert said in message(tmp_path / "epochs", **{"target": "rt", **options})
    else:
        bids.add("A")
        assert said in message(bids.root, **options)


def test_numbers_written_as_text_are_numbers(bids):
    bids.add("A")
    assert load(bids.root, sfreq="50").sfreq == 50.0
