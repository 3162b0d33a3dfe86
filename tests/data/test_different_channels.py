"""Recordings with different channels become one data set, with the values that MNE gives."""

from pathlib import Path

import mne
import numpy as np
import pytest

from helpers.bids_folder import BidsFolder
from helpers.epochs_file import write_epochs
from sparseeg.data.epochs.read import read_epochs
from sparseeg.data.load import load, load_like
from sparseeg.data.match import concatenate, match
from sparseeg.data.provenance import Processing
from sparseeg.data.read_bids import read_bids
from sparseeg.data.store import open_store
from sparseeg.data.store.prepare import Options, prepare
from sparseeg.data.windows import WindowSet
from sparseeg.errors import SparseEEGError

CAP = ("Fp1", "Fp2", "F3", "F4", "C3", "C4", "P3", "P4", "O1", "O2", "Fz", "Cz")
BUILTIN = mne.channels.get_builtin_montages()
FIRST = slice(450, 650)  # the first window of `BidsFolder.add`


def noise(n_chans: int, seed: int) -> np.ndarray:
    return 20.0 * np.random.default_rng(seed).standard_normal((n_chans, 2000))


def raw_of(path: Path) -> mne.io.BaseRaw:
    return mne.io.read_raw(path, preload=True, verbose="error")


def interpolated(path: Path, bads: tuple[str, ...], missing: tuple[str, ...] = ()) -> np.ndarray:
    """Return the channels of CAP as plain MNE interpolates bad and missing ones, in microvolts."""
    raw = raw_of(path)
    if missing:
        info = mne.create_info(list(missing), raw.info["sfreq"], "eeg")
        empty = mne.io.RawArray(np.zeros((len(missing), raw.n_times)), info, verbose="error")
        raw.add_channels([empty], force_update_info=True)
    montage = next(name for name in ("colin27_1005", "standard_1005") if name in BUILTIN)
    places = mne.channels.make_standard_montage(montage).get_positions()["ch_pos"]
    cap = {name: np.round(places[name], 5) for name in CAP}
    raw.set_montage(mne.channels.make_dig_montage(cap, coord_frame="head"), verbose="error")
    raw.info["bads"] = [*bads, *missing]
    return raw.interpolate_bads(verbose="error").reorder_channels(list(CAP)).get_data() * 1e6


def both_ways(bids: BidsFolder, out: Path, **processing) -> WindowSet:
    """Return the windows of a folder, which are the same in memory and in a store."""
    windows = read_bids(bids.root, processing=Processing(**processing))
    stored = prepare(bids.root, out, options=Options(Processing(**processing), margin=0.0))
    rows = range(len(windows))
    assert np.array_equal(stored.gather(rows), windows.gather(rows))
    assert (stored.ch_names, stored.processing) == (windows.ch_names, windows.processing)
    assert list(map(str, stored.problems)) == list(map(str, windows.problems))
    return windows


def mark_bad(path: Path, bad: str) -> None:
    lines = [f"{name}\tEEG\t{'bad' if name == bad else 'good'}\n" for name in CAP]
    table = "name\ttype\tstatus\n" + "".join(lines)
    path.with_name(path.name.replace("eeg.bdf", "channels.tsv")).write_text(table)


def said(windows: WindowSet) -> list[str]:
    return [f"{problem.reason} ({problem.action})" for problem in windows.problems]


def of(windows: WindowSet, subject: str) -> np.ndarray:
    return windows.gather([int(np.flatnonzero(windows.subjects == subject)[0])])[0]


@pytest.fixture
def mixed(bids: BidsFolder) -> BidsFolder:
    """Four people: as most are, with one more channel, in capitals and another order, and without Fz."""
    bids.add("A", ch_names=CAP, data=noise(12, 1))
    bids.add("B", ch_names=("X9", *CAP), data=noise(13, 2))
    bids.add("C", ch_names=tuple(f"EEG {name.upper()}" for name in CAP[::-1]), data=noise(12, 3))
    bids.add("D", ch_names=CAP[:10] + CAP[11:], data=noise(11, 4))
    return bids


def test_the_common_channels_are_kept_by_default(mixed, tmp_path):
    windows = both_ways(mixed, tmp_path / "store")
    kept = [name for name in CAP if name != "Fz"]
    assert (windows.ch_names, windows.processing.channels) == (tuple(kept), "common")
    assert said(windows) == [
        "2 of 4 recordings have other channels than the usual 12 (--channels common: the 11 channels that "
        "all recordings have are kept)"
    ]
    at = [CAP.index(name) for name in kept]
    expected = {
        "A": noise(12, 1)[at],
        "B": noise(13, 2)[1:][at],
        "C": noise(12, 3)[::-1][at],
        "D": noise(11, 4),
    }
    for subject, data in expected.items():
        assert np.abs(of(windows, f"sub-{subject}") - data[:, FIRST]).max() < 1e-3


def test_an_average_reference_is_that_of_the_channels_that_are_kept(mixed, tmp_path):
    windows = both_ways(mixed, tmp_path / "store", reference=("average",))
    data = noise(13, 2)[1:][[number for number, name in enumerate(CAP) if name != "Fz"]]
    expected = (data - data.mean(axis=0))[:, FIRST]
    assert np.abs(of(windows, "sub-B") - expected).max() < 1e-3


def test_missing_and_bad_channels_are_interpolated_as_by_mne(mixed, tmp_path):
    path = mixed.add("E", ch_names=CAP, data=noise(12, 5))
    mark_bad(path, "C3")
    windows = both_ways(mixed, tmp_path / "store", channels="interpolate")
    assert (windows.ch_names, windows.processing.channels) == (CAP, "interpolate")
    alone = next(mixed.root.glob("sub-D/eeg/*.bdf"))
    for subject, expected in (("D", interpolated(alone, (), ("Fz",))), ("E", interpolated(path, ("C3",)))):
        assert np.abs(of(windows, f"sub-{subject}") - expected[:, FIRST]).max() < 1e-3
    assert said(windows)[1:] == [
        "channels missing or marked bad: Fz (interpolated by spherical splines)",
        "channels missing or marked bad: C3 (interpolated by spherical splines)",
    ]


def test_bad_channels_are_kept_and_said_otherwise(bids, tmp_path):
    path = bids.add("A", ch_names=CAP, data=noise(12, 1))
    mark_bad(path, "C3")
    windows = both_ways(bids, tmp_path / "store")
    assert said(windows) == ["channels marked bad: C3 (kept, because all recordings need the same channels)"]
    assert windows.processing.channels is None
    assert np.abs(of(windows, "sub-A") - noise(12, 1)[:, FIRST]).max() < 1e-3


def test_a_store_follows_the_recordings_that_are_there(mixed, tmp_path):
    assert prepare(mixed.root, tmp_path / "store").n_chans == 11
    for left in (mixed.root / "sub-D").rglob("*.bdf"):
        left.unlink()
    windows = prepare(mixed.root, tmp_path / "store")
    assert windows.ch_names == CAP  # of which Fz was left out before
    fresh = prepare(mixed.root, tmp_path / "fresh")
    rows = range(len(windows))
    assert np.array_equal(windows.gather(rows), fresh.gather(rows))
    files = [
        sorted(path.name for path in (tmp_path / name / "signals").iterdir()) for name in ("store", "fresh")
    ]
    assert files[0] == files[1]


def test_a_store_remembers_the_choice(mixed, tmp_path):
    prepare(mixed.root, tmp_path / "store", options=Options(Processing(channels="interpolate")))
    assert open_store(tmp_path / "store").processing.channels == "interpolate"
    with pytest.raises(SparseEEGError, match="prepared with --channels interpolate, asked for no --channels"):
        prepare(mixed.root, tmp_path / "store")
    with pytest.raises(
        SparseEEGError, match="prepared with --channels interpolate, asked for --channels strict"
    ):
        load(tmp_path / "store", channels="strict")
    assert len(load(tmp_path / "store", channels="interpolate")) == 8


def test_too_many_missing_channels_leave_a_recording_out(mixed, tmp_path):
    mixed.add("E", ch_names=CAP[:8], data=noise(8, 5))
    windows = both_ways(mixed, tmp_path / "store", channels="interpolate")
    assert "sub-E" not in windows.subjects
    assert any(
        line.startswith("4 of the data set's 12 channels are missing or bad (O1, O2")
        for line in said(windows)
    )


@pytest.mark.parametrize("kind", ["bids", "store"])
def test_other_data_get_the_channels_of_a_network_as_predict_does(mixed, tmp_path, kind):
    network = BidsFolder(tmp_path / "network")
    network.add("N", ch_names=CAP, data=noise(12, 9))
    like = read_bids(network.root).provenance
    if kind == "store":
        prepare(mixed.root, tmp_path / "other", options=Options(Processing(channels="interpolate")))
        windows, notes = load_like(tmp_path / "other", like, "the run RUN")
        assert any("bad channels were interpolated in" in note for note in notes)
    else:
        windows, notes = load_like(mixed.root, like, "the run RUN")
        assert notes == []
        assert said(windows) == ["channels missing or marked bad: Fz (interpolated by spherical splines)"]
    assert (windows.ch_names, len(windows)) == (CAP, 8)
    path = next(mixed.root.glob("sub-D/eeg/*.bdf"))
    difference = np.abs(of(windows, "sub-D") - interpolated(path, (), ("Fz",))[:, FIRST])
    assert difference.max() < 1e-3
    assert np.abs(of(windows, "sub-C") - noise(12, 3)[::-1][:, FIRST]).max() < 1e-3


def test_a_store_with_fewer_channels_is_interpolated_and_one_in_capitals_taken(bids, tmp_path):
    few = BidsFolder(tmp_path / "few")
    few.add("F", ch_names=tuple(name.upper() for name in CAP[:11]), data=noise(11, 6))
    bids.add("A", ch_names=CAP, data=noise(12, 1))
    wanted = read_bids(bids.root)
    store = prepare(few.root, tmp_path / "store")
    made, notes = match(store, wanted.provenance, "the run RUN", "few", interpolate=True)
    assert notes == ["few: interpolated by spherical splines: Cz"]
    expected = noise(11, 6)[:, FIRST]
    assert np.abs(of(made, "sub-F")[:11] - expected).max() < 1e-3
    both, _ = concatenate([wanted, store])
    assert np.array_equal(both.gather([2]), made.gather([0]))
    with pytest.raises(SparseEEGError, match="lacks channel Cz of the run RUN"):
        match(store, wanted.provenance, "the run RUN")
    zeroed, notes = match(store, wanted.provenance, "the run RUN", "few", interpolate=True, flat=("Cz",))
    assert notes == ["few: set to zero, as in training: Cz"]
    assert np.abs(of(zeroed, "sub-F")[11]).max() == 0


def test_epochs_with_different_channels(tmp_path):
    first = write_epochs(tmp_path / "sub-01_epo.fif", ch_names=CAP)
    second = write_epochs(tmp_path / "sub-02_epo.fif", ch_names=CAP[::-1])
    third = write_epochs(tmp_path / "sub-03_epo.fif", ch_names=("ECG", *CAP[:11]))
    windows = read_epochs(tmp_path, target="rt")
    assert (windows.ch_names, windows.processing.channels) == (CAP[:11], "common")
    assert np.abs(of(windows, "sub-01") - first[0][:11]).max() < 1e-4
    assert np.abs(of(windows, "sub-02") - second[0][::-1][:11]).max() < 1e-4
    assert np.abs(of(windows, "sub-03") - third[0][1:]).max() < 1e-4
    assert any("1 of 12 channels is not EEG (ECG: ECG) (left out)" in line for line in said(windows))
    filled = read_epochs(tmp_path, target="rt", channels="interpolate")
    assert filled.ch_names == CAP
    assert any("marked bad: Cz (interpolated" in line for line in said(filled))
