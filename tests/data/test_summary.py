"""What became windows and what was left out is counted by reason, on the screen and in the store."""

import json

from helpers.bids_folder import BidsFolder, contrast_events
from sparseeg.data.summary import count_kept


def test_prepare_counts_what_was_kept_and_left_out(bids: BidsFolder, tmp_path, sparseeg) -> None:
    names = ("E1", "E2", "Cz", "ECG")
    for subject in ("A", "B"):
        bids.add(subject, ch_names=names, seed=ord(subject))
    late = contrast_events([5.0, 12.0, 19.0], [1.0, 1.2, 0.8])
    bids.add("C", ch_names=names, events=late, seed=3)  # its last window ends after the recording of 20 s
    (bids.add("D", ch_names=names)).write_bytes(b"nothing")
    code, said = sparseeg("prepare", bids.root, "--out", tmp_path / "store")
    assert code == 0, said
    kept = json.loads((tmp_path / "store" / "store.json").read_text())["kept"]
    assert kept["subjects"] == {"kept": 3, "found_by": "sub-XX in the names"}
    assert kept["channels"] == {"kept": 3, "left_out": {"ECG": 3}}
    lost = {"because no response was found": 2, "reach outside the recording": 1}  # one trial each of A and B
    assert kept["windows"] == {"kept": 6, "left_out": lost}
    assert kept["recordings"]["kept"] == 3
    assert sum(kept["recordings"]["left_out"].values()) == 1
    assert "subjects: 3 kept, found by sub-XX in the names" in said
    assert "channels: 3 kept of each recording, 3 left out in all recordings: 3 ECG" in said
    assert (
        "windows: 6 kept, 3 left out: 2 because no response was found, 1 reach outside the recording" in said
    )
    from sparseeg.data.store import store

    assert count_kept(store.open_store(tmp_path / "store")) == kept


def test_recordings_that_one_problem_leaves_out_are_counted_each(
    bids: BidsFolder, tmp_path, sparseeg
) -> None:
    rows = {"A": ("R1", "F", "8.5"), "B": ("R1", "M", "9"), "C": ("R1", "M", "n/a"), "D": ("R1", "M", "n/a")}
    bids.write_participants(rows)
    for subject in rows:
        bids.add(subject, task="faces", seed=ord(subject))
    bids.add("D", task="faces", run=2, seed=9)
    asked = ("--bids-task", "faces", "--task", "age", "--out", tmp_path / "store")
    code, said = sparseeg("prepare", bids.root, *asked)
    assert code == 0, said
    kept = json.loads((tmp_path / "store" / "store.json").read_text())["kept"]
    assert kept["recordings"] == {"kept": 2, "left_out": {"without a number in the column age": 3}}
    assert "their 3 recordings left out" in said
    assert "3 recordings left out)" in said
    assert "recordings: 2 kept, 3 left out: 3 without a number in the column age" in said


def test_one_thing_is_said_in_the_singular(bids: BidsFolder, tmp_path, sparseeg) -> None:
    bids.add("A", task="faces", events=contrast_events([4.0], [1.0]))
    asked = ("--bids-task", "faces", "--tmin", "0", "--tmax", "1", "--out", tmp_path / "store")
    code, said = sparseeg("prepare", bids.root, *asked)
    assert code == 0, said
    assert "1 window of 100 samples at 100 Hz, 4 channels, 1 subject: sub-A" in said
    assert ", 1 recording; " in said
