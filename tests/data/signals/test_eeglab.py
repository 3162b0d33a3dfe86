"""Data sets of EEGLAB: epochs, and those of MATLAB 7.3."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.io import savemat

from helpers.bids_folder import BidsFolder
from helpers.formats import write_eeglab_73
from sparseeg.data.bids.layout import bids_file
from sparseeg.data.load import load
from sparseeg.data.problems import Problem
from sparseeg.data.read_bids import read_bids
from sparseeg.data.signals.eeglab import read_eeglab_epochs
from sparseeg.data.signals.raw import open_raw
from sparseeg.data.signals.select_channels import select_channels
from sparseeg.errors import SparseEEGError

NAMES, SFREQ, COUNT = ("Fz", "Cz", "Pz"), 100, 4
DATA = np.random.default_rng(0).standard_normal((COUNT, len(NAMES), 150)).astype(np.float32) * 10
RT = (312.5, 450.0, None, 700.0)  # milliseconds from the stimulus to the key


def events_of(epoch: int) -> list[dict[str, Any]]:
    """Events as in `EEG.event`, with latencies in samples of all epochs in a row, counted from 1."""
    zero = 150.0 * epoch + 1 + 20
    stimulus = {"type": "go", "latency": zero, "duration": 0.0, "epoch": epoch + 1.0, "contrast": 0.1 * epoch}
    rt = RT[epoch]
    if rt is None:
        return [stimulus]
    return [stimulus, stimulus | {"type": "key", "latency": zero + rt / 10, "contrast": np.nan}]


def fields(alone: bool = False) -> dict[str, Any]:
    """Return a data set with COUNT epochs from -0.2 s, as EEGLAB describes it; one event each if `alone`."""
    events = [events_of(epoch)[: 1 if alone else 2] for epoch in range(COUNT)]
    epochs = []
    for number, rows in enumerate(events):
        columns: dict[str, Any] = {
            "event": [1.0 + sum(map(len, events[:number])) + n for n in range(len(rows))]
        }
        for name in ("type", "duration", "contrast"):
            columns[f"event{name}"] = [row[name] for row in rows]
        columns["eventlatency"] = [10.0 * (row["latency"] - rows[0]["latency"]) for row in rows]
        epochs.append({name: values if len(rows) > 1 else values[0] for name, values in columns.items()})
    return {
        "setname": "a",
        "nbchan": float(len(NAMES)),
        "pnts": 150.0,
        "trials": float(COUNT),
        "srate": float(SFREQ),
        "xmin": -0.2,
        "xmax": 1.29,
        "data": DATA.transpose(1, 2, 0),
        "chanlocs": [{"labels": name, "type": "EEG"} for name in NAMES],
        "event": [row for rows in events for row in rows],
        "epoch": epochs,
        "ref": "common",
    } | {name: np.zeros((0, 0)) for name in ("icawinv", "icasphere", "icaweights", "icaact")}


def write(path: Path, content: dict[str, Any]) -> Path:
    """Write a data set as MATLAB does, whose lists of texts and numbers are cells."""

    def cells(value: Any) -> Any:
        if not isinstance(value, list):
            return value
        found = np.empty(len(value), dtype=object)
        found[:] = value
        return found

    def structs(rows: list[dict[str, Any]]) -> np.ndarray:
        return np.array(
            [tuple(map(cells, row.values())) for row in rows], [(name, object) for name in rows[0]]
        )

    eeg = {name: structs(value) if isinstance(value, list) else value for name, value in content.items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    savemat(path, {"EEG": eeg}, appendmat=False)
    return path


def test_samples_and_events_of_epochs(tmp_path: Path) -> None:
    epochs = read_eeglab_epochs(write(tmp_path / "a.set", fields()), [])
    assert 1e6 * epochs.get_data() == pytest.approx(DATA, rel=1e-6)
    assert epochs.times[[0, -1]] == pytest.approx([-0.2, 1.29])
    metadata = epochs.metadata
    assert isinstance(metadata, pd.DataFrame)
    assert metadata["type"].tolist() == ["go"] * COUNT
    assert metadata["contrast"].tolist() == pytest.approx([0.0, 0.1, 0.2, 0.3])
    expected = [np.nan if rt is None else rt for rt in RT]
    assert metadata["key_latency"].to_numpy(float) == pytest.approx(expected, nan_ok=True)


def test_epochs_in_a_folder_are_windows(tmp_path: Path) -> None:
    write(tmp_path / "P01.set", fields())
    write(tmp_path / "P02.SET", fields() | {"data": DATA[:, :, ::-1].transpose(1, 2, 0)})  # of another person
    windows = load(tmp_path, target="key_latency", target_unit="ms", tmin=0.0, tmax=0.8)
    answered = [epoch for epoch in range(COUNT) if RT[epoch] is not None]
    assert windows.targets == pytest.approx([RT[epoch] / 1000 for epoch in answered] * 2)
    assert windows.gather(np.arange(3)) == pytest.approx(DATA[answered][:, :, 20:100], rel=1e-5)
    assert sorted(set(windows.subjects)) == ["P01", "P02"]


def test_epochs_of_one_event_each(tmp_path: Path) -> None:
    epochs = read_eeglab_epochs(write(tmp_path / "a.set", fields(alone=True)), [])
    assert epochs.metadata["contrast"].tolist() == pytest.approx([0.0, 0.1, 0.2, 0.3])


def test_epochs_in_a_bids_folder_are_said_to_be_that(tmp_path: Path) -> None:
    bids = BidsFolder(tmp_path)
    bids.add("A")
    path = bids.add("B", extension=".set")
    write(path, fields())
    found = [problem for problem in read_bids(tmp_path).problems if problem.path == path]
    assert len(found) == 1
    assert "it holds 4 epochs, not a continuous recording; save the continuous data set" in found[0].reason
    assert "to train on with --target" in found[0].reason


def test_a_continuous_data_set_among_epochs(tmp_path: Path) -> None:
    bids = BidsFolder(tmp_path / "other")
    path = bids.add("B", extension=".set")
    with pytest.raises(SparseEEGError, match="it holds a continuous recording, not epochs"):
        read_eeglab_epochs(path, [])


def test_epochs_of_matlab_7_3(tmp_path: Path) -> None:
    pytest.importorskip("pymatreader")
    write_eeglab_73(tmp_path / "a.set", fields(alone=True))
    epochs = read_eeglab_epochs(tmp_path / "a.set", [])
    assert 1e6 * epochs.get_data() == pytest.approx(DATA, rel=1e-6)
    assert epochs.metadata["contrast"].tolist() == pytest.approx([0.0, 0.1, 0.2, 0.3])


def test_matlab_7_3_without_the_package_that_reads_it(tmp_path: Path, monkeypatch) -> None:
    path = tmp_path / "a.set"
    path.write_bytes(b"MATLAB 7.3 MAT-file".ljust(512) + b"\x89HDF\r\n\x1a\n")
    monkeypatch.setitem(sys.modules, "pymatreader", None)
    for read in (open_raw, read_eeglab_epochs):
        with pytest.raises(SparseEEGError, match=r"of MATLAB 7\.3 .*`pip install 'sparseeg\[matlab\]'"):
            read(path, [])


OTHERS = (
    *(
        ("AUX", "MISC"),
        ("TRIGGER", "MISC"),
        ("ACC", "MISC"),
        ("EKG", "ECG"),
        ("veog", "EOG"),
        ("HEOG", "EOG"),
    ),
    *(
        ("TEMP", "TEMP"),
        ("PPG", "BIO"),
        ("EYEGAZE", "EOG"),
        ("Audio", "MISC"),
        ("BIP", "MISC"),
        ("GSR", "GSR"),
    ),
)


def of_types(types: Sequence[str], trials: int) -> dict[str, Any]:
    """Return a data set whose further channels `Ch0`, `Ch1`, ... have these types."""
    samples = np.random.default_rng(1).standard_normal((len(NAMES) + len(types), 300, trials))
    names = [(name, "EEG") for name in NAMES] + [(f"Ch{at}", kind) for at, kind in enumerate(types)]
    chanlocs = [{"labels": name, "type": kind} for name, kind in names]
    size = {"nbchan": float(len(names)), "pnts": 300.0, "trials": float(trials), "xmax": 2.79}
    data = samples.astype(np.float32).squeeze()
    return fields() | {"data": data, "chanlocs": chanlocs} | size


@pytest.mark.parametrize("matlab", ["5", "7.3"])
def test_types_that_mne_does_not_know_are_those_of_their_words(tmp_path: Path, matlab: str) -> None:
    path = tmp_path / "a.set"
    content = of_types([word for word, _ in OTHERS], 1) | {"event": [], "epoch": []}
    if matlab == "5":
        write(path, content | {"event": np.zeros((0, 0)), "epoch": np.zeros((0, 0))})
    else:
        pytest.importorskip("pymatreader")
        write_eeglab_73(path, content | {"event": np.zeros((0, 0)), "epoch": np.zeros((0, 0))})
    notes: list[str] = []
    problems: list[Problem] = []
    selection = select_channels(open_raw(path, notes), bids_file(path), problems)
    assert (selection.names, notes) == (NAMES, [])
    left_out = {
        name: problem.kind
        for problem in problems
        for name in problem.reason.split(": ")[1].strip(")").split(", ")
    }
    assert left_out == {f"Ch{at}": kind for at, (_, kind) in enumerate(OTHERS)}


def test_types_of_epochs_and_words_that_nobody_knows(tmp_path: Path) -> None:
    path = write(tmp_path / "a.set", of_types(["HEOG", "Ref", "Foo", ""], COUNT))
    notes: list[str] = []
    epochs = read_eeglab_epochs(path, notes)
    assert epochs.get_channel_types() == ["eeg"] * 3 + ["eog"] + ["eeg"] * 3
    assert notes == ["the channel types Foo in it are not known: used as EEG, by their labels"]
