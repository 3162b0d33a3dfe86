"""BIDS folders: which samples a window holds, and what stands beside it."""

import mne
import numpy as np
import pytest

from helpers.bids_folder import BidsFolder, contrast_events
from sparseeg.data.bids.hbn import CH_NAMES, EXCLUDED_SUBJECTS
from sparseeg.data.bids.layout import BidsFile
from sparseeg.data.bids.trials import CONTRAST_CHANGE
from sparseeg.data.cuts import TrialCut, event_samples
from sparseeg.data.load import load
from sparseeg.data.provenance import Processing
from sparseeg.data.read_bids import read_bids
from sparseeg.data.signals.intervals import segments
from sparseeg.data.signals.recording import Recording, read_recording
from sparseeg.errors import SparseEEGError


def ramp(n_chans: int, seconds: float, sfreq: float = 100.0) -> np.ndarray:
    """Return (channel, time) microvolts where every sample has its own value."""
    n_times = round(seconds * sfreq)
    return np.arange(n_times) / n_times * 200.0 + 10.0 * np.arange(n_chans)[:, None]


@pytest.mark.parametrize("extension", [".bdf", ".set"])
def test_a_window_holds_the_samples_from_half_a_second_after_its_stimulus_in_microvolts(bids, extension):
    data = ramp(4, 20)
    bids.add("A", data=data, extension=extension)
    windows = read_bids(bids.root)
    assert (windows.n_times, windows.sfreq, windows.tmin) == (200, 100.0, 0.5)
    assert windows.targets == pytest.approx([1.5, 0.8])
    expected = np.stack([data[:, 450:650], data[:, 1550:1750]])
    assert np.abs(windows.gather([0, 1]) - expected).max() < 1e-4  # a 24-bit step is 6e-5 microvolts
    assert windows.signals[0].dtype == np.float32
    assert windows.table["onset"].tolist() == [4.0, 15.0]


@pytest.mark.parametrize("extension", [".bdf", ".set"])
def test_samples_are_exactly_those_mne_reads(bids, extension):
    path = bids.add("A", extension=extension)
    volts = mne.io.read_raw(path, verbose="error").get_data()
    expected = (volts * 1e6).astype(np.float32)
    windows = read_bids(bids.root)
    assert np.array_equal(windows.gather([0, 1]), np.stack([expected[:, 450:650], expected[:, 1550:1750]]))


@pytest.mark.parametrize(
    ("onset", "sample"),
    [
        (4.0, 400),
        (4.004, 400),
        (4.0049, 400),
        (4.0051, 401),
        (4.006, 401),
        (10.125, 1012),  # 1012.5: to the even sample
        (10.135, 1014),  # 1013.5: to the even sample
        (0.285, 28),  # 28.499999999999996 in floating point
        (39.554999999999, 3956),  # 39.555 to the microsecond, and 3955.5 goes to the even sample
        (39.554999, 3955),
    ],
)
def test_an_onset_between_samples_goes_to_the_nearest_and_halves_to_the_even_one(onset, sample):
    """What mne.events_from_annotations, and with it the public pipeline, does."""
    assert event_samples(np.array([onset]), 0.5, 100.0) == [sample + 50]
    info = mne.create_info(1, 100.0, "eeg")
    raw = mne.io.RawArray(np.zeros((1, 5000)), info, verbose="error")
    raw.set_annotations(mne.Annotations(onset, 0.0, "stimulus"))
    events, _ = mne.events_from_annotations(raw, verbose="error")
    assert events[0, 0] == sample


def test_overlapping_windows_share_their_samples(bids):
    data = ramp(2, 20)
    events = contrast_events([4.0, 5.2, 10.0], [1.0, 1.1, 1.2])
    events.loc[np.isclose(events["onset"], 5.2 - 2.8), "onset"] = 5.1  # 0.1 s before its stimulus
    bids.add("A", data=data, ch_names=CH_NAMES[:2], events=events)
    windows = read_bids(bids.root)
    assert len(windows.signals[0]) == 320 + 200  # 450..770 and 1050..1250
    expected = np.stack([data[:, start : start + 200] for start in (450, 570, 1050)])
    assert np.abs(windows.gather([0, 1, 2]) - expected).max() < 1e-4


def test_segments_are_the_union_of_the_windows_in_order():
    first = np.array([12, 2, 4, 4, 16])
    begins, ends = segments(first, first + 4)
    assert (begins.tolist(), ends.tolist()) == ([2, 12], [8, 20])
    begins, ends = segments(np.array([0, 1]), np.array([10, 3]))
    assert (begins.tolist(), ends.tolist()) == ([0], [10])


def test_runs_sessions_and_subjects_stand_in_the_table(bids):
    bids.write_participants({"A": ("R1", "F", "8.5"), "B": ("R5", "M", "n/a")})
    bids.add("A", run=1)
    bids.add("A", run=2, extension=".set")
    bids.add("B", session="02")
    windows = read_bids(bids.root)
    table = windows.table
    assert windows.problems == ()
    assert table["subject"].tolist() == ["sub-A"] * 4 + ["sub-B"] * 2
    assert table["run"].tolist() == ["1", "1", "2", "2", "1", "1"]
    assert table["release"].tolist() == ["R1"] * 4 + ["R5"] * 2
    assert table["age"].tolist()[:4] == [8.5] * 4
    assert np.isnan(table["age"].iloc[4])
    assert table["sex"].tolist() == ["F"] * 4 + ["M"] * 2
    assert table["trial"].tolist() == [0, 2] * 3
    assert set(table["task"]) == {"contrastChangeDetection"}
    assert table["correct"].tolist() == [True] * 6
    assert table["file"].iloc[4].startswith("sub-B/ses-02/eeg/")


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_the_result_does_not_depend_on_the_number_of_processes_and_progress_counts(bids, n_jobs):
    for subject in "ABC":
        bids.add(subject, seed=ord(subject))
    seen: list[tuple[int, int]] = []
    windows = read_bids(bids.root, n_jobs=n_jobs, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(1, 3), (2, 3), (3, 3)]
    assert windows.table["subject"].tolist() == ["sub-A", "sub-A", "sub-B", "sub-B", "sub-C", "sub-C"]
    assert np.array_equal(windows.gather(range(6)), read_bids(bids.root).gather(range(6)))


def test_a_bdf_is_preferred_to_a_set_of_the_same_recording(bids):
    bids.add("A", extension=".set")
    bids.add("A", extension=".bdf")
    windows = read_bids(bids.root)
    assert windows.table["file"].unique().tolist() == [
        "sub-A/eeg/sub-A_task-contrastChangeDetection_run-1_eeg.bdf"
    ]


def test_other_tasks_are_not_read(bids):
    bids.add("A")
    bids.add("A", task="contrastChangeDetectionPractice")
    bids.add("A", task="RestingState")
    assert len(read_bids(bids.root)) == 2


def test_a_folder_of_bids_folders_is_read_as_one(tmp_path):
    for number, release in enumerate(("R1", "R2")):
        folder = BidsFolder(tmp_path / release, simulated=bool(number))
        folder.write_participants({f"{release}A": (release, "F", "8")})
        folder.add(f"{release}A")
    windows = read_bids(tmp_path)
    assert windows.table["release"].tolist() == ["R1", "R1", "R2", "R2"]
    assert windows.simulated


def test_simulated_is_read_from_the_description(tmp_path):
    for simulated in (True, False):
        folder = BidsFolder(tmp_path / str(simulated), simulated=simulated)
        folder.add("A")
        assert read_bids(folder.root).simulated is simulated


def test_another_sampling_rate_is_resampled_with_a_note(bids):
    times = np.arange(20 * 500) / 500.0
    data = 50.0 * np.sin(2 * np.pi * 3.1 * times)[None] * np.array([[1.0], [0.5]])
    path = bids.add("A", data=data, ch_names=CH_NAMES[:2], sfreq=500.0)
    windows = read_bids(bids.root)
    inside = np.arange(450, 650) / 100.0
    expected = 50.0 * np.sin(2 * np.pi * 3.1 * inside) * np.array([[1.0], [0.5]])
    assert np.abs(windows.gather([0])[0] - expected).max() < 0.5
    notes = [problem for problem in windows.problems if problem.path == path]
    assert [str(note) for note in notes] == [
        f"{path}: sampled at 500 Hz instead of 100 Hz (resampled to 100 Hz)"
    ]
    assert notes[0].lost == "nothing"


def test_another_window_can_be_asked_for(bids):
    data = ramp(2, 20)
    bids.add("A", data=data, ch_names=CH_NAMES[:2])
    windows = load(bids.root, tmin=-0.2, tmax=0.8)
    assert windows.n_times == 100
    assert np.abs(windows.gather([0])[0] - data[:, 380:480]).max() < 1e-4


@pytest.mark.parametrize("window", [{"tmin": 1.0, "tmax": 1.0}, {"tmax": float("nan")}, {"sfreq": 0.0}])
def test_an_impossible_window_is_an_error(bids, window):
    bids.add("A")
    with pytest.raises(SparseEEGError, match=r"no window from|sampling rate of 0 Hz|tmax: .* finite number"):
        load(bids.root, **window)


def test_channels_in_another_order_are_put_in_order(bids):
    data = ramp(4, 20)
    bids.add("A", data=data)
    bids.add("B", data=data + 2.0)
    names = CH_NAMES[-4:]
    bids.add("C", data=data[::-1] + 5.0, ch_names=names[::-1])
    windows = read_bids(bids.root)
    assert windows.ch_names == names
    assert windows.gather([4]) == pytest.approx(windows.gather([0]) + 5.0, abs=1e-3)


def test_channels_that_are_no_eeg_are_not_read(bids):
    path = bids.add("A", ch_names=("E1", "E2", "Cz", "pulse"))
    channels = path.with_name(path.name.replace("_eeg.bdf", "_channels.tsv"))
    channels.write_text("name\ttype\tunits\nE1\tEEG\tuV\nE2\tn/a\tuV\nCz\tREF\tuV\npulse\tECG\tuV\n")
    assert read_bids(bids.root).ch_names == ("E1", "E2", "Cz")


def test_the_nine_subjects_are_left_out_unless_asked_for(bids):
    excluded = sorted(EXCLUDED_SUBJECTS)[0]
    bids.add("A")
    path = bids.add(excluded.removeprefix("sub-"))
    windows = read_bids(bids.root)
    assert set(windows.subjects) == {"sub-A"}
    note = next(problem for problem in windows.problems if problem.path == path)
    assert "one of the nine subjects the challenge excludes" in note.reason
    assert note.lost == "recording"
    assert set(read_bids(bids.root, keep_excluded=True).subjects) == {"sub-A", excluded}


def test_releases_can_be_chosen(bids):
    bids.write_participants({"A": ("R1", "F", "8"), "B": ("R5", "M", "9"), "C": ("n/a", "M", "9")})
    for subject in "ABC":
        bids.add(subject)
    windows = read_bids(bids.root, releases=["r5"])
    assert set(windows.subjects) == {"sub-B"}
    assert [problem.reason for problem in windows.problems] == ["its release is not known"]
    with pytest.raises(SparseEEGError, match=r"no recording of release R2; participants\.tsv names R1, R5"):
        read_bids(bids.root, releases=["R2"])
    with pytest.raises(SparseEEGError, match=r"no recording of release R2, R9; participants"):
        read_bids(bids.root, releases=["R1", "R9", "R2"])
    some = read_bids(bids.root, releases=["R1", "R9"], every_release=False)
    assert set(some.subjects) == {"sub-A"}
    with pytest.raises(SparseEEGError, match=r"unknown release 'R12': HBN-EEG has R1 to R11\. Did you mean"):
        read_bids(bids.root, releases=["R12"])


def test_the_full_channel_set_keeps_its_order_and_a_flat_reference(bids):
    data = ramp(129, 20)
    data[-1] = 0.0
    path = bids.add("A", data=data % 400, ch_names=CH_NAMES)
    recording = read_recording(
        BidsFile(path, bids.root), TrialCut(CONTRAST_CHANGE, 0.5, 200, 100.0), Processing(100.0)
    )
    assert isinstance(recording, Recording)
    assert recording.ch_names == CH_NAMES
    assert np.abs(recording.signal[:, -1]).max() < 1e-4


def test_a_choice_of_channels_that_does_not_exist_is_refused():
    with pytest.raises(
        SparseEEGError, match="channels='bogus': it is 'common', 'interpolate', 'strict' or None"
    ):
        Processing(channels="bogus")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('{"SamplingFrequency": 500}', "is sampled at 500 Hz, but it is at 100 Hz"),
        ('{"SamplingFrequency": 100.0}', None),
        ('{"PowerLineFrequency": 50}', None),
        ('{"SamplingFrequency": ', "is damaged"),
    ],
)
def test_a_description_that_contradicts_its_recording_is_said(bids, content, said):
    path = bids.add("A")
    sidecar = path.with_name(path.name.replace("_eeg.bdf", "_eeg.json"))
    sidecar.write_text(content)
    problems = [problem for problem in read_bids(bids.root).problems if problem.path == sidecar]
    assert [said in problem.reason for problem in problems] == ([] if said is None else [True])
    assert all(problem.lost == "nothing" for problem in problems)
