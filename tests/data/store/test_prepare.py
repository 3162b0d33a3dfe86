"""Preparing a store: the same windows as reading, only what changed, whole whatever happens."""

import json
import os
import random
import re
import shutil
from dataclasses import replace
from pathlib import Path

import mne
import numpy as np
import pandas as pd
import pytest
from scipy.io import loadmat, savemat

from helpers.bids_folder import BidsFolder, contrast_events
from helpers.command import assert_one_line
from helpers.kills import kill_at_random
from sparseeg.data.bids.hbn import CH_NAMES
from sparseeg.data.problems import Problem
from sparseeg.data.provenance import Processing
from sparseeg.data.read_bids import read_bids
from sparseeg.data.signals.signal_file import SignalFile
from sparseeg.data.store import journal, store
from sparseeg.data.store import prepare as preparing
from sparseeg.data.store.other_options import other_options
from sparseeg.data.store.prepare import Options, prepare
from sparseeg.data.tasks import TASKS, TaskFile, find_task
from sparseeg.errors import SparseEEGError
from sparseeg.files import lock

ABOUT = {"A": ("R1", "F", "8.1"), "B": ("R5", "M", "9.0"), "C": ("R5", "n/a", "n/a")}


@pytest.fixture
def folder(bids: BidsFolder) -> BidsFolder:
    bids.write_participants(ABOUT)
    for number, subject in enumerate("ABC"):
        bids.add(subject, seed=number)
    bids.add("A", run=2, seed=9)
    return bids


def same_windows(first, second):
    everything = np.arange(len(first))
    assert np.array_equal(first.gather(everything), second.gather(everything))
    assert np.array_equal(first.targets, second.targets)
    assert first.subjects.tolist() == second.subjects.tolist()


def content(path: Path) -> dict[str, bytes]:
    return {
        file.relative_to(path).as_posix(): file.read_bytes()
        for file in path.rglob("*")
        if file.is_file() and file.name != lock.NAME
    }


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_prepared_store_holds_the_windows_that_reading_gives(folder, tmp_path, n_jobs):
    folder.add("A", run=3, seed=10, extension=".set")
    windows = prepare(folder.root, tmp_path / "store", n_jobs=n_jobs)
    same_windows(windows, read_bids(folder.root))
    assert all(isinstance(signal, SignalFile) for signal in windows.signals)
    assert windows.table["release"].dropna().tolist() == ["R1"] * 6 + ["R5"] * 4


def test_windows_may_be_moved_by_the_margin_and_no_further_than_the_recording(bids, tmp_path):
    data = np.arange(2000) / 2000.0 * 200.0 + 10.0 * np.arange(4)[:, None]
    bids.add("A", data=data, events=contrast_events([4.0, 7.0, 17.4], [0.1, 0.9, 0.8]))
    windows = prepare(bids.root, tmp_path / "store", options=Options(margin=0.8))
    table = windows.table
    assert (table["start"] - table["earliest"]).tolist() == [80, 80, 80]
    assert (table["latest"] - table["start"]).tolist() == [80, 80, 10]
    signal = np.asarray(windows.signals[0])
    for row, onset in zip(table.to_dict("records"), [4.0, 7.0, 17.4], strict=True):
        first = round(onset * 100) + 50 - 80
        length = row["latest"] - row["earliest"] + 200
        expected = data[:, first : first + length].T
        assert np.abs(signal[row["earliest"] :][:length] - expected).max() < 1e-4


def test_a_second_run_reads_only_what_changed(folder, tmp_path, monkeypatch):
    prepare(folder.root, tmp_path / "store")
    before = content(tmp_path / "store")
    read = []
    original = preparing.Job.run

    def counted(job):
        read.append(job.file.subject)
        return original(job)

    monkeypatch.setattr(preparing.Job, "run", counted)
    prepare(folder.root, tmp_path / "store")
    assert read == []
    assert content(tmp_path / "store") == before
    folder.add("B", seed=77)
    windows = prepare(folder.root, tmp_path / "store")
    assert read == ["sub-B"]
    same_windows(windows, read_bids(folder.root))
    assert len(list((tmp_path / "store" / "signals").iterdir())) == 4  # the old signal is gone


def test_a_change_of_the_subject_table_alone_reads_no_signal_again(folder, tmp_path, monkeypatch):
    prepare(folder.root, tmp_path / "store")
    monkeypatch.setattr(preparing.Job, "run", lambda job: pytest.fail("read a recording"))
    folder.write_participants({**ABOUT, "C": ("R4", "F", "12.5")})
    windows = prepare(folder.root, tmp_path / "store")
    assert windows.table.loc[windows.subjects == "sub-C", "age"].tolist() == [12.5, 12.5]


def test_other_options_need_another_store_or_overwrite(folder, tmp_path):
    prepare(folder.root, tmp_path / "store")
    with pytest.raises(SparseEEGError, match="prepared with --sfreq 100, asked for --sfreq 50"):
        prepare(folder.root, tmp_path / "store", options=Options(Processing(sfreq=50.0)))
    windows = prepare(
        folder.root, tmp_path / "store", options=Options(Processing(sfreq=50.0)), overwrite=True
    )
    assert (windows.sfreq, windows.n_times) == (50.0, 100)
    assert len(list((tmp_path / "store" / "signals").iterdir())) == 4


def test_what_is_in_the_way_is_left_alone(folder, tmp_path):
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis.txt").write_text("all of it")
    with pytest.raises(SparseEEGError, match="holds other files"):
        prepare(folder.root, mine)
    with pytest.raises(SparseEEGError, match="is a file"):
        prepare(folder.root, mine / "thesis.txt")
    store.save(read_bids(folder.root), tmp_path / "saved")
    with pytest.raises(SparseEEGError, match="not prepared from a BIDS folder"):
        prepare(folder.root, tmp_path / "saved")


def test_files_that_prepare_did_not_write_stay(folder, tmp_path):
    prepare(folder.root, tmp_path / "store")
    signals = tmp_path / "store" / "signals"
    mine = [signals / name for name in ("thesis.txt", "mine.npy", "sub-A_task-rest-0123456789ab.npy")]
    for path in mine:
        path.write_text("all of it")
    folder.add("B", seed=77)
    prepare(folder.root, tmp_path / "store")
    prepare(folder.root, tmp_path / "store", options=Options(Processing(sfreq=50.0)), overwrite=True)
    assert [path.read_text() for path in mine] == ["all of it"] * 3
    assert len(list(signals.iterdir())) == 4 + len(mine)


def test_signals_in_a_linked_folder_are_refused(folder, tmp_path, sparseeg):
    out, elsewhere = tmp_path / "store", tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "thesis.txt").write_text("all of it")
    out.mkdir()
    (out / "signals").symlink_to(elsewhere)
    (out / store.JOURNAL).write_text("")
    code, said = sparseeg("prepare", folder.root, "--out", out)
    assert_one_line(code, said, "store/signals is a link to another folder", "name a new folder")
    assert [path.name for path in elsewhere.iterdir()] == ["thesis.txt"]
    prepare(folder.root, tmp_path / "real")  # a link to the whole store is what the user named
    (tmp_path / "link").symlink_to(tmp_path / "real")
    prepare(folder.root, tmp_path / "link")
    (tmp_path / "moved").mkdir()
    (tmp_path / "real" / "signals").rename(elsewhere / "signals")
    (tmp_path / "real" / "signals").symlink_to(elsewhere / "signals")
    with pytest.raises(SparseEEGError, match="is a link to another folder"):
        prepare(folder.root, tmp_path / "link")


def test_a_signal_of_a_killed_prepare_is_removed_when_it_is_of_no_use(folder, tmp_path, monkeypatch):
    out = tmp_path / "store"
    with monkeypatch.context() as patch:
        patch.setattr(journal.Journal, "add", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            prepare(folder.root, out)
    (orphan,) = (out / "signals").iterdir()
    unfinished = orphan.with_name(f".{orphan.name}.0123456789ab.partial")
    unfinished.touch()
    os.utime(unfinished, (0, 0))
    for number, subject in enumerate("ABC"):
        folder.add(subject, seed=number + 50)
    prepare(folder.root, out)
    assert not orphan.exists()
    assert not unfinished.exists()
    assert content(out) == content(prepare_into(folder, tmp_path / "again"))


def prepare_into(folder: BidsFolder, out: Path) -> Path:
    prepare(folder.root, out)
    return out


def test_a_kill_after_the_tables_leaves_no_old_signal(folder, tmp_path, monkeypatch):
    out = prepare_into(folder, tmp_path / "store")
    before = set((out / "signals").iterdir())
    folder.add("B", seed=77)
    with monkeypatch.context() as patch:
        patch.setattr(preparing, "remove_signals", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            prepare(folder.root, out)
    assert len(set((out / "signals").iterdir()) - before) == 1
    prepare(folder.root, out)
    assert len(list((out / "signals").iterdir())) == 4
    assert content(out) == content(prepare_into(folder, tmp_path / "again"))


def test_a_saved_store_is_replaced_without_a_rest(folder, tmp_path):
    store.save(read_bids(folder.root), tmp_path / "store")
    prepare(folder.root, tmp_path / "store", overwrite=True)
    assert content(tmp_path / "store") == content(prepare_into(folder, tmp_path / "again"))


def test_channels_in_another_order_are_put_in_order_and_stay_so(bids, tmp_path, monkeypatch):
    for number, subject in enumerate("ABC"):
        bids.add(subject, seed=number)
    bids.add("D", seed=4, ch_names=CH_NAMES[-4:][::-1])
    windows = prepare(bids.root, tmp_path / "store")
    same_windows(windows, read_bids(bids.root))
    assert windows.ch_names == CH_NAMES[-4:]
    monkeypatch.setattr(preparing.Job, "run", lambda job: pytest.fail("read a recording"))
    prepare(bids.root, tmp_path / "store")


def test_half_precision_holds_microvolts_to_its_rounding(folder, tmp_path):
    windows = prepare(folder.root, tmp_path / "store", options=Options(Processing(dtype="float16")))
    assert windows.signals[0].dtype == np.float16
    exact = read_bids(folder.root).gather([0])
    batch = windows.gather([0])
    assert batch.dtype == np.float32
    assert np.abs(batch - exact).max() <= np.abs(exact).max() * 2.0**-11


@pytest.mark.parametrize("sfreq", [100.0, 250.0])
def test_filter_reference_and_rate_are_the_same_in_any_blocks(bids, tmp_path, monkeypatch, sfreq):
    path = bids.add("A", sfreq=sfreq, seconds=20.0)
    options = Options(Processing(low_cut=1.0, high_cut=30.0, reference=("average",)), margin=2.0)
    whole = prepare(bids.root, tmp_path / "whole", options=options)
    monkeypatch.setattr("sparseeg.data.signals.continuous._BLOCK", 4 * 37)
    blocks = prepare(bids.root, tmp_path / "blocks", options=options)
    assert np.abs(whole.gather([0, 1]) - blocks.gather([0, 1])).max() < 1e-4
    raw = mne.io.read_raw_bdf(path, preload=True, verbose="error").filter(1.0, 30.0, verbose="error")
    expected = raw.set_eeg_reference("average", verbose="error").get_data() * 1e6
    assert np.abs(whole.gather([0]).mean(axis=1)).max() < 1e-4
    if sfreq == 100.0:
        assert np.abs(whole.gather([0])[0] - expected[:, 450:650]).max() < 1e-3


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (Options(Processing(high_cut=60.0)), "a filter edge of 60 Hz doesn't fit a signal sampled at 100 Hz"),
        (Options(Processing(reference=("E1",))), "there is no reference channel 'E1'"),
    ],
)
def test_processing_that_does_not_fit_is_one_line(folder, tmp_path, options, said):
    with pytest.raises(SparseEEGError, match=said):
        prepare(folder.root, tmp_path / "store", options=options)


def write_factors(root: Path, rows: dict[str, str]) -> None:
    lines = [f"sub-{name}\tR5\tF\t9\t{value}\n" for name, value in rows.items()]
    header = "participant_id\trelease_number\tsex\tage\texternalizing\n"
    (root / "participants.tsv").write_text(header + "".join(lines))


def test_externalizing_is_read_from_every_task_with_the_official_crops(bids, tmp_path):
    write_factors(bids.root, {"A": "0.5", "B": "n/a", "C": "-1.25", "D": "high"})
    data = np.arange(1100) / 1100.0 * 200.0 + 10.0 * np.arange(4)[:, None]
    bids.add("A", task="RestingState", data=data)
    bids.add("B", task="RestingState")
    bids.add("C", task="ThePresent", seconds=8.0)
    bids.add("C", task="symbolSearch", seconds=3.0)
    bids.add("D", task="RestingState")
    windows = prepare(bids.root, tmp_path / "store", TASKS["externalizing"])
    assert (windows.n_times, windows.locked, windows.target_unit) == (200, False, "factor")
    assert windows.targets.tolist() == [0.5] * 4 + [-1.25] * 3
    generator = random.Random(42)
    official = [at + generator.randint(0, 200) for at in (0, 200, 400, 600)]
    assert windows.table["start"].tolist()[:4] == official
    assert np.abs(windows.gather([3])[0] - data[:, official[3] : official[3] + 200]).max() < 1e-4
    assert windows.table["earliest"].tolist()[:4] == [0, 200, 400, 600]
    assert windows.table["latest"].tolist()[:4] == [200, 400, 600, 800]
    said = " ".join(str(problem) for problem in windows.problems)
    assert "no number in column externalizing for 2 subjects: sub-B, sub-D" in said
    assert "'high' is not a finite number" in said
    assert "it lasts 3 s, less than a window of 4 s" in said
    same_windows(windows, read_bids(bids.root, task=TASKS["externalizing"]))


def test_a_task_that_is_no_column_names_those_there_are(bids, tmp_path):
    write_factors(bids.root, {"A": "0.5"})
    bids.add("A")
    with pytest.raises(SparseEEGError, match=r"column of numbers: age, externalizing.*Did you mean 'age'"):
        prepare(bids.root, tmp_path / "store", find_task("agee"))


def test_a_recording_in_two_data_sets_is_read_from_the_first(tmp_path):
    for name in ("one", "two"):
        BidsFolder(tmp_path / "all" / name).add("A", seed=len(name))
    BidsFolder(tmp_path / "all" / "two").add("B")
    windows = prepare(tmp_path / "all", tmp_path / "store")
    assert windows.table["file"].str.split("/").str[0].tolist() == ["one", "one", "two", "two"]
    assert any("is already in one" in problem.reason for problem in windows.problems)


def test_any_laboratorys_events_and_columns(bids, tmp_path):
    rows = [(2.0, "tone"), (2.6, "key"), (6.0, "tone"), (10.0, "tone"), (11.0, "key"), (11.5, "key")]
    events = pd.DataFrame(rows, columns=["onset", "trial_type"]).assign(duration=0.0)
    bids.add("A", task="oddball", events=events)
    path = tmp_path / "task.yaml"
    path.write_text(
        "name: tones\nbids_tasks: [oddball]\nstimulus: [tone]\nresponse: [key]\n"
        "events_column: trial_type\ntmin: 0\ntmax: 1\n"
    )
    changes = TaskFile.read(path)
    windows = prepare(bids.root, tmp_path / "store", find_task(changes.name or "", changes))
    assert windows.task.name == "tones"
    assert windows.targets == pytest.approx([0.6, 1.0])
    assert windows.n_times == 100
    path.write_text("stimulsu: [tone]\n")
    with pytest.raises(SparseEEGError, match="stimulsu: there is no setting"):
        TaskFile.read(path)
    with pytest.raises(SparseEEGError, match="needs both"):
        find_task("tones", TaskFile(stimulus=("tone",)))


def test_killed_at_any_moment_it_ends_with_the_same_bytes(bids, tmp_path):
    bids.write_participants(ABOUT)
    for number in range(24):
        bids.add(f"S{number:02d}", seed=number, seconds=120.0, ch_names=CH_NAMES)
    prepare(bids.root, tmp_path / "undisturbed", n_jobs=2)
    out = tmp_path / "killed"
    words = ("prepare", bids.root, "--out", out, "--jobs", "2")
    for killed in kill_at_random(out, 12, *words):
        if not killed:
            assert content(out) == content(tmp_path / "undisturbed")
            shutil.rmtree(out)  # the next one has something to do again
            continue
        if (out / store.MANIFEST).exists():
            same_windows(store.open_store(out), store.open_store(tmp_path / "undisturbed"))
        elif (out / store.JOURNAL).exists():
            with pytest.raises(SparseEEGError, match="isn't finished: run `sparseeg prepare` again"):
                store.open_store(out)
    prepare(bids.root, out, n_jobs=2)
    assert content(out) == content(tmp_path / "undisturbed")


def test_a_torn_line_of_the_journal_costs_one_recording(folder, tmp_path, monkeypatch):
    prepare(folder.root, tmp_path / "store")
    before = content(tmp_path / "store")
    path = tmp_path / "store" / store.JOURNAL
    path.write_bytes(path.read_bytes()[:-40])
    (tmp_path / "store" / store.MANIFEST).unlink()
    prepare(folder.root, tmp_path / "store")
    assert content(tmp_path / "store") == before


def test_an_entry_after_a_torn_line_is_not_lost_with_it(tmp_path):
    path, problem = tmp_path / "journal.jsonl", Problem(tmp_path, "damaged", "left out")
    done = journal.Journal(path)
    done.begin({"sfreq": 100.0})
    done.add(journal.entry("first", "", problem))
    path.write_text(path.read_text() + '{"file": "torn')
    journal.Journal(path).add(journal.entry("second", "", problem))
    again = journal.Journal(path)
    assert again.options == {"sfreq": 100.0}
    assert list(again.entries) == ["first", "second"]


def damage_options(path: Path) -> None:
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([lines[0][:20] + b"\n", *lines[1:]]))


def test_a_damaged_journal_does_not_lift_the_protection_of_a_store(folder, tmp_path):
    out = prepare_into(folder, tmp_path / "store")
    before = content(out)
    damage_options(out / store.JOURNAL)
    with pytest.raises(SparseEEGError, match="prepared with --sfreq 100, asked for --sfreq 50"):
        prepare(folder.root, out, options=Options(Processing(50.0)))
    prepare(folder.root, out)  # store.json knows the options
    assert content(out) == before
    damage_options(out / store.JOURNAL)
    (out / store.MANIFEST).unlink()
    with pytest.raises(SparseEEGError, match=r"journal\.jsonl is damaged: .*with --overwrite"):
        prepare(folder.root, out)
    prepare(folder.root, out, overwrite=True)
    assert content(out) == before


@pytest.mark.parametrize("line", ["{}", '{"file": "x"}', '{"options": 5}', '{"named": 5}', "[]", "{"])
def test_a_damaged_line_of_the_journal_is_left_out(folder, tmp_path, line):
    out = prepare_into(folder, tmp_path / "store")
    before = content(out)
    with (out / store.JOURNAL).open("a") as file:
        file.write(line + "\n")
    prepare(folder.root, out)
    assert content(out) == before


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize(
    "damage", ["truncated", "another", "zeros", "swapped", "windows.tsv", "recordings.tsv", "problems.tsv"]
)
def test_prepare_repairs_a_damaged_store(folder, tmp_path, overwrite, damage):
    out = prepare_into(folder, tmp_path / "store")
    before = content(out)
    signal = min((out / "signals").iterdir())
    if damage == "truncated":
        signal.write_bytes(signal.read_bytes()[:-8])
    elif damage == "another":
        np.save(signal, np.zeros((10, 4), dtype=np.float32))
    elif damage == "zeros":
        np.save(signal, np.zeros_like(np.load(signal)))
    elif damage == "swapped":
        other = max((out / "signals").iterdir())
        first, second = signal.read_bytes(), other.read_bytes()
        signal.write_bytes(second)
        other.write_bytes(first)
    else:
        (out / damage).unlink()
    with pytest.raises(SparseEEGError, match="prepare it again"):
        store.open_store(out)
    prepare(folder.root, out, overwrite=overwrite)
    assert content(out) == before


def test_a_data_set_that_is_said_to_be_simulated_changes_the_store(folder, tmp_path):
    assert not prepare(folder.root, tmp_path / "store").simulated
    description = {"Name": "a", "BIDSVersion": "1.8.0", "Simulated": True}
    (folder.root / "dataset_description.json").write_text(json.dumps(description))
    assert read_bids(folder.root).simulated
    assert prepare(folder.root, tmp_path / "store").simulated


def test_a_local_dask_cluster_prepares_the_same(folder, tmp_path):
    distributed = pytest.importorskip("distributed")
    from sparseeg.engines import engine

    with (
        distributed.LocalCluster(n_workers=1, threads_per_worker=2, dashboard_address=None) as cluster,
        engine("dask", cluster.scheduler_address),
    ):
        windows = prepare(folder.root, tmp_path / "store", n_jobs=2, backend="dask")
    same_windows(windows, read_bids(folder.root))
    with pytest.raises(SparseEEGError, match="backend 'nonsense'"):
        prepare(folder.root, tmp_path / "other", n_jobs=2, backend="nonsense")


def test_all_bad_input_at_once_is_a_line_each_and_the_rest_goes_on(bids, tmp_path, sparseeg):
    bids.add("A", run=3)  # without the runs before it
    cut, lying = bids.add("B"), bids.add("C")
    cut.write_bytes(cut.read_bytes()[:-3000])
    lying.write_bytes(lying.read_bytes()[:252] + b"3   " + lying.read_bytes()[256:])
    late = bids.add("D", events=contrast_events([4.0, 60.0], [1.0, 1.0]))
    windows_ends = bids.add("E")
    events = windows_ends.with_name(windows_ends.name.replace("_eeg.bdf", "_events.tsv"))
    events.write_bytes(events.read_bytes().replace(b"\n", b"\r\n"))
    (bids.root / "participants.tsv").write_bytes(b"")
    code, said = sparseeg("prepare", bids.root, "--out", tmp_path / "store")
    assert code == 0
    for path, reason in (
        (bids.root / "participants.tsv", "is empty"),
        (cut, "1 of 2 windows reach outside the recording"),
        (lying, "its header says 3 channels, but describes 4"),
        (late, "1 of 2 windows reach outside the recording"),
    ):
        assert sum(line.strip().startswith(f"{path}: ") and reason in line for line in said.splitlines()) == 1
    assert str(windows_ends) not in said
    assert store.open_store(tmp_path / "store").table["subject"].value_counts().to_dict() == {
        "sub-A": 2, "sub-B": 1, "sub-D": 1, "sub-E": 2,
    }  # fmt: skip
    code, said = sparseeg("prepare", bids.root, "--out", "/proc/version")
    assert code == 2
    assert said.strip() == "error: /proc/version is a file; a store is a folder"


def test_a_disk_without_room_is_not_taken_for_a_damaged_recording(folder, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(preparing.np, "ascontiguousarray", full)
    with pytest.raises(OSError, match="No space left"):
        prepare(folder.root, tmp_path / "store")
    monkeypatch.undo()
    same_windows(prepare(folder.root, tmp_path / "store"), read_bids(folder.root))


def test_tasks_are_changed_by_what_is_given():
    assert find_task("age").unit == "years"
    assert find_task("response-time", TaskFile(tmax=2.0)) == replace(TASKS["response-time"], tmax=2.0)


def test_options_go_before_a_task_file_and_are_checked_as_it_is():
    described = TaskFile(stimulus=("tone",), response=("key",), tmax=1.0)
    assert described.with_options({"tmax": 2.0, "unit": None}).tmax == 2.0
    with pytest.raises(SparseEEGError, match="window: must be greater than 0, not -1"):
        described.with_options({"window": -1.0})


@pytest.mark.parametrize(
    ("before", "now", "said"),
    [
        (
            {"task": {"bids_tasks": ["rest"]}},
            {"task": {"bids_tasks": ["go", "stop"]}},
            "prepared with --bids-task rest, asked for --bids-task go,stop",
        ),
        (
            {"task": {"name": "age", "rule": None}, "sfreq": 100.0, "keep_bad": True},
            {"task": {"name": "rt", "rule": {"stimulus": ["go"]}}, "sfreq": 62.5, "keep_bad": False},
            "prepared with --task age, --sfreq 100, --keep-bad, "
            "asked for --task rt, --sfreq 62.5, no --keep-bad",
        ),
        (
            {"task": {"rule": {"column": "value"}}, "low_cut": None},
            {"task": {"rule": {"column": "trial_type"}}, "low_cut": 0.5},
            "prepared with --events-column value, no --low-cut, "
            "asked for --events-column trial_type, --low-cut 0.5",
        ),
        ({"source": "/a"}, {"source": "/b"}, "made of the data in /a, not in /b"),
        (
            {"source": "/a", "task": {"bids_tasks": ["go"]}},
            {"source": "/b", "task": {"bids_tasks": []}},
            "made of the data in /a, not in /b; prepared with --bids-task go, asked for no --bids-task",
        ),
        (
            {"task": {"name": "Vigilanz (ms)"}},
            {"task": {"name": "age"}},
            "prepared with --task 'Vigilanz (ms)', asked for --task age",
        ),
    ],
)
def test_options_that_differ_are_told_as_they_are_typed(before, now, said):
    assert other_options(before, now) == said


def test_a_call_that_failed_does_not_block_the_corrected_one(bids, tmp_path):
    events = pd.DataFrame([(4.0, "go"), (5.5, "press")], columns=["onset", "value"])
    for subject in "AB":
        bids.add(subject, task="x", events=events)
    out = tmp_path / "store"
    wrong, right = (find_task("t", TaskFile(stimulus=(name,), response=("press",))) for name in ("Go", "go"))
    with pytest.raises(SparseEEGError, match=r"its events are go \(1\), press \(1\)"):
        prepare(bids.root, out, wrong)
    assert prepare(bids.root, out, right).targets.tolist() == [1.5, 1.5]
    with pytest.raises(
        SparseEEGError, match="prepared with --stimulus go, asked for --stimulus Go"
    ):  # and a store is still protected
        prepare(bids.root, out, wrong)


def brainvision(path: Path, data: np.ndarray, data_file: str) -> None:
    """Write (channel, time) microvolts as BrainVision, with the samples in a file of any name."""
    channels = "".join(f"Ch{n + 1}=E{n + 1},,1,uV\n" for n in range(len(data)))
    path.write_text(
        "Brain Vision Data Exchange Header File Version 1.0\n[Common Infos]\n"
        f"DataFile={data_file}\nMarkerFile=marks.vmrk\nDataFormat=BINARY\nDataOrientation=MULTIPLEXED\n"
        f"NumberOfChannels={len(data)}\nSamplingInterval=10000\n[Binary Infos]\nBinaryFormat=IEEE_FLOAT_32\n"
        f"[Channel Infos]\n{channels}"
    )
    (path.parent / "marks.vmrk").write_text(
        "Brain Vision Data Exchange Marker File, Version 1.0\n[Common Infos]\n[Marker Infos]\n"
        "Mk1=New Segment,,1,1,0,0\n"
    )
    data.T.astype("<f4").tofile(path.parent / data_file)


@pytest.mark.parametrize("data_file", ["samples.dat", "other.eeg", "sub-A_task-x_run-1_eeg.eeg"])
def test_changed_samples_and_markers_are_read_again_whatever_their_file(bids, tmp_path, data_file):
    bids.add("B")
    path = bids.add("A").with_suffix(".vhdr")
    path.with_suffix(".bdf").unlink()
    data = np.random.default_rng(0).normal(size=(4, 2000))
    named = [f"E{n + 1}" for n in range(4)]
    bids.add("B", ch_names=tuple(named))
    brainvision(path, data, data_file)
    windows = prepare(bids.root, tmp_path / "store")
    rows = np.flatnonzero(windows.subjects == "sub-A")
    old = windows.gather(rows)
    brainvision(path, 2 * data, data_file)
    assert prepare(bids.root, tmp_path / "store").gather(rows) == pytest.approx(2 * old, rel=1e-6)
    marks = path.parent / "marks.vmrk"
    marks.write_text(marks.read_text() + "Mk2=New Segment,,600,1,0,0\n")
    assert (prepare(bids.root, tmp_path / "store").subjects == "sub-A").sum() == len(rows) - 1


def test_a_changed_fdt_file_of_any_name_is_read_again(bids, tmp_path):
    path = bids.add("A", extension=".set")
    eeg = loadmat(path, struct_as_record=False, squeeze_me=True)["EEG"]
    data = np.random.default_rng(0).normal(size=(4, 2000)).astype("<f4")
    content = {name: getattr(eeg, name) for name in eeg._fieldnames} | {"data": "renamed.fdt"}
    savemat(path, {"EEG": content}, appendmat=False)
    for factor in (1, 3):
        (factor * data).T.tofile(path.parent / "renamed.fdt")
        windows = prepare(bids.root, tmp_path / "store")
        first = round(4.5 * 100)
        assert windows.gather(np.array([0]))[0] == pytest.approx(
            factor * data[:, first : first + 200], rel=1e-5
        )


def test_a_store_of_an_older_version_says_so_and_is_replaced(folder, tmp_path):
    out = tmp_path / "store"
    prepare(folder.root, out)
    file = out / "journal.jsonl"
    text = file.read_text()
    older = re.sub(r'"code": ?\d+', '"code": 1', text)
    assert older != text
    file.write_text(older)
    with pytest.raises(SparseEEGError, match="prepared by another version of sparseeg"):
        prepare(folder.root, out)
    assert len(store.open_store(out)) == 8
    assert len(prepare(folder.root, out, overwrite=True)) == 8
