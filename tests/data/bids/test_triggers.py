"""Events of a trigger channel: pulses that return to 0, and ports that hold their last code."""

from itertools import chain, groupby, pairwise
from pathlib import Path

import edfio
import mne
import numpy as np
import pytest

from helpers import toy_recording as toy
from sparseeg.data.bids.triggers import read_triggers
from sparseeg.data.read_bids import read_bids
from sparseeg.data.tasks import TaskFile, find_task

HELD = "{} changes of its trigger channel to a lower code other than 0 are events"
ENDS = (
    "{} changes of its trigger channel to a lower code, as from {} to {}, are the end of a code, not an "
    "event, because it returns to 0 between codes"
)


def raw_with(*channels: np.ndarray, names: tuple[str, ...] = ("STI 014",)) -> mne.io.BaseRaw:
    """Return a recording at 100 Hz with these trigger channels."""
    info = mne.create_info(["Cz", *names], 100.0, ["eeg", *["stim"] * len(names)])
    return mne.io.RawArray(np.vstack([0 * channels[0], *channels]), info, verbose="error")


def spelled(text: str) -> np.ndarray:
    """Return the samples of "0 1x3 2x40": a 0, three times 1, forty times 2."""
    words = [word.partition("x") for word in text.split()]
    return np.array([*chain(*([int(code)] * int(times or 1) for code, _, times in words))])


def events(text: str) -> tuple[list[tuple[int, int]], list[str]]:
    """Return (sample, code) of all events, and the notes."""
    notes: list[str] = []
    found = read_triggers(raw_with(spelled(text)), notes)
    return [
        (round(100 * onset), int(name)) for onset, name in zip(found["onset"], found["name"], strict=True)
    ], notes


def of_mne(values: np.ndarray) -> list[tuple[int, int]]:
    found = mne.find_events(raw_with(values), shortest_event=1, verbose="error")
    return [(int(sample), int(code)) for sample, _, code in found]


HOLDING = {
    # a stimulus is 1 or 3, a response 2
    "0x5 1x9 2x9 3x9 2x9 1x9 2x9 3x9 2x9 0x3": (
        [(5, 1), (14, 2), (23, 3), (32, 2), (41, 1), (50, 2), (59, 3), (68, 2)],
        3,
    ),
    # it begins with a code, which has no onset
    "7x5 4x9 7x9 4x9 6x9": ([(5, 4), (14, 7), (23, 4), (32, 6)], 2),
    # bits of one code come a sample apart: 3 to 2 by 1, 1 to 2 by 3 (an event of MNE) or by 0
    "0x5 3x9 1 2x9 1x9 3 2x9 1x9 0 2x9": ([(5, 3), (15, 2), (24, 1), (33, 3), (34, 2), (43, 1), (53, 2)], 3),
    # 0 after each response
    "0x9 1x9 2x9 0x9 3x9 2x9 0x9 1x9 2x9 0x9": ([(9, 1), (18, 2), (36, 3), (45, 2), (63, 1), (72, 2)], 1),
    # 0 between blocks only
    f"0x9 {'3x9 2x9 ' * 12}0x9 3x9 2x9 0x9": (
        [(9 + 9 * n, 3 - n % 2) for n in range(24)] + [(234, 3), (243, 2)],
        13,
    ),
}


@pytest.mark.parametrize("text", HOLDING)
def test_every_code_of_a_port_that_holds_its_codes_is_an_event(text: str) -> None:
    expected, lower = HOLDING[text]
    assert events(text) == (expected, [HELD.format(lower)])


PULSES = {
    "plain": ("0x5 1x3 0x9 2x3 0x9 1x3 0x9", None),
    "of one sample": ("0x5 1 0x9 2 0 1 0x9", None),
    "bits that rise and fall a sample apart": ("0x5 1 3x3 2 0x9 2 3x3 1 0x9", None),
    "bits that fall three samples apart": ("0x5 3x3 2x3 0x9 3x3 1x3 0x9 1x3 0x9", (2, 3, 2)),
    "a press during a stimulus": ("0x5 1x9 3x4 1x9 0x9 1x9 3x4 1x9 0x9", (2, 3, 1)),
    "a press that outlasts the stimulus": ("0x5 1x9 3x4 2x9 0x9 1x9 3x4 2x9 0x9", (2, 3, 2)),
    "two presses during a stimulus": ("0x5 1x9 3x4 1x9 3x4 1x9 0x9 1x9 3x4 1x4 0x9", (3, 3, 1)),
    "until the end": ("0x5 1x3 0x9 2x3", None),
    "none": ("0x9", None),
    "a constant code": ("5x9", None),
}


@pytest.mark.parametrize("case", PULSES)
def test_pulses_that_return_to_zero_are_the_events_of_mne(case: str) -> None:
    text, ends = PULSES[case]
    assert events(text) == (of_mne(spelled(text)), [] if ends is None else [ENDS.format(*ends)])


@pytest.mark.parametrize("seed", range(20))
def test_no_code_of_one_sample_is_an_event_that_mne_would_not_give(seed: int) -> None:
    rng = np.random.default_rng(seed)
    values = np.repeat(rng.integers(0, 8, 400), rng.integers(1, 4, 400))
    found = read_triggers(raw_with(values), [])
    ours = {
        (round(100 * onset), int(name)) for onset, name in zip(found["onset"], found["name"], strict=True)
    }
    assert len(ours) == len(found)
    theirs = set(of_mne(values))
    starts = np.cumsum([0, *(len(list(run)) for _, run in groupby(values))])
    short = {start for start, end in pairwise(starts) if end - start == 1}
    assert theirs <= ours
    assert ours > theirs  # codes are replaced by others here
    assert not {sample for sample, _ in ours - theirs} & short


def test_the_channel_is_the_one_that_mne_reads() -> None:
    a, b = spelled("0x5 1x5 0x10"), spelled("0x12 2x5 0x3")
    for names, expected in (
        (("STI 014", "STI101"), [(0.12, "2")]),
        (("DIN1", "STI 014"), [(0.12, "2")]),
        (("DIN1", "DIN2"), [(0.05, "1"), (0.12, "2")]),
    ):
        found = read_triggers(raw_with(a, b, names=names), [])
        assert list(zip(found["onset"], found["name"], strict=True)) == expected


def held() -> np.ndarray:
    """Return a port that holds 1 or 3 from a stimulus of the toy recording on, and 2 from a response on."""
    values = np.zeros(toy.SECONDS * toy.SFREQ)
    for trial, (onset, rt) in enumerate(zip(toy.ONSETS, toy.RESPONSE_TIMES, strict=True)):
        values[round(onset * toy.SFREQ) :] = 1 + 2 * (trial % 2)
        values[round((onset + rt) * toy.SFREQ) :] = 2
    return values


@pytest.mark.parametrize("ending", [".fif", ".bdf"])
def test_response_times_of_a_port_that_holds_its_codes(ending: str, tmp_path: Path) -> None:
    folder = tmp_path / "bids" / "sub-A" / "eeg"
    folder.mkdir(parents=True)
    path = folder / f"sub-A_task-go_eeg{ending}"
    if ending == ".bdf":
        limits = (-8388608, 8388607)
        status = edfio.BdfSignal(held(), 100, label="Status", physical_range=limits, digital_range=limits)
        toy.write_edf(path, toy.samples())
        edfio.Bdf([*edfio.read_bdf(path).signals, status], data_record_duration=1).write(path)
    else:
        toy.write_fif(path, toy.samples())
        raw = mne.io.read_raw(path, preload=True, verbose="error")
        raw.add_channels([raw_with(held()).pick(["STI 014"])], force_update_info=True)
        raw.save(path, fmt="double", overwrite=True, verbose="error")
    task = find_task("t", TaskFile(stimulus=("1", "3"), response=("2",), tmin=0.5, tmax=2.5))
    windows = read_bids(tmp_path / "bids", task=task)
    assert windows.table["onset"].tolist() == toy.ONSETS.tolist()
    assert windows.targets.tolist() == pytest.approx(toy.RESPONSE_TIMES, abs=1e-9)
    # each second trial goes from 3 to 2, and each other one from 2 to 1
    assert HELD.format(30 + 29) in [problem.reason for problem in windows.problems]
