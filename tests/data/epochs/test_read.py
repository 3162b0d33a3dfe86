"""Folders of MNE epochs: targets, crops, subjects, and what happens to files that don't fit."""

import mne
import numpy as np
import pytest

from helpers.epochs_file import CHANNELS, write_epochs
from sparseeg.data.epochs.file import Crop
from sparseeg.data.epochs.read import read_epochs
from sparseeg.data.load import load
from sparseeg.data.provenance import FileInfo
from sparseeg.errors import SparseEEGError


def test_each_epoch_is_a_window_with_its_target_in_seconds(tmp_path):
    data = write_epochs(tmp_path / "sub-01_task-P3_epo.fif")
    write_epochs(tmp_path / "sub-02" / "sub-02-epo.fif")
    windows = read_epochs(tmp_path, target="rt", target_unit="ms")
    assert (len(windows), windows.n_times, windows.sfreq, windows.tmin) == (6, 100, 100.0, -0.2)
    assert (windows.target_name, windows.target_unit) == ("rt", "s")
    assert windows.targets == pytest.approx([0.3, 0.45, 0.7] * 2)
    assert windows.subjects.tolist() == ["sub-01"] * 3 + ["sub-02"] * 3
    assert windows.ch_names == CHANNELS
    assert np.abs(windows.gather([0, 1, 2]) - data).max() < 1e-4
    assert windows.problems == ()


@pytest.mark.parametrize(
    ("unit", "factor", "kept"),
    [("s", 1.0, "s"), ("ms", 1e-3, "s"), ("us", 1e-6, "s"), ("kg", 1.0, "kg"), (None, 1.0, "a.u.")],
)
def test_times_become_seconds_and_other_units_stay(tmp_path, unit, factor, kept):
    write_epochs(tmp_path / "sub-01_epo.fif")
    longest = 1000.0 if kept == "s" else None
    windows = read_epochs(tmp_path, target="rt", target_unit=unit, max_rt=longest)
    assert windows.targets == pytest.approx(np.array([300.0, 450.0, 700.0]) * factor)
    assert windows.target_unit == kept


def test_a_crop_is_half_open_and_begins_at_tmin(tmp_path):
    data = write_epochs(tmp_path / "sub-01_epo.fif")
    windows = read_epochs(tmp_path, target="rt", tmin=0.0, tmax=0.5)
    assert (windows.n_times, windows.tmin) == (50, 0.0)
    assert np.abs(windows.gather([0])[0] - data[0, :, 20:70]).max() < 1e-4
    assert read_epochs(tmp_path, target="rt", tmin=0.0).n_times == 80
    assert read_epochs(tmp_path, target="rt", tmax=0.0).n_times == 20


@pytest.mark.parametrize(
    ("crop", "times", "sfreq", "expected"),
    [
        (Crop(0.0, 0.8), -0.2 + np.arange(100) / 100, 100.0, (20, 80)),
        (Crop(0.0, 0.8), -51 / 256 + np.arange(128) / 128, 128.0, (26, 102)),  # no sample at 0: the next one
        (Crop(), np.arange(10) / 10, 10.0, (0, 10)),
        (Crop(-0.5, 0.5), np.arange(10) / 10, 10.0, (-5, 10)),
    ],
)
def test_the_samples_of_a_crop(crop, times, sfreq, expected):
    assert crop.samples(times, sfreq) == expected


def test_resampling_comes_before_the_crop(tmp_path):
    times = -0.2 + np.arange(500) / 500.0
    data = 20.0 * np.cos(2 * np.pi * 4.0 * times)[None, None].repeat(3, 1).repeat(2, 0)
    write_epochs(tmp_path / "sub-01_epo.fif", rt=(1.0, 2.0), sfreq=500.0, n_times=500, data=data)
    windows = read_epochs(tmp_path, target="rt", tmin=0.0, tmax=0.5, sfreq=100.0)
    assert (windows.n_times, windows.sfreq, windows.tmin) == (50, 100.0, pytest.approx(0.0))
    expected = 20.0 * np.cos(2 * np.pi * 4.0 * np.arange(50) / 100.0)
    assert np.abs(windows.gather([0]) - expected).max() < 0.1  # to the edges of the crop


@pytest.mark.parametrize(
    ("sfreq", "tmin", "first"),
    [
        (128.0, 0.0, 0.0),
        (128.0, -0.1, -12 / 128),  # the first multiple of 1 / 128 s after it
        (100.0, 0.0, 0.0),
        (100.0, -0.1, -0.1),
    ],
)
def test_files_of_several_rates_get_the_same_times(tmp_path, sfreq, tmin, first):
    """Epochs from -0.2 s begin at sample -51 of 256 Hz, which lies between two samples of 128 Hz."""
    rates = (128.0, 256.0, 512.0) if first == -12 / 128 else (128.0, 256.0, 250.0, 512.0)
    for rate in rates:
        begin = round(-0.2 * rate)
        times = (begin + np.arange(round(1.2 * rate))) / rate
        data = 20.0 * np.cos(2 * np.pi * 4.0 * times + rate)[None, None].repeat(3, 1)
        path = tmp_path / f"sub-{rate:.0f}_epo.fif"
        write_epochs(
            path, rt=(1.0,), sfreq=rate, n_times=len(times), tmin=begin / rate, data=data, band=(0.0, 40.0)
        )
        assert mne.read_epochs(path, verbose="error").times[0] == begin / rate
    windows = read_epochs(tmp_path, target="rt", tmin=tmin, tmax=tmin + 0.5, sfreq=sfreq)
    assert windows.problems == ()
    assert windows.tmin == first
    assert len(windows) == len(rates)
    times = first + np.arange(windows.n_times) / sfreq
    for subject, row in zip(windows.subjects, windows.gather(range(len(windows))), strict=True):
        expected = 20.0 * np.cos(2 * np.pi * 4.0 * times + float(subject.removeprefix("sub-")))
        assert np.abs(row - expected).max() < 0.1


def test_resampling_can_begin_at_any_sample_of_the_file(tmp_path):
    """As that of networks trained on windows between the multiples of the new interval."""
    times = (-51 + np.arange(307)) / 256
    data = 20.0 * np.cos(2 * np.pi * 4.0 * times)[None, None].repeat(3, 1).repeat(3, 0)
    write_epochs(tmp_path / "sub-01_epo.fif", sfreq=256.0, n_times=307, tmin=-51 / 256, data=data)
    windows = read_epochs(tmp_path, target="rt", tmin=1 / 256, tmax=1 / 256 + 0.5, sfreq=128.0)
    assert windows.tmin == 1 / 256
    expected = 20.0 * np.cos(2 * np.pi * 4.0 * (1 / 256 + np.arange(64) / 128))
    assert np.abs(windows.gather([0]) - expected).max() < 0.1


def test_a_rate_whose_ratio_needs_more_samples_than_there_are(tmp_path):
    times = np.arange(200) / 512.0347
    data = 20.0 * np.cos(2 * np.pi * 4.0 * times)[None, None].repeat(3, 1).repeat(3, 0)
    write_epochs(tmp_path / "sub-01_epo.fif", sfreq=512.0347, n_times=200, tmin=0.0, data=data)
    windows = read_epochs(tmp_path, target="rt", tmin=0.05, tmax=0.3, sfreq=100.0)
    assert 0.05 <= windows.tmin < 0.06
    expected = 20.0 * np.cos(2 * np.pi * 4.0 * (windows.tmin + np.arange(25) / 100))
    assert np.abs(windows.gather([0]) - expected).max() < 0.1


def test_files_of_one_subject_are_joined_and_a_name_without_subject_is_the_subject(tmp_path):
    write_epochs(tmp_path / "sub-01_run-1_epo.fif")
    write_epochs(tmp_path / "sub-01_run-2_epo.fif")
    write_epochs(tmp_path / "anna-epo.fif")
    windows = read_epochs(tmp_path, target="rt")
    assert windows.table["subject"].unique().tolist() == ["anna", "sub-01"]
    assert windows.table["recording"].nunique() == 3


def test_only_eeg_channels_are_read_and_bad_ones_are_kept_with_a_note(tmp_path):
    path = tmp_path / "sub-01_epo.fif"
    write_epochs(path, ch_names=("Fz", "EOG1", "Cz"))
    epochs = mne.read_epochs(path, verbose="error")
    epochs.info["bads"] = ["Cz", "EOG1"]
    epochs.save(path, overwrite=True, verbose="error")
    windows = read_epochs(tmp_path, target="rt")
    assert windows.ch_names == ("Fz", "Cz")
    assert [str(problem) for problem in windows.problems] == [
        f"{path}: 1 of 3 channels is not EEG (EOG: EOG1) (left out)",
        f"{path}: channels marked bad: Cz (kept, because all recordings need the same channels)",
    ]


def test_missing_targets_are_dropped_and_counted(tmp_path):
    path = tmp_path / "sub-01_epo.fif"
    data = write_epochs(path, rt=(300.0, np.nan, 700.0, np.inf))
    windows = read_epochs(tmp_path, target="rt", target_unit="ms")
    assert windows.targets == pytest.approx([0.3, 0.7])
    assert np.abs(windows.gather([0, 1]) - data[[0, 2]]).max() < 1e-4
    assert windows.table["trial"].tolist() == [0, 2]
    assert sum(problem.count for problem in windows.problems) == 2
    assert {problem.path for problem in windows.problems} == {path}


def test_text_among_the_targets_is_named(tmp_path):
    path = tmp_path / "sub-01_epo.fif"
    write_epochs(path, rt=("300", "none", "700"))
    windows = read_epochs(tmp_path, target="rt", target_unit="ms")
    assert windows.targets == pytest.approx([0.3, 0.7])
    assert windows.problems[0].reason == "column rt, epoch 2: 'none' is not a finite number"


def test_a_target_of_text_is_told_shortly_with_what_to_do(tmp_path):
    for number in range(4):
        write_epochs(tmp_path / f"sub-0{number}_epo.fif")
    with pytest.raises(SparseEEGError) as caught:
        read_epochs(tmp_path, target="kind")
    assert str(caught.value) == (
        f"{tmp_path / 'sub-00_epo.fif'}: "
        "column kind, epoch 1: 'rare' is not a finite number (3 such epochs); "
        "decode a column of numbers (block, rt), or write numbers into kind, as 0 and 1 for two categories"
    )


def test_epochs_with_nan_are_dropped_and_counted(tmp_path):
    data = np.random.default_rng(0).normal(size=(3, 3, 100))
    data[1, 0, 5] = np.nan
    write_epochs(tmp_path / "sub-01_epo.fif", data=data)
    windows = read_epochs(tmp_path, target="rt")
    assert len(windows) == 2
    assert windows.problems[0].reason == "1 of 3 epochs hold NaN or infinite samples"
    assert windows.problems[0].count == 1
    assert read_epochs(tmp_path, target="rt", tmin=0.0).problems == ()  # the NaN lies before the crop


def test_files_unlike_the_others_are_left_out_and_the_others_read(tmp_path):
    for number in range(3):
        write_epochs(tmp_path / f"sub-0{number}_epo.fif")
    write_epochs(tmp_path / "sub-10_epo.fif", ch_names=("Fz", "Cz"))
    write_epochs(tmp_path / "sub-11_epo.fif", sfreq=200.0)
    write_epochs(tmp_path / "sub-12_epo.fif", n_times=50)
    (tmp_path / "sub-13_epo.fif").write_bytes(b"nothing")
    reversed_names = CHANNELS[::-1]
    data = write_epochs(tmp_path / "sub-14_epo.fif", ch_names=reversed_names)
    windows = read_epochs(tmp_path, target="rt", channels="strict")
    assert sorted(set(windows.subjects)) == ["sub-00", "sub-01", "sub-02", "sub-14"]
    assert np.abs(windows.gather([9])[0] - data[0, ::-1]).max() < 1e-4
    reasons = {problem.path.name: problem.reason for problem in windows.problems}
    assert reasons["sub-10_epo.fif"] == "2 EEG channels instead of 3; missing: Pz"
    assert reasons["sub-11_epo.fif"].startswith(
        "100 samples at 200 Hz from -0.200 s, but most files have 100"
    )
    assert reasons["sub-12_epo.fif"].startswith("50 samples at 100 Hz")
    assert reasons["sub-13_epo.fif"].startswith("can't be read")
    assert {problem.lost for problem in windows.problems} == {"nothing", "recording"}


@pytest.mark.parametrize(
    ("options", "hint"),
    [
        ({}, "give sfreq, tmin and tmax for all"),
        ({"sfreq": 100.0}, "give tmin and tmax for all"),
        ({"tmin": 0.0, "sfreq": 100.0}, "give tmax for all"),
    ],
)
def test_the_hint_names_only_what_was_not_given(tmp_path, options, hint):
    for number in range(2):
        write_epochs(tmp_path / f"sub-0{number}_epo.fif")
    write_epochs(tmp_path / "sub-10_epo.fif", sfreq=1000.0, tmin=-0.205, n_times=1200)
    (problem,) = read_epochs(tmp_path, target="rt", **options).problems
    assert problem.path.name == "sub-10_epo.fif"
    assert problem.reason.endswith(hint)


def test_epochs_too_short_for_the_window_are_left_out(tmp_path):
    write_epochs(tmp_path / "sub-01_epo.fif")
    write_epochs(tmp_path / "sub-02_epo.fif", n_times=60)
    windows = read_epochs(tmp_path, target="rt", tmin=0.0, tmax=0.6)
    assert set(windows.subjects) == {"sub-01"}
    assert windows.problems[0].reason == "its epochs cover -0.200 to 0.400 s, not 0 s to 0.6 s"


def test_a_misspelt_column_gets_a_hint_and_the_columns_there_are(tmp_path):
    write_epochs(tmp_path / "sub-01_epo.fif")
    with pytest.raises(
        SparseEEGError, match=r"no metadata column 'rtt'; columns of numbers: block, rt\. Did you mean 'rt'"
    ):
        read_epochs(tmp_path, target="rtt")
    with pytest.raises(SparseEEGError, match=r"name the metadata column to decode as target; .*: block, rt"):
        read_epochs(tmp_path, target=None)


def test_a_file_without_metadata_is_reported(tmp_path):
    write_epochs(tmp_path / "sub-01_epo.fif")
    info = mne.create_info(list(CHANNELS), 100.0, "eeg")
    bare = mne.EpochsArray(np.zeros((2, 3, 100)), info, tmin=-0.2, verbose="error")
    bare.save(tmp_path / "sub-02_epo.fif", verbose="error")
    windows = read_epochs(tmp_path, target="rt")
    assert [problem.reason for problem in windows.problems] == ["its epochs have no metadata"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"tmin": 1.0, "tmax": 0.5}, "tmax must be greater than tmin"),
        ({"sfreq": -1.0}, "a sampling rate of -1 Hz is not possible"),
        ({"sfreq": 0.0}, "a sampling rate of 0 Hz"),
        ({"sfreq": np.nan}, "a sampling rate of nan Hz"),
        ({"sfreq": np.inf}, "a sampling rate of inf Hz"),
        ({"tmin": np.nan}, "tmin is nan; give a finite number of seconds"),
        ({"tmin": -np.inf}, "tmin is -inf"),
        ({"tmax": np.inf}, "tmax is inf"),
        ({"tmin": 0.0, "tmax": np.nan}, "tmax is nan"),
        ({"margin": np.inf}, "margin=inf: "),
        ({"margin": np.nan}, "margin=nan: "),
        ({"margin": -0.1}, "margin=-0.1: "),
        ({"max_rt": np.inf}, "a longest response time of inf s is not possible"),
        ({"max_rt": np.nan}, "a longest response time of nan s"),
        ({"max_rt": 0.0}, "a longest response time of 0 s"),
        ({"max_rt": -3.0}, "a longest response time of -3 s"),
    ],
)
def test_impossible_windows_are_errors(tmp_path, options, words):
    write_epochs(tmp_path / "sub-01_epo.fif")
    for read in (read_epochs, load):
        with pytest.raises(SparseEEGError, match=words):
            read(tmp_path, target="rt", target_unit="ms", **options)


def test_no_epoch_left_is_an_error_that_says_why(tmp_path):
    write_epochs(tmp_path / "sub-01_epo.fif")
    with pytest.raises(
        SparseEEGError, match=r"no usable epoch in 1 files; .* its epochs cover -0\.200 to 0\.800 s"
    ):
        read_epochs(tmp_path, target="rt", tmin=-1.0)


def test_real_p3_epochs(real_epochs):
    windows = read_epochs(real_epochs, target="rt", target_unit="ms", tmin=0.0, tmax=0.8, sfreq=128.0)
    assert windows.problems == ()
    assert windows.gather(range(len(windows))).shape == (648, 28, 102)
    assert windows.table["subject"].nunique() == 6
    assert windows.targets.min() > 0.19
    assert windows.targets.max() < 1.0
    whole = read_epochs(real_epochs, target="rt", target_unit="ms")
    assert (whole.n_times, whole.sfreq) == (256, 256.0)
    exact = read_epochs(real_epochs, target="rt", target_unit="ms", tmin=0.0)
    assert exact.tmin == 0.0
    file = sorted(real_epochs.glob("*_epo.fif"))[0]
    expected = mne.read_epochs(file, verbose="error").get_data(picks="eeg", tmin=0.0)
    assert np.array_equal(exact.gather([0])[0], (expected[0] * 1e6).astype(np.float32))


def test_a_margin_is_kept_as_far_as_the_epoch_reaches(tmp_path):
    data = write_epochs(tmp_path / "sub-01_epo.fif")
    windows = read_epochs(tmp_path, target="rt", target_unit="ms", tmin=0.0, tmax=0.7, margin=0.15)
    assert (windows.n_times, windows.tmin) == (70, 0.0)
    table = windows.table
    assert (table["start"] - table["earliest"]).tolist() == [15] * 3
    assert (table["latest"] - table["start"]).tolist() == [10] * 3  # the epoch ends at 0.8 s
    assert np.abs(windows.gather([1])[0] - data[1, :, 20:90]).max() < 1e-4
    moved = windows.gather([1], starts=table["start"].to_numpy()[[1]] - 15)
    assert np.abs(moved[0] - data[1, :, 5:75]).max() < 1e-4
    assert windows.movable
    assert not read_epochs(tmp_path, target="rt").movable


@pytest.mark.parametrize(
    ("options", "sfreq", "expected"),
    [
        ({}, None, FileInfo(0.0, 50.0, False, ())),
        ({"band": (0.1, 30.0), "reference": True}, None, FileInfo(0.1, 30.0, True, ())),
        ({"band": (0.1, 40.0)}, 50.0, FileInfo(0.1, 25.0, False, ())),  # resampling is a low-pass filter
        ({"baseline": (None, 0.0)}, None, FileInfo(0.0, 50.0, False, (-0.2, 0.0))),
        ({"baseline": (-0.1, 0.2)}, None, FileInfo(0.0, 50.0, False, (-0.1, 0.2))),
    ],
)
def test_band_and_reference_in_the_info_of_files_are_kept(tmp_path, options, sfreq, expected):
    write_epochs(tmp_path / "sub-01_epo.fif", **options)
    windows = read_epochs(tmp_path, target="rt", sfreq=sfreq)
    assert windows.file_info == expected
    assert f"files say {expected}" in windows.summary()
    limited = f"(edges above {windows.sfreq / 2:g} Hz count as that, half of the windows' rate)"
    assert (limited in windows.summary()) == (expected.low_pass == windows.sfreq / 2)


def test_an_average_reference_that_is_applied_as_a_projector_counts(tmp_path):
    path = tmp_path / "sub-01_epo.fif"
    write_epochs(path)
    epochs = mne.read_epochs(path, verbose="error").set_eeg_reference(projection=True, verbose="error")
    epochs.apply_proj(verbose="error").save(path, overwrite=True, verbose="error")
    assert read_epochs(tmp_path, target="rt").file_info == FileInfo(0.0, 50.0, True, ())


@pytest.mark.parametrize(
    "options",
    [{"band": (1.0, 30.0)}, {"reference": True}, {"baseline": (None, 0.0)}, {"baseline": (0.0, 0.1)}],
)
def test_files_with_another_info_than_most_are_left_out(tmp_path, options):
    for subject in ("01", "02"):
        write_epochs(tmp_path / f"sub-{subject}_epo.fif")
    write_epochs(tmp_path / "sub-03_epo.fif", **options)
    windows = read_epochs(tmp_path, target="rt")
    assert set(windows.subjects) == {"sub-01", "sub-02"}
    (problem,) = windows.problems
    assert problem.path.name == "sub-03_epo.fif"
    most = "0 to 50 Hz, with the reference of the recording, without baseline correction"
    assert f"but most files say {most}" in problem.reason


def test_files_with_another_baseline_than_most_are_left_out(tmp_path):
    for subject in ("01", "02"):
        write_epochs(tmp_path / f"sub-{subject}_epo.fif", baseline=(None, 0.0))
    write_epochs(tmp_path / "sub-03_epo.fif")
    write_epochs(tmp_path / "sub-04_epo.fif", baseline=(-0.1, 0.0))
    # Almost the same interval: the samples of other rates lie at other times.
    write_epochs(tmp_path / "sub-05_epo.fif", sfreq=1000.0, n_times=1000, baseline=(-0.199, 0.0))
    windows = read_epochs(tmp_path, target="rt", sfreq=100.0, tmin=0.0, tmax=0.5)
    assert set(windows.subjects) == {"sub-01", "sub-02", "sub-05"}
    said = {problem.path.name: problem.reason for problem in windows.problems if problem.lost == "recording"}
    assert "recording, without baseline correction, but most" in said["sub-03_epo.fif"]
    assert "recording, baseline -0.1 to 0 s, but most files say" in said["sub-04_epo.fif"]
    assert "baseline -0.2 to 0 s" in windows.summary()


def test_real_epochs_keep_all_their_channels(shared_data):
    windows = read_epochs(shared_data / "erpcore-p3", target="rt", target_unit="ms")
    assert (windows.n_chans, windows.processing.channels) == (28, None)
    assert windows.ch_names[:3] == ("FP1", "F3", "F7")
    path = shared_data / "erpcore-p3" / "sub-06_task-P3_epo.fif"
    epochs = mne.read_epochs(path, verbose="error")
    trial = int(windows.table["trial"].iloc[0])
    expected = epochs.get_data(copy=False)[trial] * 1e6
    assert np.abs(windows.gather([0])[0] - expected).max() < 1e-3


def test_constant_epochs_are_counted_and_kept(tmp_path):
    data = np.random.default_rng(0).normal(size=(6, 3, 100))
    data[[1, 4], :, 20:] = 30.0
    write_epochs(tmp_path / "sub-01_epo.fif", rt=range(300, 306), data=data)
    windows = read_epochs(tmp_path, target="rt", tmin=0.0)
    assert len(windows) == 6
    (problem,) = windows.problems
    assert "2 of 6 epochs hold a constant signal in every channel" in problem.reason
    assert problem.lost == "nothing"
