"""A header that names the samples or marks of another recording is refused."""

from pathlib import Path

import numpy as np
import pytest
from scipy.io import loadmat, savemat

from helpers.bids_folder import BidsFolder, write_set
from sparseeg.data.read_bids import read_bids
from sparseeg.data.signals.eeglab import read_eeglab_epochs
from sparseeg.data.signals.raw import open_raw
from sparseeg.errors import SparseEEGError

NAMES = ("Fz", "Cz")
EVENT = [("latency", object), ("type", object), ("epoch", object)]
EPOCH = [("event", object), ("eventtype", object), ("eventlatency", object)]


def write_brainvision(path: Path, data: str, marks: str, seed: int = 0) -> Path:
    """Write a trio of files; the header names `data` and `marks`."""
    path.write_text(
        "Brain Vision Data Exchange Header File Version 1.0\n[Common Infos]\n"
        f"DataFile={data}\nMarkerFile={marks}\n"
        "DataFormat=BINARY\nDataOrientation=MULTIPLEXED\nNumberOfChannels=2\nSamplingInterval=10000\n"
        "[Binary Infos]\nBinaryFormat=INT_16\n[Channel Infos]\nCh1=Fz,,1,uV\nCh2=Cz,,1,uV\n"
    )
    path.with_suffix(".vmrk").write_text(
        "Brain Vision Data Exchange Marker File, Version 1.0\n[Common Infos]\n[Marker Infos]\n"
        "Mk1=Stimulus,S  1,101,1,0\n"
    )
    samples = np.random.default_rng(seed).integers(-1000, 1000, (2000, 2))
    samples.astype("<i2").tofile(path.with_suffix(".eeg"))
    return path


def write_fdt(path: Path, named: str, seed: int = 0) -> Path:
    """Write a data set of EEGLAB in two files; the .set names `named`."""
    data = np.random.default_rng(seed).standard_normal((2, 2000))
    write_set(path, data, NAMES, 100.0)
    eeg = loadmat(path)["EEG"]
    eeg["data"][0, 0] = named
    savemat(path, {"EEG": eeg}, appendmat=False)
    data.T.astype("<f4").tofile(path.with_suffix(".fdt"))
    return path


def test_the_samples_of_another_run_in_brainvision(tmp_path: Path) -> None:
    write_brainvision(tmp_path / "one.vhdr", "one.eeg", "one.vmrk")
    path = write_brainvision(tmp_path / "two.vhdr", "one.eeg", "two.vmrk", seed=1)
    open_raw(tmp_path / "one.vhdr")
    with pytest.raises(SparseEEGError, match=r"names one\.eeg as DataFile, .* of one\.vhdr.* line DataFile="):
        open_raw(path)
    path.with_suffix(".eeg").unlink()
    with pytest.raises(SparseEEGError, match=r"names one\.eeg as DataFile, .* of one\.vhdr"):
        open_raw(path)
    write_brainvision(path, "two.eeg", "one.vmrk", seed=1)
    with pytest.raises(SparseEEGError, match=r"names one\.vmrk as MarkerFile, .* of one\.vhdr"):
        open_raw(path)


def test_two_files_that_may_hold_the_samples(tmp_path: Path) -> None:
    path = write_brainvision(tmp_path / "a.vhdr", "b.eeg", "a.vmrk")
    other = path.with_name("b.eeg")
    other.write_bytes(path.with_suffix(".eeg").read_bytes()[::-1])
    with pytest.raises(SparseEEGError, match=r"names b\.eeg as DataFile, although a\.eeg is there"):
        open_raw(path)
    path.with_suffix(".eeg").unlink()
    notes: list[str] = []
    open_raw(path, notes)
    assert notes == []


def test_marks_that_were_corrected_are_read_with_a_note(tmp_path: Path) -> None:
    path = write_brainvision(tmp_path / "a.vhdr", "a.eeg", "better.vmrk")
    text = path.with_suffix(".vmrk").read_text()
    path.with_name("better.vmrk").write_text(text.replace("101", "201"))
    notes: list[str] = []
    assert open_raw(path, notes).annotations.onset == pytest.approx([2.0])
    assert notes == ["its header names better.vmrk as MarkerFile, which is read, although a.vmrk is there"]


def test_the_samples_of_another_run_in_eeglab(tmp_path: Path) -> None:
    write_fdt(tmp_path / "one.set", "one.fdt")
    path = write_fdt(tmp_path / "two.set", "one.fdt", seed=1)
    open_raw(tmp_path / "one.set")
    with pytest.raises(SparseEEGError, match=r"names one\.fdt, .* of one\.set"):
        open_raw(path)
    (tmp_path / "one.set").unlink()
    with pytest.raises(SparseEEGError, match=r"names one\.fdt, although two\.fdt is there"):
        open_raw(path)
    (tmp_path / "one.fdt").unlink()
    open_raw(path)


def test_epochs_with_the_samples_of_another_file(tmp_path: Path) -> None:
    paths = [tmp_path / "one.set", tmp_path / "two.set"]
    for seed, path in enumerate(paths):
        data = np.random.default_rng(seed).standard_normal((2, 50, 3)).astype("<f4")
        write_set(path, data[:, :, 0], NAMES, 100.0)
        eeg = loadmat(path)["EEG"]
        events = np.array([(50 * n + 1.0, "go", n + 1.0) for n in range(3)], EVENT).reshape(1, -1)
        changes = {"data": "one.fdt", "pnts": 50.0, "trials": 3.0, "xmax": 0.49, "event": events}
        for name, value in changes.items():
            eeg[name][0, 0] = value
        eeg["epoch"][0, 0] = np.array([(n + 1.0, "go", 0.0) for n in range(3)], EPOCH).reshape(1, -1)
        savemat(path, {"EEG": eeg}, appendmat=False)
        data.reshape(2, -1, order="F").T.tofile(path.with_suffix(".fdt"))
    assert len(read_eeglab_epochs(paths[0], [])) == 3
    with pytest.raises(SparseEEGError, match=r"names one\.fdt, .* of one\.set"):
        read_eeglab_epochs(paths[1], [])


def test_events_are_not_cut_from_the_signal_of_another_run(bids: BidsFolder) -> None:
    bids.add("A")
    for run in (1, 2):
        stem = bids.add("B", run=run).with_suffix("").name
        folder = bids.root / "sub-B" / "eeg"
        (folder / f"{stem}.bdf").unlink()
        first = stem.replace("run-2", "run-1")
        write_brainvision(folder / f"{stem}.vhdr", f"{first}.eeg", f"{stem}.vmrk", seed=run)
    windows = read_bids(bids.root)
    assert not any("run-2" in str(file) for file in windows.table["file"])
    assert any("run-1_eeg.eeg as DataFile" in problem.reason for problem in windows.problems)
