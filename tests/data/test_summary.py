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
    assert kept["windows"] == {"kept": 6, "left_out": {"reach outside the recording": 1}}
    assert kept["recordings"]["kept"] == 3
    assert sum(kept["recordings"]["left_out"].values()) == 1
    assert "subjects: 3 kept, found by sub-XX in the names" in said
    assert "channels: 3 kept of each recording, 3 left out in all recordings: 3 ECG" in said
    assert "windows: 6 kept, 1 left out: 1 reach outside the recording" in said
    from sparseeg.data.store import store

    assert count_kept(store.open_store(tmp_path / "store")) == kept
