"""Files that are shorter or longer than their headers say get a note, or are refused."""

from pathlib import Path

import edfio
import mne
import numpy as np
import pytest
from scipy.io import loadmat, savemat

from helpers.bids_folder import BidsFolder, write_bdf, write_set
from sparseeg.data.read_bids import read_bids
from sparseeg.data.signals.raw import open_raw
from sparseeg.errors import SparseEEGError

DATA = np.random.default_rng(0).integers(-1000, 1000, (2, 500))
EIGHT = np.random.default_rng(1).standard_normal((8, 1000)).astype("<f4")


def write_brainvision(
    folder: Path, orientation: str = "MULTIPLEXED", points: bool = False, channels: int = 2, mark: int = 101
) -> Path:
    path = folder / "a.vhdr"
    path.write_text(
        "Brain Vision Data Exchange Header File Version 1.0\n[Common Infos]\n"
        "DataFile=a.eeg\nMarkerFile=a.vmrk\n"
        f"DataFormat=BINARY\nDataOrientation={orientation}\nNumberOfChannels={channels}\n"
        f"{'DataPoints=500' * points}\nSamplingInterval=10000\n"
        "[Binary Infos]\nBinaryFormat=INT_16\n[Channel Infos]\nCh1=Fz,,1,uV\nCh2=Cz,,1,uV\n"
    )
    path.with_suffix(".vmrk").write_text(
        "Brain Vision Data Exchange Marker File, Version 1.0\n[Common Infos]\n[Marker Infos]\n"
        f"Mk1=New Segment,,1,1,0\nMk2=Stimulus,S  1,{mark},1,0\n"
    )
    order = DATA if orientation == "VECTORIZED" else DATA.T
    np.ascontiguousarray(order).astype("<i2").tofile(path.with_suffix(".eeg"))
    return path


def write_fdt(path: Path, channels: int = 8) -> Path:
    """Write a .set that says `channels` channels, and an .fdt with eight."""
    write_set(path, EIGHT[:channels], tuple(f"E{n}" for n in range(channels)), 100.0)
    eeg = loadmat(path)["EEG"]
    eeg["data"][0, 0] = path.with_suffix(".fdt").name
    savemat(path, {"EEG": eeg}, appendmat=False)
    EIGHT.T.tofile(path.with_suffix(".fdt"))
    return path


def keep(path: Path, part: float) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: int(part * len(content))])


def opened(path: Path) -> tuple[mne.io.BaseRaw, list[str]]:
    notes: list[str] = []
    return open_raw(path, notes), notes


@pytest.mark.parametrize("channels", [1, 3])
def test_another_number_of_channels_than_the_header_describes(channels: int, tmp_path: Path) -> None:
    path = write_brainvision(tmp_path, channels=channels)
    with pytest.raises(SparseEEGError, match=f"says {channels} channels, but describes 2"):
        open_raw(path)


@pytest.mark.parametrize("channels", [7, 4])
def test_another_number_of_channels_than_the_samples_have(channels: int, tmp_path: Path) -> None:
    path = write_fdt(tmp_path / "a.set", channels)
    said = rf"says {channels} channels of 1000 samples, but a\.fdt holds 8000 values, those of 8 channels"
    with pytest.raises(SparseEEGError, match=said):
        open_raw(path)


def test_more_samples_than_an_eeglab_data_set_says(tmp_path: Path) -> None:
    path = write_fdt(tmp_path / "a.set")
    with path.with_suffix(".fdt").open("ab") as file:
        file.write(bytes(320))
    with pytest.raises(SparseEEGError, match="holds 8080 values, more than these"):
        open_raw(path)


@pytest.mark.parametrize("points", [False, True])
def test_vectorized_samples_that_were_cut(points: bool, tmp_path: Path) -> None:
    path = write_brainvision(tmp_path, "VECTORIZED", points, mark=401)
    raw, notes = opened(path)
    assert notes == []
    assert raw.get_data() == pytest.approx(1e-6 * DATA)
    keep(path.with_suffix(".eeg"), 0.5)
    said = "shorter than its header says: 250 of 500 samples" if points else "marker is at sample 401, .* 250"
    with pytest.raises(SparseEEGError, match=rf"{said}.*VECTORIZED.*a\.eeg has 1000 bytes, 4 for each"):
        open_raw(path)


@pytest.mark.parametrize(
    ("points", "part", "note"),
    [
        (True, 0.9, "it is shorter than its header says: 450 of 500 samples are there"),
        (False, 0.4, "its last marker is at sample 401, but it has only 200 samples"),
        (False, 0.9005, "it ends in the middle of a sample: a.eeg has 1801 bytes, 4 for each sample"),
    ],
)
def test_multiplexed_samples_that_were_cut(points: bool, part: float, note: str, tmp_path: Path) -> None:
    path = write_brainvision(tmp_path, points=points, mark=401)
    assert opened(path)[1] == []
    keep(path.with_suffix(".eeg"), part)
    raw, notes = opened(path)
    assert notes == [note]
    assert raw.get_data() == pytest.approx(1e-6 * DATA[:, : int(500 * part)])


def test_more_samples_than_a_brainvision_header_says(tmp_path: Path) -> None:
    path = write_brainvision(tmp_path, points=True)
    with path.with_suffix(".eeg").open("ab") as file:
        file.write(bytes(40))
    assert opened(path)[1] == ["it is longer than its header says: 510 samples instead of 500"]


def test_an_fdt_that_was_cut(tmp_path: Path) -> None:
    path = write_fdt(tmp_path / "a.set")
    assert opened(path)[1] == []
    keep(path.with_suffix(".fdt"), 0.91)
    raw, notes = opened(path)
    assert notes == ["it is shorter than its header says: 910 of 1000 samples are there"]
    assert 1e6 * raw.get_data() == pytest.approx(EIGHT[:, :910], rel=1e-5)


@pytest.mark.parametrize("ending", [".edf", ".bdf"])
def test_records_that_are_missing_or_too_many(ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"a{ending}"
    kind, Signal = (edfio.Bdf, edfio.BdfSignal) if ending == ".bdf" else (edfio.Edf, edfio.EdfSignal)
    rng = np.random.default_rng(0)
    kind(
        [Signal(rng.standard_normal(800), 100, label=name, physical_dimension="uV") for name in ("Fz", "Cz")]
    ).write(path)
    raw, notes = opened(path)
    whole = raw.get_data()
    assert notes == []
    content = path.read_bytes()
    path.write_bytes(content[: len(content) - (len(content) - 768) // 2])
    raw, notes = opened(path)
    assert notes == ["it is shorter than its header says: 4 of 8 records are there"]
    assert np.array_equal(raw.get_data(), whole[:, :400])
    path.write_bytes(content[:236] + b"6".ljust(8) + content[244:])
    assert opened(path)[1] == ["it is longer than its header says: 8 records instead of 6"]
    path.write_bytes(content[:236] + b"-1".ljust(8) + content[244:])  # of a recording that goes on
    assert opened(path)[1] == []


def fif(path: Path, n: int = 1000) -> np.ndarray:
    data = np.random.default_rng(0).standard_normal((2, n)) * 1e-5
    raw = mne.io.RawArray(data, mne.create_info(["Fz", "Cz"], 100.0, "eeg"), verbose="error")
    raw.save(path, fmt="double", buffer_size_sec=1, verbose="error")
    return data


@pytest.mark.parametrize("cut", [100, 1000, 3000])
def test_a_fif_file_that_was_cut(cut: int, tmp_path: Path) -> None:
    path = tmp_path / "a_raw.fif"
    data = fif(path)
    assert opened(path)[1] == []
    path.write_bytes(path.read_bytes()[:-cut])
    raw, notes = opened(path)
    there = raw.n_times
    assert there == 100 * (there // 100)  # whole blocks
    assert 1000 - 100 * (cut // 1600 + 1) <= there <= 1000
    assert notes == [f"a_raw.fif is cut off before its end: {there} samples are there"]
    assert raw.get_data() == pytest.approx(data[:, :there])


def test_a_channel_without_a_range(tmp_path: Path) -> None:
    path = tmp_path / "a.bdf"
    write_bdf(path, EIGHT[:2], ("Fz", "Cz"), 100.0)
    content = path.read_bytes()
    for before, kind, limits in ((104, "physical", (b"5", b"5")), (120, "digital", (b"-3", b"-3"))):
        damaged = bytearray(content)
        for number, limit in enumerate(limits):
            at = 256 + 2 * (before + 8 * number) + 8  # of the second channel
            damaged[at : at + 8] = limit.ljust(8)
        path.write_bytes(damaged)
        value = limits[0].decode()
        with pytest.raises(SparseEEGError, match=f"{kind} range of channel Cz is {value} to {value}, so"):
            open_raw(path)
        assert open_raw(path, [], {"Fz": "EEG", "Cz": "MISC"}).n_times == 1000  # it is not read


def test_windows_after_the_end_are_counted(bids: BidsFolder) -> None:
    path = bids.add("A")  # 20 s, stimuli at 4 and 15 s
    keep(path, 0.6)
    windows = read_bids(bids.root)
    said = {problem.reason for problem in windows.problems if problem.path == path}
    assert "it is shorter than its header says: 11 of 20 records are there" in said
    assert "1 of 2 windows reach outside the recording of 11 s" in said


def test_a_part_of_a_split_fif_file_that_was_cut(tmp_path: Path) -> None:
    path = tmp_path / "a_raw.fif"
    data = np.random.default_rng(0).standard_normal((4, 100_000)) * 1e-5
    raw = mne.io.RawArray(data, mne.create_info(4, 500.0, "eeg"), verbose="error")
    raw.save(path, fmt="double", split_size="2MB", buffer_size_sec=1, verbose="error")
    last = tmp_path / "a_raw-1.fif"
    last.write_bytes(last.read_bytes()[:-20_000])
    raw, notes = opened(path)
    assert notes == [f"a_raw-1.fif is cut off before its end: {raw.n_times} samples are there"]
    assert raw.get_data() == pytest.approx(data[:, : raw.n_times])
    path.write_bytes(path.read_bytes()[:-8])
    with pytest.raises(SparseEEGError, match=r"a_raw\.fif is cut off before its end; copy it again"):
        open_raw(path)
