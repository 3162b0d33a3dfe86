"""Windows without a target: whole recordings of any task, from a folder or from any store."""

from pathlib import Path

import numpy as np
import pytest

from helpers.bids_folder import BidsFolder, contrast_events
from sparseeg.data.load import load
from sparseeg.data.store import store
from sparseeg.data.store.prepare import prepare
from sparseeg.data.tasks import PRETRAINING, TaskFile, find_task
from sparseeg.errors import SparseEEGError


def test_whole_recordings_of_any_task_without_participants(bids: BidsFolder, tmp_path: Path) -> None:
    bids.add("A", task="RestingState", seconds=20)
    bids.add("B", task="symbolSearch", seconds=9)
    (bids.root / "participants.tsv").unlink()
    windows = load(bids.root, task=PRETRAINING)
    assert (windows.n_times, windows.locked, windows.task.name) == (200, False, PRETRAINING)
    assert windows.table.groupby("subject")["start"].size().tolist() == [9, 3]
    assert np.array_equal(windows.targets, np.zeros(12))
    rest = find_task(PRETRAINING, TaskFile(bids_tasks=("RestingState",)))
    prepared = prepare(bids.root, tmp_path / "store", rest)
    assert set(prepared.subjects) == {"sub-A"}
    again = load(tmp_path / "store", task=PRETRAINING)
    assert np.array_equal(again.gather([3]), windows.gather([3]))


def test_a_store_of_another_task_gives_its_signal(bids: BidsFolder, tmp_path: Path) -> None:
    bids.add("A", events=contrast_events([4.0, 10.0], [1.0, 1.5]))
    labelled = prepare(bids.root, tmp_path / "store")
    windows = load(tmp_path / "store", task=PRETRAINING)
    assert not windows.locked
    assert not windows.targets.any()
    assert windows.target_name == "nothing"
    assert np.array_equal(windows.gather([0, 1]), labelled.gather([0, 1]))
    assert store.open_store(tmp_path / "store").targets.any()


def test_epochs_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a-epo.fif").write_bytes(b"")
    with pytest.raises(SparseEEGError, match="holds MNE epochs; pretraining takes"):
        load(tmp_path, task=PRETRAINING)
