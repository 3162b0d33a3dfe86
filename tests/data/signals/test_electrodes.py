"""Positions that recordings state: used where names don't tell the cap, or tell another one."""

from pathlib import Path

import mne
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from helpers.bids_folder import BidsFolder
from sparseeg.data.provenance import Processing
from sparseeg.data.read_bids import read_bids
from sparseeg.data.signals.new_recording import read_new
from sparseeg.data.signals.positions import chs_info
from sparseeg.data.store.prepare import Options, prepare
from sparseeg.data.windows import WindowSet

FIRST = slice(450, 650)  # the first window of `BidsFolder.add`
INTERPOLATE = Processing(channels="interpolate")


def montage(name: str) -> mne.channels.DigMontage:
    return mne.channels.make_standard_montage(name)


def places(name: str) -> dict[str, np.ndarray]:
    return montage(name).get_positions()["ch_pos"]


def potentials(where: dict[str, np.ndarray]) -> np.ndarray:
    """Return (channel, time) microvolts that vary smoothly over the head, as interpolation expects."""
    rng = np.random.default_rng(7)
    points = np.array(list(where.values()))
    points = points / np.linalg.norm(points, axis=1, keepdims=True)
    sources = rng.normal(size=(6, 3))
    sources /= np.linalg.norm(sources, axis=1, keepdims=True)
    field = np.exp(-((points[:, None] - sources) ** 2).sum(axis=-1) / 0.5)
    return field @ rng.normal(0, 20, (6, 2000)) + rng.normal(0, 0.5, (len(points), 2000))


def by_mne(where: dict[str, np.ndarray], data: np.ndarray, bad: str) -> np.ndarray:
    """Return the samples (time,) that plain MNE gives to a bad channel of a cap, in microvolts."""
    raw = mne.io.RawArray(data * 1e-6, mne.create_info(list(where), 100.0, "eeg"), verbose="error")
    raw.set_montage(mne.channels.make_dig_montage(where, coord_frame="head"))
    raw.info["bads"] = [bad]
    return raw.interpolate_bads(verbose="error").get_data(picks=[bad])[0] * 1e6


class Recording:
    """A recording in a BIDS folder, whose channel `bad` is marked as such in channels.tsv."""

    def __init__(self, root: Path, names: tuple[str, ...], data: np.ndarray, bad: str) -> None:
        self.bids, self.names = BidsFolder(root), names
        self.path = self.bids.add("A", ch_names=names, data=data)
        rows = "".join(f"{name}\tEEG\t{'bad' if name == bad else 'good'}\n" for name in names)
        self.beside("channels.tsv").write_text("name\ttype\tstatus\n" + rows)

    def beside(self, suffix: str) -> Path:
        return self.path.with_name(self.path.name.replace("eeg.bdf", suffix))

    def state(self, where: dict[str, np.ndarray], suffix: str = "electrodes.tsv") -> None:
        rows = "".join(f"{name}\t{x}\t{y}\t{z}\n" for name, (x, y, z) in where.items())
        self.beside(suffix).write_text("name\tx\ty\tz\n" + rows + "GND\tn/a\tn/a\tn/a\n")

    def read(self) -> WindowSet:
        """Return the windows of the folder, which are the same in memory and in a store."""
        windows = read_bids(self.bids.root, processing=INTERPOLATE)
        out = self.bids.root.with_name("store")
        stored = prepare(self.bids.root, out, options=Options(INTERPOLATE, margin=0.0))
        assert np.array_equal(stored.gather([0]), windows.gather([0]))
        assert list(map(str, stored.problems)) == list(map(str, windows.problems))
        return windows


def said(windows: WindowSet) -> list[str]:
    return [f"{problem.reason} ({problem.action})" for problem in windows.problems]


@pytest.mark.parametrize(
    ("cap", "bad"),
    [
        ("GSN-HydroCel-32", "E20"),
        ("GSN-HydroCel-64_1.0", "E30"),
        ("GSN-HydroCel-129", "E62"),
        ("GSN-HydroCel-256", "E100"),
        ("biosemi64", "C4"),
        ("biosemi128", "C4"),
        ("biosemi128", "A1"),
        ("biosemi160", "E7"),
    ],
)
def test_bad_channels_of_every_cap_are_what_mne_makes_of_them(tmp_path: Path, cap: str, bad: str) -> None:
    where = places(cap)
    data = potentials(where)
    windows = Recording(tmp_path / "bids", tuple(where), data, bad).read()
    expected = by_mne(where, data, bad)[FIRST]
    found = windows.gather([0])[0, windows.ch_names.index(bad)]
    limit = 1.5 if cap == "biosemi64" else 0.1  # uV; where its electrodes lie on the 10-05 system
    assert np.abs(found - expected).max() < limit


@pytest.mark.parametrize(
    ("suffix", "unit"), [("electrodes.tsv", 1.0), ("space-CapTrak_electrodes.tsv", 1000.0)]
)
def test_names_that_tell_no_cap_need_positions_in_electrodes_tsv(tmp_path, suffix, unit) -> None:
    where = dict(
        zip([f"{bank}{n}" for bank in "AB" for n in range(1, 33)], places("biosemi64").values(), strict=True)
    )
    data = potentials(where)
    recording = Recording(tmp_path / "bids", tuple(where), data, "B7")
    recording.bids.add("B", ch_names=tuple(where), data=data[::-1])
    without = recording.read()
    assert set(without.subjects) == {"sub-B"}
    assert any(
        "B7 is missing or bad and can't be interpolated: its position isn't known. State" in line
        for line in said(without)
    )
    turn = Rotation.from_euler("z", 90, degrees=True)  # EEGLAB's first axis points to the front
    recording.state({name: unit * turn.apply(place) for name, place in where.items()}, suffix)
    windows = recording.read()
    found = windows.gather(np.flatnonzero(windows.subjects == "sub-A")[:1])[0, windows.ch_names.index("B7")]
    assert np.abs(found - by_mne(where, data, "B7")[FIRST]).max() < 0.1


def test_positions_of_another_cap_than_names_tell_are_used_and_said(tmp_path: Path) -> None:
    turned = dict(zip(places("GSN-HydroCel-129"), reversed(places("GSN-HydroCel-129").values()), strict=True))
    data = potentials(turned)
    recording = Recording(tmp_path / "bids", tuple(turned), data, "E62")
    recording.state(turned)
    windows = recording.read()
    found = windows.gather([0])[0, windows.ch_names.index("E62")]
    assert np.abs(found - by_mne(turned, data, "E62")[FIRST]).max() < 0.1
    assert any(
        "cm from those of EGI's net of 128 electrodes with the same names" in line
        and line.endswith("(bad channels are interpolated by these positions)")
        for line in said(windows)
    )
    new = read_new(recording.path, chs_info(windows.ch_names), Processing())
    assert np.abs(new.signal[windows.ch_names.index("E62")][FIRST] - found).max() < 1e-3


def test_positions_of_the_same_cap_in_another_unit_change_nothing(tmp_path: Path) -> None:
    where = places("GSN-HydroCel-129")
    data = potentials(where)
    recording = Recording(tmp_path / "bids", tuple(where), data, "E62")
    windows = recording.read()
    rng = np.random.default_rng(0)  # as somebody's head differs from the cap
    recording.state(
        {name: 100 * (place * [1.1, 1.0, 0.9] + rng.normal(0, 0.003, 3)) for name, place in where.items()}
    )
    again = recording.read()
    assert np.array_equal(again.gather([0]), windows.gather([0]))
    assert said(again) == said(windows)


def test_an_electrodes_tsv_that_cannot_be_used_is_said(tmp_path: Path) -> None:
    where = places("biosemi64")
    recording = Recording(tmp_path / "bids", tuple(where), potentials(where), "C4")
    expected = recording.read().gather([0])
    recording.beside("electrodes.tsv").write_text("name\ttheta\nC4\t3\n")
    assert any("it lacks a column name, x, y or z (not used)" in line for line in said(recording.read()))
    recording.state({name: place * [1, 1, 0] for name, place in where.items()})
    windows = recording.read()
    assert any("electrodes in three dimensions (not used)" in line for line in said(windows))
    assert np.array_equal(windows.gather([0]), expected)


def test_positions_in_a_file_are_used(tmp_path: Path) -> None:
    where = dict(zip([f"P{n:02d}" for n in range(64)], places("biosemi64").values(), strict=True))
    data = potentials(where)
    raw = mne.io.RawArray(data * 1e-6, mne.create_info(list(where), 100.0, "eeg"), verbose="error")
    raw.set_montage(mne.channels.make_dig_montage(where, coord_frame="head"))
    raw.info["bads"] = ["P30"]
    expected = by_mne(where, data, "P30")
    raw.save(tmp_path / "a_raw.fif", fmt="double", verbose="error")
    wanted = chs_info(list(where))
    new = read_new(tmp_path / "a_raw.fif", wanted, Processing(), column=None)
    assert np.abs(new.signal[30] - expected).max() < 0.1
