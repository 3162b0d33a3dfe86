"""No trial of an epochs file is read twice: parts of split files, and files that are processed otherwise."""

import mne
import numpy as np
import pandas as pd
import pytest

from helpers.epochs_file import write_epochs
from sparseeg.data.epochs.choose import choose_files
from sparseeg.data.epochs.read import read_epochs
from sparseeg.errors import SparseEEGError


def write_split(path, naming: str, n_epochs: int = 40) -> np.ndarray:
    """Write epochs in several files, as MNE does above 2 GB."""
    data = 10.0 * np.random.default_rng(len(naming)).standard_normal((n_epochs, 8, 10_000))
    info = mne.create_info(8, 100.0, "eeg")
    rt = pd.DataFrame({"rt": np.arange(n_epochs, dtype=float)})
    epochs = mne.EpochsArray(data * 1e-6, info, metadata=rt, verbose="error")
    epochs.save(path, split_size="10MB", split_naming=naming, verbose="error")
    return data


@pytest.mark.parametrize(("naming", "name"), [("bids", "sub-01_epo.fif"), ("neuromag", "sub-01-epo.fif")])
def test_parts_of_a_split_file_are_read_once(tmp_path, naming, name):
    write_split(tmp_path / name, naming)
    assert len(list(tmp_path.iterdir())) > 1
    windows = read_epochs(tmp_path, target="rt", tmax=1.0)
    assert windows.targets.tolist() == list(range(40))
    assert set(windows.subjects) == {"sub-01"}
    assert windows.problems == ()


@pytest.mark.parametrize(
    ("first", "part"),
    [("sub-01_split-01_epo.fif", "sub-01_split-02_epo.fif"), ("sub-01-epo.fif", "sub-01-epo-1.fif")],
)
def test_a_part_without_the_first_is_left_out_and_said(tmp_path, first, part):
    (tmp_path / part).touch()
    (tmp_path / "sub-02_epo.fif").touch()
    files, problems = choose_files(tmp_path, None)
    assert [file.name for file in files] == ["sub-02_epo.fif"]
    assert [str(problem) for problem in problems] == [
        f"{tmp_path / part}: it is a part of {first}, which is missing (left out)"
    ]
    (tmp_path / first).touch()
    files, problems = choose_files(tmp_path, None)
    assert [file.name for file in files] == [first, "sub-02_epo.fif"]
    assert problems == []


def test_files_processed_in_several_ways_need_a_choice(tmp_path):
    for person in ("01", "02"):
        plain = write_epochs(tmp_path / f"sub-{person}_task-x_epo.fif")
        write_epochs(tmp_path / f"sub-{person}_task-x_proc-clean_epo.fif", data=plain + 1.0)
    write_epochs(tmp_path / "sub-03_task-x_epo.fif")
    with pytest.raises(SparseEEGError, match=r"clean \(2\), none \(3\); choose one with --proc") as refused:
        read_epochs(tmp_path, target="rt")
    assert "none are files without _proc-" in str(refused.value)
    with pytest.raises(SparseEEGError, match=r"no epochs file has _proc-clear;.*Did you mean 'clean'"):
        read_epochs(tmp_path, target="rt", proc="clear")
    windows = read_epochs(tmp_path, target="rt", proc="clean")
    assert windows.subjects.tolist() == ["sub-01"] * 3 + ["sub-02"] * 3
    assert windows.table["file"].str.contains("clean").all()
    (problem,) = windows.problems
    assert (problem.path.name, problem.reason) == ("sub-03_task-x_epo.fif", "there is no _proc-clean of it")
    assert set(read_epochs(tmp_path, target="rt", proc="none").subjects) == {"sub-01", "sub-02", "sub-03"}


def test_one_way_of_processing_needs_no_choice(tmp_path):
    for person in ("01", "02"):
        write_epochs(tmp_path / f"sub-{person}_desc-clean_epo.fif")
    assert set(read_epochs(tmp_path, target="rt").subjects) == {"sub-01", "sub-02"}
