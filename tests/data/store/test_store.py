"""Stores: written whole, opened as they were."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from helpers.bids_folder import BidsFolder
from sparseeg.data.problems import Problem
from sparseeg.data.read_bids import read_bids
from sparseeg.data.signals.signal_file import SignalFile
from sparseeg.data.store import store
from sparseeg.data.windows import WindowSet
from sparseeg.errors import SparseEEGError
from sparseeg.files import lock
from sparseeg.files.lock import only_writer


@pytest.fixture
def windows(bids: BidsFolder) -> WindowSet:
    bids.write_participants({"A": ("R1", "F", "8.1"), "B": ("R5", "n/a", "n/a")})
    for subject in "ABC":
        bids.add(subject, seed=ord(subject))
    bids.add("D", seconds=12.0)
    return read_bids(bids.root)


def test_a_store_opens_as_it_was_saved(windows, tmp_path):
    path = store.save(windows, tmp_path / "deep" / "store")
    opened = store.open_store(path, task="response-time")
    everything = np.arange(len(windows))
    assert np.array_equal(opened.gather(everything), windows.gather(everything))
    assert all(isinstance(signal, SignalFile) for signal in opened.signals)
    for name in ("n_times", "sfreq", "ch_names", "task", "target_name", "target_unit", "source", "tmin"):
        assert getattr(opened, name) == getattr(windows, name)
    assert opened.simulated is windows.simulated
    assert opened.problems == windows.problems
    assert np.array_equal(opened.targets, windows.targets)
    pd.testing.assert_frame_equal(
        opened.table.astype(object).fillna("n/a"),
        windows.table.astype(object).fillna("n/a"),
        check_dtype=False,
    )


def test_a_store_holds_only_what_its_windows_use(windows, tmp_path):
    part = windows.select(windows.table["subject"].isin(["sub-B"]).to_numpy())
    path = store.save(part, tmp_path / "store")
    opened = store.open_store(path)
    assert [file.name for file in (path / "signals").iterdir()] == ["00000.npy"]
    assert np.array_equal(opened.gather([0, 1]), part.gather([0, 1]))
    recordings = pd.read_csv(path / "recordings.tsv", sep="\t")
    assert recordings["subject"].tolist() == ["sub-B"]
    assert recordings["n_samples"].tolist() == [len(opened.signals[0])]


def test_nothing_is_left_of_a_store_that_could_not_be_written(windows, tmp_path, monkeypatch):
    monkeypatch.setattr(np, "save", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        store.save(windows, tmp_path / "out" / "store")
    assert list((tmp_path / "out").iterdir()) == []


def test_what_is_in_the_way_is_only_replaced_when_asked_and_only_a_store(windows, tmp_path):
    path = store.save(windows, tmp_path / "store")
    with pytest.raises(SparseEEGError, match="is already a store"):
        store.save(windows, path)
    store.save(windows.select([0]), path, overwrite=True)
    assert len(store.open_store(path)) == 1
    assert [child.name for child in tmp_path.iterdir() if child.name.startswith(".")] == []
    other = tmp_path / "other"
    other.mkdir()
    store.save(windows, other)  # an empty folder is free
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("all of it")
    with pytest.raises(SparseEEGError, match="holds other files"):
        store.save(windows, tmp_path / "mine", overwrite=True)
    with pytest.raises(SparseEEGError, match="is a file"):
        store.save(windows, tmp_path / "mine" / "thesis.txt", overwrite=True)


@pytest.mark.parametrize("place", [".", "signals"])
def test_a_store_with_other_files_inside_is_not_replaced(windows, tmp_path, place):
    path = store.save(windows, tmp_path / "store")
    mine = path / place / "thesis.txt"
    mine.write_text("all of it")
    with pytest.raises(SparseEEGError, match=r"thesis\.txt is not part of the store"):
        store.save(windows, path, overwrite=True)
    assert mine.read_text() == "all of it"
    mine.unlink()
    (path / "signals").rename(tmp_path / "moved")
    (path / "signals").symlink_to(tmp_path / "moved")
    with pytest.raises(SparseEEGError, match="signals is a link to another folder"):
        store.save(windows, path, overwrite=True)
    assert len(list((tmp_path / "moved").iterdir())) == 4


def test_a_link_to_a_store_stays_a_link(windows, tmp_path):
    store.save(windows, tmp_path / "real")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    store.save(windows.select([0]), tmp_path / "link", overwrite=True)
    assert (tmp_path / "link").is_symlink()
    assert len(store.open_store(tmp_path / "real")) == 1


def change_manifest(path, **changes):
    manifest = json.loads((path / "store.json").read_text())
    (path / "store.json").write_text(json.dumps(manifest | changes))


def test_the_old_store_comes_back_when_the_new_one_cannot_take_its_place(windows, tmp_path, monkeypatch):
    path = store.save(windows, tmp_path / "store")

    def fail(*_):
        raise OSError("no")

    monkeypatch.setattr(store.os, "replace", fail)
    with pytest.raises(OSError, match="no"):
        store.save(windows.select([0, 1]), path, overwrite=True)
    assert len(store.open_store(path)) == len(windows)
    assert [child.name for child in tmp_path.iterdir() if child.name.startswith(".")] == []


def test_a_store_that_another_command_fills_is_not_replaced(windows, tmp_path):
    path = store.save(windows, tmp_path / "store")
    with only_writer(path):
        with pytest.raises(SparseEEGError, match="another command is writing to"):
            store.save(windows.select([0]), path, overwrite=True)
        assert (path / lock.NAME).exists()
    assert len(store.open_store(path)) == len(windows)
    store.save(windows.select([0]), path, overwrite=True)
    assert len(store.open_store(path)) == 1
    with only_writer(path):
        pass


def test_an_old_store_that_cannot_come_back_is_kept_beside(windows, tmp_path, monkeypatch):
    path = store.save(windows, tmp_path / "store")

    original = store.os.replace

    def taken(source, to):
        if to != path:
            return original(source, to)
        path.mkdir()
        (path / "other").touch()
        raise OSError("not empty")

    monkeypatch.setattr(store.os, "replace", taken)
    with pytest.raises(SparseEEGError, match=r"the old store is .*old, move it back"):
        store.save(windows.select([0, 1]), path, overwrite=True)
    (old,) = tmp_path.glob(".store-*/old")
    assert len(store.open_store(old)) == len(windows)


def test_a_store_names_the_type_of_the_signals_that_it_holds(windows, tmp_path):
    halves = replace(
        windows,
        signals=[signal.astype(np.float16) for signal in windows.signals],
        processing=replace(windows.processing, dtype="float16"),
    )
    opened = store.open_store(store.save(halves, tmp_path / "store"))
    assert {signal.dtype.name for signal in opened.signals} == {"float32"} == {opened.processing.dtype}
    assert np.array_equal(opened.gather([0, 1]), halves.gather([0, 1]))


def test_a_store_of_another_task_or_a_newer_format_is_refused(windows, tmp_path):
    path = store.save(windows, tmp_path / "store")
    with pytest.raises(SparseEEGError, match="a store of the task 'response-time', not 'externalizing'"):
        store.open_store(path, task="externalizing")
    change_manifest(path, format=4)
    with pytest.raises(SparseEEGError, match="format 4; this version reads up to 3: update"):
        store.open_store(path)
    change_manifest(path, format=1)
    with pytest.raises(SparseEEGError, match="older format 1; prepare it again"):
        store.open_store(path)


def test_a_damaged_store_is_an_error_in_one_line(windows, tmp_path):
    path = store.save(windows, tmp_path / "store")
    (path / "signals" / "00001.npy").unlink()
    with pytest.raises(SparseEEGError, match="is a damaged store"):
        store.open_store(path)
    for content, reason in (("{", "is damaged: Invalid JSON"), ("{}", "not the manifest of a store")):
        (path / "store.json").write_text(content)
        with pytest.raises(SparseEEGError, match=rf"store\.json.* {reason}"):
            store.open_store(path)
    with pytest.raises(SparseEEGError, match=r"is not a store: it has no store\.json"):
        store.open_store(tmp_path)


@pytest.mark.parametrize("name", ["windows", "problems"])
def test_a_table_that_was_cut_at_a_line_is_noticed(windows, tmp_path, name):
    problems = tuple(Problem(Path(f"{number}.bdf"), "is damaged", "left out") for number in range(3))
    path = store.save(replace(windows, problems=problems), tmp_path / "store")
    lines = (path / f"{name}.tsv").read_text().splitlines(keepends=True)
    (path / f"{name}.tsv").write_text("".join(lines[:-1]))
    message = f"{name}.tsv has {len(lines) - 2} rows instead of {len(lines) - 1}; prepare it again"
    with pytest.raises(SparseEEGError, match=message):
        store.open_store(path)
