"""The simulated data set on disk: a BIDS folder that every reader takes for the real one, but marked."""

import hashlib
import json
import warnings
import zipfile
from dataclasses import replace
from pathlib import Path

import mne
import mne_bids
import numpy as np
import pandas as pd
import pytest

from sparseeg.data import load
from sparseeg.data.bids.hbn import CH_NAMES
from sparseeg.errors import SparseEEGError
from sparseeg.simulate import simulate_dataset
from sparseeg.simulate.behaviour import make_run
from sparseeg.simulate.dataset import targets_per_run
from sparseeg.simulate.forward import make_anatomy
from sparseeg.simulate.metadata import COLUMNS
from sparseeg.simulate.observers import ideal, simulation_seed
from sparseeg.simulate.settings import DEFAULT
from sparseeg.simulate.signals import make_signals
from sparseeg.simulate.subjects import make_subject

SEED = 5
GOLDEN = (6.413, np.nan, 2.046, -17.109, -26.775, -20.992, -13.918)
STEM = "sub-NDARSIM00001_task-contrastChangeDetection_run-1"


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return simulate_dataset(tmp_path_factory.mktemp("simulated") / "set", subjects=3, trials=26, seed=SEED)


def digests(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_names_are_those_of_the_challenge_copies(dataset):
    eeg = dataset / "sub-NDARSIM00001" / "eeg"
    expected = {
        f"{STEM[:-1]}{run}_{suffix}"
        for run in (1, 2)
        for suffix in ("eeg.bdf", "eeg.json", "channels.tsv", "events.tsv")
    }
    assert {path.name for path in eeg.iterdir()} == expected
    assert not list(dataset.rglob("*.part*"))


def test_participants_have_every_column_in_order(dataset, shared_data):
    table = pd.read_csv(dataset / "participants.tsv", sep="\t", dtype=str, keep_default_na=False)
    assert tuple(table.columns) == COLUMNS
    assert set(table["release_number"]) == {"R1", "R4", "R5"}
    assert set(table["contrastChangeDetection_2"]) == {"available"}
    assert set(table["contrastChangeDetection_3"]) == set(table["RestingState"]) == {"unavailable"}
    with zipfile.ZipFile(shared_data / "hbn-r5-labels" / "ds005509-labels.zip") as archive:
        header = archive.read("ds005509/participants.tsv").decode().splitlines()[0]
    assert tuple(header.split("\t")) == COLUMNS


def test_the_set_says_it_is_simulated(dataset):
    description = json.loads((dataset / "dataset_description.json").read_text())
    assert description["Simulated"] is True
    (made,) = description["GeneratedBy"]
    assert (made["Name"], made["Seed"], made["SettingsVersion"]) == (
        "sparseeg simulate",
        SEED,
        DEFAULT.version,
    )
    assert made["SettingsFingerprint"] == DEFAULT.fingerprint()
    assert "SIMULATED" in (dataset / "README").read_text()


def test_mne_reads_back_the_signals_in_volts(dataset):
    path = dataset / "sub-NDARSIM00001" / "eeg" / f"{STEM}_eeg.bdf"
    raw = mne.io.read_raw_bdf(path, preload=True, verbose="error")
    assert tuple(raw.ch_names) == CH_NAMES
    assert raw.info["sfreq"] == 100
    subject = make_subject(SEED, 0, DEFAULT)
    run = make_run(SEED, subject, 1, DEFAULT)
    signals = make_signals(SEED, subject, make_anatomy(SEED, 0, DEFAULT), run, DEFAULT)
    np.testing.assert_allclose(raw.get_data(), signals.T * 1e-6, atol=0.6e-9)
    assert np.abs(raw.get_data()[-1]).max() < 1e-12


def test_mne_bids_reads_it(dataset):
    path = mne_bids.BIDSPath(
        root=dataset, subject="NDARSIM00002", task="contrastChangeDetection", run="2", datatype="eeg"
    )
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Unable to map")  # columns of participants.tsv
        raw = mne_bids.read_raw_bids(path, verbose="error")
    assert set(raw.get_channel_types()) == {"eeg"}
    assert {"left_target", "right_target"} & set(raw.annotations.description)


def test_our_reader_finds_the_trials(dataset):
    windows = load(dataset)
    assert windows.simulated
    assert windows.problems == ()
    assert (windows.n_chans, windows.n_times, windows.sfreq) == (129, 200, 100.0)
    subject = make_subject(SEED, 0, DEFAULT)
    mine = windows.table[windows.table["subject"] == "sub-NDARSIM00001"]
    runs = [make_run(SEED, subject, 1, DEFAULT, 24), make_run(SEED, subject, 2, DEFAULT, 2)]
    expected = pd.concat([run.trials["rt"].dropna() for run in runs])
    np.testing.assert_allclose(mine["target"], expected, atol=1e-9)
    assert mine["age"].iloc[0] == pytest.approx(subject.age)


def test_bytes_depend_on_the_seed_alone(dataset, tmp_path):
    again = simulate_dataset(tmp_path / "again", subjects=3, trials=26, seed=SEED, n_jobs=2)
    assert digests(again) == digests(dataset)
    other = digests(simulate_dataset(tmp_path / "other", subjects=3, trials=1, seed=SEED + 1))
    assert not set(other.values()) & {v for k, v in digests(dataset).items() if k.endswith("bdf")}


def test_a_subject_does_not_depend_on_how_many_there_are(dataset, tmp_path):
    larger = digests(simulate_dataset(tmp_path / "larger", subjects=4, trials=26, seed=SEED))
    recordings = {name: digest for name, digest in digests(dataset).items() if name.startswith("sub-")}
    assert recordings.items() <= larger.items()


def test_an_interrupted_set_is_continued(dataset, tmp_path):
    out = tmp_path / "set"

    def interrupt(done: int, total: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        simulate_dataset(out, subjects=3, trials=26, seed=SEED, progress=interrupt)
    (out / ".sub-NDARSIM00003.part").mkdir()
    first = out / "sub-NDARSIM00001" / "eeg" / f"{STEM}_eeg.bdf"
    written = first.stat().st_mtime_ns
    told = []
    simulate_dataset(
        out, subjects=3, trials=26, seed=SEED, progress=lambda done, total: told.append((done, total))
    )
    assert told == [(1, 3), (2, 3), (3, 3)]
    assert first.stat().st_mtime_ns == written
    assert digests(out) == digests(dataset)


def test_foreign_folders_and_other_sets_are_left_alone(dataset, tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(SparseEEGError, match="not empty"):
        simulate_dataset(tmp_path, subjects=3, trials=1)
    before = digests(dataset)
    with pytest.raises(SparseEEGError, match="not made with these options"):
        simulate_dataset(dataset, subjects=3, trials=26, seed=SEED + 1)
    assert digests(dataset) == before
    with pytest.raises(SparseEEGError, match="is a file"):
        simulate_dataset(tmp_path / "thesis.txt", subjects=3)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"subjects": 2}, "at least 3"),
        ({"trials": 0}, "choose 1 to 72"),
        ({"trials": 73}, "choose 1 to 72"),
        ({"seed": -1}, "seed"),
    ],
)
def test_unusable_numbers_are_refused_before_anything_is_written(tmp_path, options, message):
    with pytest.raises(SparseEEGError, match=message):
        simulate_dataset(tmp_path / "set", **options)
    assert not (tmp_path / "set").exists()


def test_the_last_run_may_be_shorter():
    assert targets_per_run(24) == [24]
    assert targets_per_run(48) == [24, 24]
    assert targets_per_run(60) == [24, 24, 12]


def test_the_documentation_states_these_settings():
    text = (Path(__file__).parents[2] / "docs" / "simulator.md").read_text()
    assert f"version {DEFAULT.version}, fingerprint `{DEFAULT.fingerprint()}`" in text


def test_the_calibrated_signals_have_not_moved():
    """Numbers outside the settings (topographies, traits, filter) belong to the calibration as well."""
    subject = make_subject(0, 0, DEFAULT)
    run = make_run(0, subject, 1, DEFAULT, 2)
    signals = make_signals(0, subject, make_anatomy(0, 0, DEFAULT), run, DEFAULT)
    message = (
        "the simulator's output changed: raise the version of its settings and run benchmarks/simulator.py"
    )
    found = [subject.age, *run.trials["rt"], *signals[1000:1004, 61]]
    np.testing.assert_allclose(found, GOLDEN, atol=0.01, err_msg=message)


def test_the_ideal_observers_of_a_set_know_it_better_than_its_mean(dataset: Path, tmp_path: Path) -> None:
    windows = load(dataset)
    assert simulation_seed(windows) == SEED
    rows = np.flatnonzero(windows.subjects == windows.subjects[0])
    told = ideal(windows, rows, SEED)
    assert told.shape == (len(rows), 6)
    target = windows.targets[rows]
    assert np.corrcoef(told[:, 0], target)[0, 1] > 0.3
    assert (
        np.corrcoef(ideal(windows, rows, SEED + 1)[:, 0], target)[0, 1]
        < np.corrcoef(told[:, 0], target)[0, 1]
    )
    with pytest.raises(SparseEEGError, match="only known for simulated data"):
        simulation_seed(replace(windows, source=str(tmp_path)))
