"""Every format that the guide lists: the samples and events of a file are those that were written."""

from pathlib import Path

import mne
import numpy as np
import pytest

from helpers.formats import write_ant, write_eeglab_73, write_egi_raw, write_mff, write_neuroscan
from sparseeg.data.bids.layout import EXTENSIONS, OTHERS, recordings
from sparseeg.data.signals.raw import open_raw
from sparseeg.errors import SparseEEGError

SFREQ, NAMES = 100, ("Fz", "Cz", "Pz", "Oz")
MARKS = ((100, "1"), (250, "2"), (700, "1"))
STEP = 1 / 128  # microvolts; every format of these tests keeps multiples of it
DATA = np.random.default_rng(0).integers(-10_000, 10_000, (len(NAMES), 1000)) * STEP


def test_the_guide_lists_every_format() -> None:
    guide = (Path(__file__).parents[3] / "docs" / "guide.md").read_text()
    table = guide.split("## Formats of recordings")[1].split("\n* ")[0]
    for ending in (*EXTENSIONS, *OTHERS):
        assert f"`{ending}`" in table


def found_marks(raw) -> list[tuple[int, str]]:
    samples = np.round(raw.annotations.onset * raw.info["sfreq"]).astype(int).tolist()
    return sorted(zip(samples, raw.annotations.description.tolist(), strict=True))


def test_neuroscan(tmp_path: Path) -> None:
    path = tmp_path / "a.cnt"
    write_neuroscan(path, DATA, NAMES, SFREQ, MARKS, STEP)
    raw = open_raw(path)
    assert raw.ch_names == list(NAMES)
    assert raw.info["sfreq"] == SFREQ
    assert 1e6 * raw.get_data() == pytest.approx(DATA, rel=1e-6)
    assert 1e6 * raw.get_data(start=333, stop=777) == pytest.approx(DATA[:, 333:777], rel=1e-6)
    assert found_marks(raw) == list(MARKS)


def test_ant_neuro(tmp_path: Path) -> None:
    pytest.importorskip("antio")
    path = tmp_path / "a.CNT"
    write_ant(path, DATA, NAMES, SFREQ, MARKS)
    raw = open_raw(path)
    assert raw.ch_names == list(NAMES)
    assert raw.info["sfreq"] == SFREQ
    assert 1e6 * raw.get_data() == pytest.approx(DATA, rel=1e-6)
    assert found_marks(raw) == list(MARKS)


def test_a_damaged_file_of_ant_neuro_crashes_another_process_at_most(tmp_path: Path) -> None:
    pytest.importorskip("antio")
    path = tmp_path / "a.cnt"
    write_ant(path, DATA, NAMES, SFREQ)
    path.write_bytes(path.read_bytes().replace(b"info", b"none"))  # the library crashes without this part
    with pytest.raises(SparseEEGError, match="the process that reads it crashes"):
        open_raw(path)


def test_a_cnt_file_of_neither_maker(tmp_path: Path) -> None:
    path = tmp_path / "a.cnt"
    path.write_bytes(b"something else" * 100)
    with pytest.raises(SparseEEGError, match="neither that of Neuroscan"):
        open_raw(path)


def test_egi_simple_binary(tmp_path: Path) -> None:
    path = tmp_path / "a.raw"
    marks = [(sample, f"st+{name}") for sample, name in MARKS]
    write_egi_raw(path, DATA, SFREQ, marks)
    raw = open_raw(path)
    assert raw.ch_names == ["E1", "E2", "E3", "E4", "st+1", "st+2"]
    assert raw.get_channel_types()[4:] == ["stim", "stim"]
    assert raw.info["sfreq"] == SFREQ
    assert 1e6 * raw.get_data("eeg") == pytest.approx(DATA, rel=1e-6)
    assert found_marks(raw) == marks


def test_egi_mff(tmp_path: Path) -> None:
    pytest.importorskip("mffpy")
    path = tmp_path / "a.mff"
    data = np.random.default_rng(0).integers(-10_000, 10_000, (129, 1000)) * STEP
    write_mff(path, data, SFREQ)
    raw = open_raw(path)
    assert raw.ch_names == [*(f"E{n}" for n in range(1, 129)), "VREF"]
    assert 1e6 * raw.get_data() == pytest.approx(data, rel=1e-6)


def test_eeglab_in_matlab_7_3(tmp_path: Path) -> None:
    pytest.importorskip("pymatreader")
    path = tmp_path / "a.set"
    write_eeglab_73(path, eeglab(DATA))
    raw = open_raw(path)
    assert raw.ch_names == list(NAMES)
    assert 1e6 * raw.get_data() == pytest.approx(DATA, rel=1e-6)
    assert found_marks(raw) == list(MARKS)


def test_a_split_fif_file_is_one_recording(tmp_path: Path) -> None:
    folder = tmp_path / "sub-A" / "eeg"
    folder.mkdir(parents=True)
    data = np.random.default_rng(0).standard_normal((4, 100_000)) * 1e-5
    raw = mne.io.RawArray(data, mne.create_info(list(NAMES), 500.0, "eeg"), verbose="error")
    path = folder / "sub-A_task-x_eeg.fif"
    raw.save(path, fmt="double", split_size="2MB", split_naming="bids", buffer_size_sec=1, verbose="error")
    assert len(list(folder.iterdir())) > 1
    (found,) = recordings(tmp_path, ())
    assert open_raw(found.path).get_data() == pytest.approx(data)


def eeglab(data: np.ndarray) -> dict[str, object]:
    """Return the fields of a continuous EEGLAB data set."""
    return {
        "setname": "a",
        "nbchan": float(len(data)),
        "pnts": float(data.shape[1]),
        "trials": 1.0,
        "srate": float(SFREQ),
        "xmin": 0.0,
        "xmax": (data.shape[1] - 1) / SFREQ,
        "data": data.astype(np.float32),
        "chanlocs": [{"labels": name, "type": "EEG"} for name in NAMES],
        "event": [{"type": name, "latency": sample + 1.0, "duration": 0.0} for sample, name in MARKS],
        "ref": "common",
    } | {name: np.zeros((0, 0)) for name in ("icawinv", "icasphere", "icaweights", "icaact", "epoch")}
