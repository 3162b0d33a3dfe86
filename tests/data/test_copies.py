"""Windows with the same samples are found whatever their files, and are no trial of their own."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from helpers.bids_folder import BidsFolder, contrast_events
from helpers.epochs_file import write_epochs
from helpers.toys import ages, toy_windows
from sparseeg.data.copies import check_no_copies, copies, noting_same_targets, without_copies
from sparseeg.data.epochs.read import read_epochs
from sparseeg.data.load import load
from sparseeg.data.match import concatenate
from sparseeg.data.read_bids import read_bids
from sparseeg.data.store import open_store, save
from sparseeg.data.store.prepare import prepare
from sparseeg.errors import SparseEEGError

Change = Callable[[np.ndarray], np.ndarray]


def noise(seed: int, n_chans: int = 4, seconds: float = 20.0) -> np.ndarray:
    return 20.0 * np.random.default_rng(seed).standard_normal((n_chans, round(seconds * 100)))


def test_rows_with_the_same_samples_are_in_one_group():
    windows = toy_windows(n_subjects=3, n_trials=4, n_times=30)
    assert copies(windows) == []
    signals = [signal.copy() for signal in windows.signals]
    signals[1][30:60] = signals[0][:30]  # row 5 as row 0
    signals[2][90:120] = signals[0][:30]  # row 11 as row 0
    signals[2][0:30] = signals[0][30:60]  # row 8 as row 1, but for one sample
    signals[2][15, 0] += 20.0
    assert copies(replace(windows, signals=signals)) == [[0, 5, 11]]


def test_copies_that_another_format_has_rounded_are_copies():
    windows = toy_windows(n_subjects=2, n_trials=24)
    rounded = np.round(windows.signals[0] / 0.001) * np.float32(0.001)  # microvolts
    groups = copies(replace(windows, signals=[windows.signals[0], rounded]))
    assert len(groups) > 12
    assert all(other == one + 24 for one, other in groups)


@pytest.mark.parametrize("gain", [0.5, 2.0, 0.37, 1.9, 1e-6, -1.0, -0.37])
@pytest.mark.parametrize("offset", [0.0, 50.0])
def test_copies_with_another_gain_and_offset_are_copies(gain: float, offset: float):
    windows = toy_windows(n_subjects=2, n_trials=24)
    changed = (gain * (windows.signals[0] + offset * np.arange(1, windows.n_chans + 1))).astype(np.float32)
    groups = copies(replace(windows, signals=[windows.signals[0], changed]))
    assert groups == [[row, row + 24] for row in range(24)]


def test_copies_are_found_when_a_smaller_gain_was_rounded():
    rng = np.random.default_rng(1)
    windows = toy_windows(n_subjects=2, n_trials=40, n_times=200)
    signal = np.round(5.0 * rng.standard_normal(windows.signals[0].shape), 1).astype(np.float32)
    halved = np.round(0.5 * signal, 1)  # in steps of 4 % of its standard deviation
    groups = copies(replace(windows, signals=[signal, halved]))
    assert groups
    assert all(other == one + 40 for one, other in groups)


@pytest.mark.parametrize("size", [100.0, 250.0])
def test_artefacts_of_one_shape_are_no_copies(size: float):
    windows = toy_windows(n_subjects=2, n_trials=4, n_times=30)
    flat = [np.zeros_like(signal) for signal in windows.signals]
    for signal, height in zip(flat, (100.0, size), strict=True):
        signal[15::30] = height  # a pulse in the middle of each window
    assert copies(replace(windows, signals=flat)) == []
    for signal, height in zip(flat, (100.0, size), strict=True):
        signal.reshape(4, 30, -1)[:, 15:] = height  # a step
    assert copies(replace(windows, signals=flat)) == []
    slopes = size * np.arange(1, windows.n_chans + 1)
    ramp = (np.arange(120)[:, None] / 120 * slopes).astype(np.float32)
    assert copies(replace(windows, signals=[ramp, 2 * ramp])) == []


def test_targets_of_another_recording_are_noted():
    windows = toy_windows(n_subjects=3, n_trials=8)
    assert noting_same_targets(windows).problems == ()
    targets = windows.targets.copy()
    targets[16:] = targets[:8]  # the events of the third person are a copy of the first one's
    copied = replace(windows, table=windows.table.assign(target=targets))
    (note,) = noting_same_targets(copied).problems
    assert note.is_note
    assert note.path.name == "recording 2"
    assert "its 8 targets are those of toy/recording 0" in note.reason
    few = replace(copied, table=copied.table.assign(target=np.round(targets)))  # two values
    assert noting_same_targets(few).problems == ()
    assert noting_same_targets(ages(copied)).problems == ()


def test_crops_at_the_same_place_are_no_copies():
    windows = toy_windows(n_subjects=2, n_trials=4, n_times=30)
    table = windows.table.assign(start=[0, 30, 30, 90, 0, 30, 60, 90])
    windows = replace(windows, table=table.drop(columns=["earliest", "latest"], errors="ignore"))
    assert copies(windows) == []
    signals = [windows.signals[0], windows.signals[1].copy()]
    signals[1][60:90] = signals[0][30:60]  # row 6 as rows 1 and 2
    assert copies(replace(windows, signals=signals)) == [[1, 6]]
    same = table.assign(subject="sub-01")
    assert len(without_copies(replace(windows, signals=signals, table=same))) == 7


def test_constant_windows_are_no_copies():
    windows = toy_windows(n_subjects=2, n_trials=4, n_times=30)
    signals = [np.zeros_like(windows.signals[0]), windows.signals[1].copy()]
    signals[1][:60] = np.arange(5)  # each channel has its own value
    assert copies(replace(windows, signals=signals)) == []


def test_trials_that_agree_in_the_middle_only_are_no_copies():
    windows = toy_windows(n_subjects=2, n_trials=4, n_times=30)
    signals = [signal.copy() for signal in windows.signals]
    for signal in signals:
        signal.reshape(4, 30, -1)[:, 8:22] = 0.0  # a break in all of them
    assert copies(replace(windows, signals=signals)) == []


def test_a_copied_epochs_file_of_one_person_counts_once(tmp_path):
    data = write_epochs(tmp_path / "sub-01_task-a_epo.fif", rt=(300.0, 400.0, 500.0))
    mixed = np.concatenate([data[1:], write_epochs(tmp_path / "sub-02_epo.fif")[:1]])
    mixed[-1] += noise(5, n_chans=3, seconds=1.0)
    write_epochs(tmp_path / "sub-01_task-b_epo.fif", data=mixed)
    windows = read_epochs(tmp_path, target="rt")
    assert windows.subjects.tolist() == ["sub-01"] * 4 + ["sub-02"] * 3
    (problem,) = windows.problems
    assert problem.path.name == "sub-01_task-b_epo.fif"
    assert problem.reason == f"2 windows have the same samples as {tmp_path / 'sub-01_task-a_epo.fif'}"
    assert (problem.lost, problem.count) == ("windows", 2)


def test_one_file_under_two_names_is_left_out_under_both(tmp_path):
    data = write_epochs(tmp_path / "sub-01_epo.fif")
    other = write_epochs(tmp_path / "sub-03_epo.fif")
    write_epochs(tmp_path / "sub-02_epo.fif", data=np.concatenate([data[:1], other[1:][..., ::-1]]))
    windows = read_epochs(tmp_path, target="rt")
    assert set(windows.subjects) == {"sub-03"}
    assert len(windows.signals) == 1
    said = [str(problem) for problem in windows.problems]
    first, second = tmp_path / "sub-01_epo.fif", tmp_path / "sub-02_epo.fif"
    assert any(line.startswith(f"{first}: read as sub-01, has the same samples as {second}") for line in said)
    assert any(line.startswith(f"{second}: read as sub-02, has the same samples as {first}") for line in said)
    (tmp_path / "sub-03_epo.fif").unlink()
    with pytest.raises(SparseEEGError, match="no usable window is left"):
        read_epochs(tmp_path, target="rt")


def test_copies_in_bids_folders_are_found_when_they_are_read_and_prepared(bids: BidsFolder, tmp_path):
    bids.add("A", run=1, data=noise(1))
    bids.add("A", run=2, data=noise(1))
    bids.add("B", data=noise(2))
    bids.add("C", data=noise(2))
    bids.add("D", data=noise(3))
    read, prepared = read_bids(bids.root), prepare(bids.root, tmp_path / "store")
    for windows in (read, prepared, open_store(tmp_path / "store")):
        assert windows.subjects.tolist() == ["sub-A"] * 2 + ["sub-D"] * 2
        assert len(windows.signals) == 2
        assert sum(problem.count for problem in windows.problems) == 2
        assert sum("whose they are is not known" in problem.reason for problem in windows.problems) == 2
    assert np.array_equal(read.gather(range(4)), prepared.gather(range(4)))
    again = prepare(bids.root, tmp_path / "store")
    assert np.array_equal(again.gather(range(4)), read.gather(range(4)))


def test_a_store_and_the_data_it_was_made_of_hold_each_trial_once(bids: BidsFolder, tmp_path):
    from sparseeg.experiments.run import load_windows
    from sparseeg.training.config import DataConfig

    bids.add("A")
    bids.add("B")
    windows = read_bids(bids.root)
    renamed = windows.table.assign(file=[f"other-{number}" for number in range(len(windows))])
    save(windows, tmp_path / "one")
    save(replace(windows, table=renamed), tmp_path / "two")
    both = load_windows(DataConfig(path=(str(tmp_path / "one"), str(tmp_path / "two"))))
    assert np.array_equal(both.gather(range(len(both))), windows.gather(range(len(windows))))
    assert sum(problem.count for problem in both.problems) == len(windows)


def test_every_file_of_a_doubtful_trial_is_left_out(tmp_path):
    data = write_epochs(tmp_path / "sub-01_run-1_epo.fif")
    for name in ("sub-01_run-2_epo.fif", "sub-02_epo.fif"):
        write_epochs(tmp_path / name, data=data)
    write_epochs(tmp_path / "sub-03_epo.fif")
    windows = read_epochs(tmp_path, target="rt")
    assert set(windows.subjects) == {"sub-03"}
    assert len(windows.problems) == 3
    assert all("whose they are is not known" in problem.reason for problem in windows.problems)


def shifted(events: pd.DataFrame) -> pd.DataFrame:
    """Return events that come 70 ms later, so that no window has the samples of another one."""
    return events.assign(onset=(events["onset"] + 0.07).round(6))


EVENTS = contrast_events([4.0, 10.0, 15.0], [1.5, None, 0.8])


def with_patient(path: Path, name: str) -> None:
    """Write another patient's name and another start to the header of a BDF file."""
    content = bytearray(path.read_bytes())
    content[8:88] = name.encode().ljust(80)
    content[168:184] = b"02.03.2404.05.06"
    path.write_bytes(content)


def test_one_recording_of_two_people_with_other_events_is_left_out_under_both(bids: BidsFolder, tmp_path):
    bids.add("A", data=noise(1))
    with_patient(bids.add("B", data=noise(1), events=shifted(EVENTS)), "X")
    bids.add("C", data=noise(2))
    bids.add("D", data=noise(2), events=shifted(EVENTS), extension=".bdf")
    bids.add("E", data=noise(3))
    read, prepared = read_bids(bids.root), prepare(bids.root, tmp_path / "store")
    for windows in (read, prepared, open_store(tmp_path / "store"), prepare(bids.root, tmp_path / "store")):
        assert windows.subjects.tolist() == ["sub-E"] * 2
        assert sum("whose they are is not known" in problem.reason for problem in windows.problems) == 4


def test_a_store_that_goes_on_finds_a_recording_that_it_has(bids: BidsFolder, tmp_path):
    bids.add("A", data=noise(1))
    bids.add("E", data=noise(3))
    assert len(prepare(bids.root, tmp_path / "store")) == 4
    bids.add("B", data=noise(1), events=shifted(EVENTS))
    assert set(prepare(bids.root, tmp_path / "store").subjects) == {"sub-E"}


def test_a_journal_without_hashes_is_completed(bids: BidsFolder, tmp_path):
    bids.add("A", data=noise(1))
    bids.add("E", data=noise(3))
    prepare(bids.root, tmp_path / "store")
    journal = tmp_path / "store" / "journal.jsonl"
    text = journal.read_text()
    assert '"recording_hash"' in text
    journal.write_text(re.sub(r'"recording_hash": "\w+", ', "", text))
    bids.add("B", data=noise(1), events=shifted(EVENTS))
    assert set(prepare(bids.root, tmp_path / "store").subjects) == {"sub-E"}


@pytest.mark.parametrize("stores", [False, True])
def test_one_recording_of_two_people_in_two_data_sets(stores: bool, tmp_path):
    from sparseeg.experiments.run import load_windows
    from sparseeg.training.config import DataConfig

    one, two = BidsFolder(tmp_path / "one"), BidsFolder(tmp_path / "two")
    one.add("A", data=noise(1))
    one.add("C")
    two.add("B", data=noise(1), events=shifted(EVENTS))
    two.add("D")
    paths = [str(folder.root) for folder in (one, two)]
    if stores:
        for name, path in zip(("s1", "s2"), paths, strict=True):
            prepare(path, tmp_path / name)
        paths = [str(tmp_path / "s1"), str(tmp_path / "s2")]
    both = load_windows(DataConfig(path=tuple(paths)))
    assert set(both.subjects) == {"sub-C", "sub-D"}
    with pytest.raises(SparseEEGError, match="sub-A, sub-B have recordings with the same samples"):
        check_no_copies(concatenate([load(Path(path)) for path in paths])[0], "a run")


@pytest.mark.parametrize("change", [lambda data: data + 50.0, lambda data: 0.37 * data, lambda data: -data])
def test_people_of_test_data_whose_files_were_rescaled_are_left_out(change: Change, tmp_path):
    from sparseeg.experiments.run import load_windows
    from sparseeg.training.config import DataConfig

    one, two = BidsFolder(tmp_path / "one"), BidsFolder(tmp_path / "two")
    for number, name in enumerate("AB"):
        one.add(name, data=noise(number))
        two.add(f"X{name}", data=change(noise(number)))
    one.add("C", data=noise(5))
    two.add("D", data=noise(6))
    paths = [(str(folder.root),) for folder in (one, two)]
    both = load_windows(DataConfig(path=paths[0], test_path=paths[1]))
    assert set(both.subjects) == {"sub-C", "sub-D"}


def test_one_recording_with_the_events_of_two_runs_is_left_out(bids: BidsFolder):
    bids.add("A", run=1, data=noise(1))
    bids.add("A", run=2, data=noise(1), events=shifted(EVENTS))
    bids.add("E", data=noise(3))
    windows = read_bids(bids.root)
    assert set(windows.subjects) == {"sub-E"}
    assert sum("which of their events are right is not known" in str(p) for p in windows.problems) == 2


def test_recordings_that_are_constant_are_no_copies(bids: BidsFolder):
    for name in "AB":
        bids.add(name, data=np.zeros((4, 2000)))
    assert set(read_bids(bids.root).subjects) == {"sub-A", "sub-B"}
