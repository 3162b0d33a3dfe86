"""Pauses of a BioSemi recording are cuts."""

from pathlib import Path

import edfio
import numpy as np
import pytest

from helpers import toy_recording as toy
from sparseeg.data.read_bids import read_bids
from sparseeg.data.signals.breaks import find_breaks
from sparseeg.data.signals.raw import open_raw
from sparseeg.data.tasks import TaskFile, find_task

NEW_EPOCH, CMS_IN_RANGE, MK2 = 1 << 16, 1 << 20, 1 << 23
TASK = find_task("t", TaskFile(stimulus=("1",), response=("2",), tmin=0.5, tmax=2.5))


def write(path: Path, status: np.ndarray, label: str = "Status", rate: int = 100) -> None:
    """Write the toy recording with a Status channel of these 24 bits."""
    limits = (-(2**23), 2**23 - 1)
    signed = np.where(status >= 2**23, status - 2**24, status).astype(float)
    last = edfio.BdfSignal(signed, rate, label=label, physical_range=limits, digital_range=limits)
    toy.write_edf(path, toy.samples())
    edfio.Bdf([*edfio.read_bdf(path).signals, last], data_record_duration=1).write(path)


def status(pauses: list[int], rate: int = 100, state: int = CMS_IN_RANGE | MK2) -> np.ndarray:
    """Return triggers 1 and 2 for stimuli and responses; a new epoch begins at 0 and after each pause."""
    values = np.full(toy.SECONDS * rate, state)
    for code, onsets in ((1, toy.ONSETS), (2, toy.ONSETS + toy.RESPONSE_TIMES)):
        for onset in onsets:
            first = round(onset * rate)
            values[first : first + 3] |= code
    values[[0, *pauses]] |= NEW_EPOCH
    return values


@pytest.mark.parametrize("state", [0, CMS_IN_RANGE | MK2])
def test_a_new_epoch_is_a_cut_and_triggers_stay_as_they_are(state: int, tmp_path: Path) -> None:
    folder = tmp_path / "bids" / "sub-A" / "eeg"
    folder.mkdir(parents=True)
    path = folder / "sub-A_task-go_eeg.bdf"
    write(path, status([2550, 9950], state=state))  # in the window of trial 5, and after that of trial 23
    assert find_breaks(open_raw(path)).cuts.tolist() == [2550, 9950]
    windows = read_bids(tmp_path / "bids", task=TASK)
    kept = [trial for trial in range(toy.TRIALS) if trial != 5]
    assert windows.table["onset"].tolist() == toy.ONSETS[kept].tolist()
    assert windows.targets.tolist() == pytest.approx(toy.RESPONSE_TIMES[kept], abs=1e-9)
    said = "1 of 60 windows have a cut of the recording inside"
    assert [problem.count for problem in windows.problems if problem.reason.startswith(said)] == [1]


def test_a_status_channel_of_another_rate(tmp_path: Path) -> None:
    write(tmp_path / "a.bdf", status([100, 4001], rate=50), rate=50)
    assert find_breaks(open_raw(tmp_path / "a.bdf")).cuts.tolist() == [200, 8002]


def test_bits_that_say_something_else_are_no_pauses(tmp_path: Path) -> None:
    path = tmp_path / "a.bdf"
    held = status([], state=NEW_EPOCH)
    battery = status([])
    battery[[500, 600]] ^= CMS_IN_RANGE | (1 << 22)
    for values, label in ((held, "Status"), (battery, "Status"), (status([700]), "Other")):
        write(path, values, label)
        raw = open_raw(path)
        assert not find_breaks(raw)
        assert len(raw.annotations) == 0
    toy.write_edf(tmp_path / "b.edf", toy.samples(), others=[("Status", 100, np.zeros(24800))])
    assert not find_breaks(open_raw(tmp_path / "b.edf"))


def test_annotations_of_the_file_stay(tmp_path: Path) -> None:
    path = tmp_path / "a.bdf"
    write(path, status([2550]))
    notes = [edfio.EdfAnnotation(30.0, 1.0, "BAD_x")]
    edfio.Bdf(edfio.read_bdf(path).signals, data_record_duration=1, annotations=notes).write(path)
    raw = open_raw(path)
    assert raw.annotations.description.tolist() == ["boundary", "BAD_x"]
    found = find_breaks(raw)
    assert (found.cuts.tolist(), found.bad_first.tolist()) == ([2550], [3000])
