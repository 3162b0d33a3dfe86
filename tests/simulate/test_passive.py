"""The passive recordings: real files beside unchanged ones, closed eyes, a film, and no answer anywhere."""

import hashlib
import json
import warnings
from dataclasses import replace
from pathlib import Path

import mne
import mne_bids
import numpy as np
import pandas as pd
import pytest
from scipy import signal

from sparseeg.data import load
from sparseeg.data.bids.hbn import CH_NAMES
from sparseeg.data.read_bids import read_bids
from sparseeg.data.store import store
from sparseeg.data.tasks import TaskFile, find_task
from sparseeg.errors import SparseEEGError
from sparseeg.simulate import simulate_dataset
from sparseeg.simulate.forward import make_anatomy
from sparseeg.simulate.passive import CLOSE, FILM, OPEN, REST, passive_recordings
from sparseeg.simulate.passive_signals import eyes_closed, make_passive_signals
from sparseeg.simulate.settings import DEFAULT, SFREQ, SimulatorSettings
from sparseeg.simulate.subjects import Subject, make_subject

SEED, MINUTES = 5, 1.1
SECONDS = 66
OCCIPITAL = [CH_NAMES.index(name) for name in ("E70", "E71", "E75", "E76", "E83")]


@pytest.fixture(scope="module")
def active(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A set without passive recordings."""
    return simulate_dataset(tmp_path_factory.mktemp("active") / "set", subjects=3, trials=2, seed=SEED)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same set with them."""
    out = tmp_path_factory.mktemp("passive") / "set"
    return simulate_dataset(out, subjects=3, trials=2, seed=SEED, passive_minutes=MINUTES)


def digests(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def participants(folder: Path) -> pd.DataFrame:
    return pd.read_csv(folder / "participants.tsv", sep="\t", dtype=str, keep_default_na=False)


def eeg(subject: Subject, task: str, seconds: int, settings: SimulatorSettings = DEFAULT) -> np.ndarray:
    """The signals (time, 129) of one passive recording."""
    (recording,) = (found for found in passive_recordings(seconds) if found.task == task)
    anatomy = make_anatomy(0, subject.index, settings)
    return make_passive_signals(0, subject, anatomy, recording, settings)


def test_every_other_recording_keeps_its_bytes(active, dataset):
    before, after = digests(active), digests(dataset)
    about = {"README", "dataset_description.json", "participants.tsv"}
    assert {name for name in before if before[name] != after.get(name)} == about
    added = {name for name in after if name not in before}
    assert added == {name for name in after if REST in name or FILM in name}
    assert len(added) == 3 * 2 * 4 + 2


def test_participants_differ_in_what_is_available_alone(active, dataset):
    before, after = participants(active), participants(dataset)
    assert set(after[REST]) == set(after[FILM]) == {"available"}
    assert set(after["ThePresent"]) == {"unavailable"}
    pd.testing.assert_frame_equal(before.drop(columns=[REST, FILM]), after.drop(columns=[REST, FILM]))


@pytest.mark.parametrize("task", [REST, FILM])
def test_files_are_named_and_described_as_the_real_ones(dataset, task):
    folder = dataset / "sub-NDARSIM00002" / "eeg"
    stem = f"sub-NDARSIM00002_task-{task}"
    names = {path.name for path in folder.glob(f"*{task}*")}
    assert names == {f"{stem}_{end}" for end in ("eeg.bdf", "eeg.json", "channels.tsv", "events.tsv")}
    sidecar = json.loads((folder / f"{stem}_eeg.json").read_text())
    assert (sidecar["TaskName"], sidecar["RecordingDuration"]) == (task, SECONDS)
    assert "Simulated" in sidecar["TaskDescription"]
    events = pd.read_csv(folder / f"{stem}_events.tsv", sep="\t", dtype=str, keep_default_na=False)
    assert list(events.columns) == ["onset", "duration", "value", "event_code"]
    expected = {
        REST: ["break cnt", "resting_start", OPEN, CLOSE, "break cnt"],
        FILM: ["9999", "video_start", "video_stop"],
    }
    assert list(events["value"]) == expected[task]
    assert events["onset"].astype(float).iloc[-1] < SECONDS
    levels = json.loads((dataset / f"task-{task}_events.json").read_text())["value"]["Levels"]
    assert set(events["value"]) - {"break cnt", "9999"} <= set(levels)


@pytest.mark.parametrize("task", [REST, FILM])
def test_mne_reads_back_the_signals_in_volts(dataset, task):
    path = dataset / "sub-NDARSIM00001" / "eeg" / f"sub-NDARSIM00001_task-{task}_eeg.bdf"
    raw = mne.io.read_raw_bdf(path, preload=True, verbose="error")
    assert tuple(raw.ch_names) == CH_NAMES
    number = (REST, FILM).index(task)
    recording, anatomy = passive_recordings(SECONDS)[number], make_anatomy(SEED, 0, DEFAULT)
    signals = make_passive_signals(SEED, make_subject(SEED, 0, DEFAULT), anatomy, recording, DEFAULT)
    assert signals.dtype == np.float32
    assert signals.shape == (SECONDS * 100, 129)
    np.testing.assert_allclose(raw.get_data(), signals.T * 1e-6, atol=0.6e-9)
    assert not signals[:, -1].any()


def test_mne_bids_reads_it(dataset):
    path = mne_bids.BIDSPath(root=dataset, subject="NDARSIM00002", task=REST, datatype="eeg")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Unable to map")  # columns of participants.tsv
        raw = mne_bids.read_raw_bids(path, verbose="error")
    assert set(raw.get_channel_types()) == {"eeg"}
    assert {OPEN, CLOSE} <= set(raw.annotations.description)


def test_our_reader_cuts_them_and_leaves_response_times_alone(active, dataset):
    task = find_task("age", TaskFile(bids_tasks=(REST, FILM)))
    windows = read_bids(dataset, task=task)
    assert windows.simulated
    assert windows.problems == ()
    assert len(windows.table) == 3 * 2 * ((SECONDS - 4) // 2 + 1)
    before, after = load(active), load(dataset)
    pd.testing.assert_frame_equal(before.table, after.table)


def test_prepare_makes_a_store_of_the_resting_state(dataset, tmp_path, sparseeg):
    out = tmp_path / "store"
    code, text = sparseeg("prepare", dataset, "--task", "age", "--bids-task", REST, "--out", out, "--jobs", 1)
    assert code == 0, text
    windows = store.open_store(out)
    assert windows.simulated
    assert len(windows.table) == 3 * ((SECONDS - 4) // 2 + 1)
    ages = participants(dataset).set_index("participant_id")["age"].astype(float)
    np.testing.assert_allclose(windows.table["target"], ages[windows.table["subject"]], rtol=1e-6)


def test_alpha_is_higher_with_the_eyes_closed():
    ratios = []
    for index in range(4):
        person = make_subject(0, index, DEFAULT)
        signals = eeg(person, REST, 126)[:, OCCIPITAL]
        power = {}
        for name, starts, length in (("open", (7, 67), 17), ("closed", (27, 87), 37)):
            parts = [signals[start * 100 : (start + length) * 100] for start in starts]
            spectra = [signal.welch(part, fs=SFREQ, nperseg=400, axis=0) for part in parts]
            near = np.abs(spectra[0][0] - person.alpha_peak) < 1.0
            power[name] = np.mean([spectrum[near].mean() for _, spectrum in spectra])
        ratios.append(power["closed"] / power["open"])
    assert min(ratios) > 1.2
    assert np.median(ratios) > 2


def test_eyes_follow_the_voice_and_closed_ones_do_not_blink():
    rest, film = passive_recordings(126)
    times = np.arange(126 * 100) / SFREQ
    closed = eyes_closed(times, rest)
    assert not closed[:2600].any()
    assert (closed[2650:6600] == 1).all()
    assert not closed[6650:8600].any()
    assert not eyes_closed(times, film).any()
    person = replace(make_subject(0, 1, DEFAULT), blink_rate=0.5, muscle_rate=0.0)
    large = replace(DEFAULT, noise=replace(DEFAULT.noise, blink_uv=600.0))
    blinking = np.abs(eeg(person, REST, 126, large) - eeg(person, REST, 126)).max(axis=1)
    assert blinking[:2500].max() > 200
    assert blinking[2900:6300].max() < 20


@pytest.mark.parametrize("task", [REST, FILM])
def test_nothing_depends_on_how_a_person_answers(task):
    person = make_subject(0, 2, DEFAULT)
    other = replace(person, rt_mean=0.9, rt_sd=0.6, guess_rate=0.5, miss_rate=0.5)
    np.testing.assert_array_equal(eeg(person, task, 60), eeg(other, task, 60))
    eager = replace(DEFAULT, response=replace(DEFAULT.response, cpp_uv=90.0, motor_uv=90.0, rhythm_drop=0.9))
    np.testing.assert_array_equal(eeg(person, task, 60), eeg(person, task, 60, eager))


@pytest.mark.parametrize("task", [REST, FILM])
def test_mu_and_beta_stay_at_their_ordinary_level(task):
    person = make_subject(0, 3, DEFAULT)
    still = replace(DEFAULT, response=replace(DEFAULT.response, mu_uv=0.0, beta_uv=0.0))
    rhythm = eeg(person, task, 120).astype(np.float64) - eeg(person, task, 120, still)
    level = np.hypot(DEFAULT.response.mu_uv, DEFAULT.response.beta_uv)
    halves = [part.std(axis=0).max() for part in np.split(rhythm, 2)]
    np.testing.assert_allclose(halves, level, rtol=0.2)


def test_the_film_is_the_same_for_everybody_and_its_cuts_are_seen():
    short, long = (passive_recordings(seconds)[1] for seconds in (120, 240))
    assert short.cuts == long.cuts[: len(short.cuts)]
    assert 2.0 < short.cuts[0] < short.cuts[-1] < 118.0
    assert 2.5 < np.mean(np.diff(long.cuts)) < 5.0
    person, anatomy = make_subject(0, 0, DEFAULT), make_anatomy(0, 0, DEFAULT)
    uncut = make_passive_signals(0, person, anatomy, replace(short, cuts=()), DEFAULT)
    best = np.abs(anatomy.visual).argmax()
    evoked = np.abs(eeg(person, FILM, 120) - uncut)[:, best].astype(np.float64)
    since = np.arange(len(evoked))[:, None] / SFREQ - np.array(short.cuts)
    after = ((since > 0.05) & (since < 0.29)).any(axis=1)
    assert np.sqrt(np.mean(evoked[after] ** 2)) > 5 * np.sqrt(np.mean(evoked[~after] ** 2))
    assert 2.0 < evoked.max() < 20.0


def test_no_two_recordings_share_noise():
    person, parts = make_subject(0, 0, DEFAULT), []
    for task in (REST, FILM):
        parts.append(eeg(person, task, 60)[:1500, OCCIPITAL[0]])
    assert abs(np.corrcoef(*parts)[0, 1]) < 0.3


def test_an_interrupted_set_is_continued_and_another_length_refused(dataset, tmp_path):
    out = tmp_path / "set"
    options = {"subjects": 3, "trials": 2, "seed": SEED}

    def interrupt(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        simulate_dataset(out, **options, passive_minutes=MINUTES, progress=interrupt)
    for minutes in (0, 2):
        with pytest.raises(SparseEEGError, match="not made with these options"):
            simulate_dataset(out, **options, passive_minutes=minutes)
    simulate_dataset(out, **options, passive_minutes=MINUTES, n_jobs=2)
    assert digests(out) == digests(dataset)


def test_a_set_without_them_is_not_added_to(active):
    before = digests(active)
    with pytest.raises(SparseEEGError, match="passive minutes"):
        simulate_dataset(active, subjects=3, trials=2, seed=SEED, passive_minutes=MINUTES)
    assert digests(active) == before


@pytest.mark.parametrize("minutes", [-1, 0.5, 31, np.nan, np.inf])
def test_unusable_lengths_are_refused_before_anything_is_written(tmp_path, minutes):
    with pytest.raises(SparseEEGError, match="0 for none, or 1 to 30"):
        simulate_dataset(tmp_path / "set", passive_minutes=minutes)
    assert not (tmp_path / "set").exists()


def test_the_command_takes_minutes(tmp_path, sparseeg):
    out = tmp_path / "set"
    code, text = sparseeg("simulate", out, "--subjects", 3, "--trials", 1, "--passive", 1, "--jobs", 1)
    assert code == 0, text
    assert len(list(out.rglob(f"*{FILM}_eeg.bdf"))) == 3
    code, text = sparseeg("simulate", tmp_path / "other", "--passive", 0.2)
    assert code == 2
    assert "0.2 minutes" in text
