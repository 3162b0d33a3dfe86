"""Misspelt events and trials without a response are said and counted."""

import json
from pathlib import Path

import pandas as pd
import pytest

from helpers.bids_folder import BidsFolder
from sparseeg.data.bids.misspelt import misspelt
from sparseeg.data.read_bids import read_bids
from sparseeg.data.tasks import TaskFile, find_task

FACE, HOUSE, LEFT, RIGHT = "Bild/Gesicht", "Bild/Haus", "Taste/links", "Taste/rechts"
# A face and a house, each answered after 0.5 s, then a face without a response and a house.
TRIALS = [(2.0, FACE), (2.5, LEFT), (5.0, HOUSE), (5.5, RIGHT), (8.0, FACE), (11.0, HOUSE), (11.5, RIGHT)]
OWN = ("--stimulus", f"{FACE},{HOUSE}", "--response", f"{LEFT},{RIGHT}", "--bids-task", "faces")


def events() -> pd.DataFrame:
    return pd.DataFrame(TRIALS, columns=["onset", "trial_type"]).assign(duration="n/a")


def folder(path: Path, others: dict[str, dict[str, str]]) -> BidsFolder:
    """Return a folder of four recordings; `others` has the names that some of them have instead."""
    bids = BidsFolder(path)
    for subject in ("01", "02", "03", "04"):
        bids.add(subject, task="faces", events=events().replace({"trial_type": others.get(subject, {})}))
    return bids


def own_task(stimulus=(FACE, HOUSE), response=(LEFT, RIGHT)):
    file = TaskFile(stimulus=stimulus, response=response, events_column="trial_type", tmin=0.0, tmax=2.0)
    return find_task("faces", file)


def said(windows) -> list[tuple[str, str]]:
    return [(problem.path.name[:6], problem.reason) for problem in windows.problems]


def test_events_misspelt_in_one_recording_are_said_with_what_they_look_like(tmp_path) -> None:
    bids = folder(tmp_path / "lab", {"02": {LEFT: "taste/links"}, "03": {HOUSE: "Bild/Hause"}})
    windows = read_bids(bids.root, task=own_task())
    assert ("sub-02", f"1 event taste/links not used: the name looks like {LEFT}") in said(windows)
    # Its face without a response takes that of the house after it.
    assert windows.targets.max() == pytest.approx(3.5)
    reason = (
        f"2 events Bild/Hause not used: the name looks like {HOUSE}; 1 of them between a stimulus and its "
        "response, whose time may be wrong"
    )
    assert ("sub-03", reason) in said(windows)
    assert not [reason for _, reason in said(windows) if "no event" in reason]


def test_one_misspelt_event_among_right_ones_is_said(tmp_path) -> None:
    bids = BidsFolder(tmp_path / "lab")
    table = events()
    table.loc[3, "trial_type"] = "Taste/recths"
    bids.add("01", task="faces", events=table)
    windows = read_bids(bids.root, task=own_task())
    assert ("sub-01", f"1 event Taste/recths not used: the name looks like {RIGHT}") in said(windows)


def test_an_event_that_one_recording_lacks_is_said_with_the_similar_one(tmp_path) -> None:
    bids = folder(tmp_path / "lab", {"02": {HOUSE: "Bild/Wohnhaus"}, "04": {LEFT: "x"}})
    reasons = said(read_bids(bids.root, task=own_task()))
    hint = " Did you mean 'Bild/Wohnhaus'?"
    assert ("sub-02", f"no event {HOUSE}, which 3 of 4 recordings have.{hint}") in reasons
    assert not [reason for _, reason in reasons if LEFT in reason]  # who presses one button only is no fault


def test_a_name_that_no_recording_has_gets_a_hint_once(tmp_path) -> None:
    bids = folder(tmp_path / "lab", {})
    reasons = said(read_bids(bids.root, task=own_task((FACE, "Bild/Hauss"), (LEFT, RIGHT, "Taste/mitte"))))
    assert [reason for _, reason in reasons][1:] == [  # after how many times lie inside the window
        f"no window is locked to an event Bild/Hauss. Did you mean '{HOUSE}'?",
        "no recording has an event Taste/mitte",
        f"8 events {HOUSE} not used: the name looks like Bild/Hauss; 4 of them between a stimulus and its "
        "response, whose time may be wrong",
    ]


def test_a_stimulus_that_nobody_answered_is_not_said_to_be_missing(tmp_path) -> None:
    bids = folder(tmp_path / "lab", {})
    reasons = [reason for _, reason in said(read_bids(bids.root, task=own_task(response=(LEFT,))))]
    assert reasons == [
        f"no window is locked to an event {HOUSE}: none of its 8 trials has a response",
    ]


def test_trials_without_a_response_are_counted_on_the_screen_and_in_the_store(tmp_path, sparseeg) -> None:
    bids = folder(tmp_path / "lab", {"02": {LEFT: "taste/links"}})
    store = tmp_path / "store"
    for _ in range(2):  # made, and brought up to date with what its journal says
        code, text = sparseeg("prepare", bids.root, *OWN, "--out", store)
        assert code == 0, text
        assert "windows: 11 kept, 5 left out: 5 because no response was found" in text
        assert "5 trials without a response left out" in text
        assert f"1 event taste/links not used: the name looks like {LEFT}" in text
        kept = json.loads((store / "store.json").read_text())["kept"]
        assert kept["windows"] == {"kept": 11, "left_out": {"because no response was found": 5}}
        (store / "store.json").write_text((store / "store.json").read_text().replace('"content"', '"old"'))


@pytest.mark.parametrize(
    ("name", "known", "expected"),
    [
        ("Bild/Hause", HOUSE, True),
        ("bild_haus", HOUSE, True),
        ("Bild/Huas", HOUSE, True),
        ("Bild/Maus", HOUSE, True),
        ("S  12", "S  11", False),  # a code of another event
        ("stim/A", "stim/B", False),
        ("no", "go", False),
        ("stimulus_offset", "stimulus_onset", False),
        (FACE, HOUSE, False),
        ("//", "!!", False),
    ],
)
def test_names_are_misspelt_where_one_letter_differs(name, known, expected) -> None:
    assert (misspelt(name, [known]) is not None) == expected
