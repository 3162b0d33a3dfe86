"""Events as people have them: the same trials from every table and every file, or a reason."""

import json
import re
from dataclasses import replace
from pathlib import Path

import edfio
import mne
import numpy as np
import pandas as pd
import pytest

from helpers import toy_recording as toy
from helpers.bids_folder import BidsFolder, contrast_events
from sparseeg.cli.options import name_list
from sparseeg.data.bids.events import read_events
from sparseeg.data.bids.layout import BidsFile, bids_file
from sparseeg.data.bids.trials import TrialRule
from sparseeg.data.event_names import names_with_commas
from sparseeg.data.load import load_like
from sparseeg.data.problems import Problem
from sparseeg.data.provenance import Processing, Provenance
from sparseeg.data.read_bids import read_bids
from sparseeg.data.signals.new_recording import read_new, recorded_events
from sparseeg.data.signals.raw import open_raw
from sparseeg.data.store.prepare import Options, prepare
from sparseeg.data.store.store import open_store
from sparseeg.data.tasks import RESPONSE_TIME, TASKS, TaskFile, find_task
from sparseeg.errors import SparseEEGError
from sparseeg.files.names import event_name
from sparseeg.prediction.recordings import PredictionRequest

STIMULI, RTS = [4.0, 10.0, 15.0], [1.5, 0.7, 0.8]
GO = TrialRule(("go",), ("press",), (), ())
NAMED = find_task("go-task", TaskFile(stimulus=("go",), response=("press",), tmin=0.0, tmax=2.0))


@pytest.fixture
def bids(tmp_path: Path) -> BidsFolder:
    return BidsFolder(tmp_path / "bids")


def own_events(bids: BidsFolder, table: pd.DataFrame | None) -> BidsFile:
    """Return a recording of 20 s with this events.tsv, or none."""
    path = bids.add("A", task="go", events=contrast_events([4.0], [1.0]))
    events = BidsFile(path, bids.root).sidecar("events.tsv")
    events.unlink()
    if table is not None:
        table.to_csv(events, sep="\t", index=False, na_rep="n/a")
    return BidsFile(path, bids.root)


def pairs(column: str = "value") -> pd.DataFrame:
    rows = [row for at, rt in zip(STIMULI, RTS, strict=True) for row in ((at, "go"), (at + rt, "press"))]
    return pd.DataFrame(rows, columns=["onset", column])


def found(file: BidsFile, rule: TrialRule = GO) -> tuple[list[tuple[float, str]], list[Problem]]:
    problems: list[Problem] = []
    raw = open_raw(file.path)
    events = read_events(file, raw, rule.column, rule.groups, problems).named
    return list(zip(events["onset"].tolist(), events["name"].tolist(), strict=True)), problems


EXPECTED = [(4.0, "go"), (5.5, "press"), (10.0, "go"), (10.7, "press"), (15.0, "go"), (15.8, "press")]


def test_the_column_that_holds_the_named_events_is_found_and_said(bids):
    table = pairs("trial_type")
    table["value"] = table["trial_type"].map({"go": 1, "press": 2})  # as mne-bids writes them
    events, problems = found(own_events(bids, table))
    assert events == EXPECTED
    (problem,) = problems
    assert problem.reason == "the named events are in the column trial_type, not in value"
    assert problem.lost == "nothing"
    windows = read_bids(bids.root, task=replace(NAMED, bids_tasks=("go",)))
    assert windows.targets.tolist() == pytest.approx(RTS, abs=1e-9)
    numbers, problems = found(own_events(bids, table), TrialRule(("1",), ("2",), (), ()))
    assert [name for _, name in numbers] == ["1", "2"] * 3
    assert problems == []


def test_a_table_without_the_column_uses_another_that_has_the_events(bids):
    assert found(own_events(bids, pairs("trial_type")))[0] == EXPECTED
    kind = pairs("kind").replace("press", "other")
    with pytest.raises(SparseEEGError, match="lack the column value; found: onset, kind"):
        found(own_events(bids, kind))


def write_with_triggers(path: Path, codes: dict[int, int], status: int = 0) -> None:
    """Write 20 s at 100 Hz with a Status channel whose value is `codes` from these samples on."""
    values = np.zeros(2000, dtype=np.int64)
    for sample, code in codes.items():
        values[sample : sample + 5] = code
    limits = (-8388608, 8388607)
    trigger = edfio.BdfSignal(
        (values + status).astype(float), 100, label="Status", physical_range=limits, digital_range=limits
    )
    noise = 20 * np.random.default_rng(0).standard_normal((4, 2000))
    eeg = [
        edfio.BdfSignal(row, 100, label=f"E{number}", physical_dimension="uV", physical_range=(-500, 500))
        for number, row in enumerate(noise)
    ]
    edfio.Bdf([*eeg, trigger], data_record_duration=1).write(path)


def annotated(path: Path) -> None:
    """Write the events of `pairs` as annotations of a BrainVision file."""
    info = mne.create_info(["Fz", "Cz", "Pz", "Oz"], 100.0, "eeg")
    raw = mne.io.RawArray(1e-5 * np.random.default_rng(0).standard_normal((4, 2000)), info, verbose="error")
    table = pairs()
    raw.set_annotations(mne.Annotations(table["onset"], 0.0, table["value"]))
    mne.export.export_raw(path, raw, verbose="error")


@pytest.mark.parametrize("status", [0, 0x10000])  # BioSemi sets high bits for its own state
def test_events_of_a_status_channel(bids, status):
    file = own_events(bids, None)
    codes = {round(at * 100): 7 for at in STIMULI}
    codes |= {round((at + rt) * 100): 12 for at, rt in zip(STIMULI, RTS, strict=True)}
    write_with_triggers(file.path, codes, status)
    rule = TrialRule(("7",), ("12",), (), ())
    events, problems = found(file, rule)
    assert events == [(at, {"go": "7", "press": "12"}[name]) for at, name in EXPECTED]
    assert [problem.action for problem in problems] == ["its events are read from the file itself"]
    task = find_task("t", TaskFile(stimulus=("7",), response=("12",), tmin=0.0, tmax=2.0))
    windows = read_bids(bids.root, task=task)
    assert windows.targets.tolist() == pytest.approx(RTS, abs=1e-9)
    assert windows.table["onset"].tolist() == STIMULI
    assert "Status" not in windows.ch_names


def test_events_of_annotations_are_the_same_for_prepare_predict_and_replay(tmp_path):
    folder = tmp_path / "bids" / "sub-A" / "eeg"
    folder.mkdir(parents=True)
    path = folder / "sub-A_task-go_eeg.edf"
    annotated(path)
    assert found(BidsFile(path, tmp_path / "bids"))[0] == EXPECTED
    windows = read_bids(tmp_path / "bids", task=NAMED)
    assert windows.targets.tolist() == pytest.approx(RTS, abs=1e-9)
    notes: list[str] = []
    events = recorded_events(path, open_raw(path), "value", ("go",), notes).named
    assert list(zip(events["onset"], events["name"], strict=True)) == EXPECTED
    assert notes == ["sub-A_task-go_events.tsv: does not exist (its events are read from the file itself)"]


def test_a_table_beside_a_recording_without_a_bids_name_is_said(tmp_path):
    path = tmp_path / "Proband_1.edf"
    annotated(path)
    notes: list[str] = []
    recorded_events(path, open_raw(path), "value", ("go",), notes)
    assert notes == ["Proband_1_events.tsv: does not exist (its events are read from the file itself)"]
    pairs().to_csv(tmp_path / "Proband_1_events.tsv", sep="\t", index=False)
    notes.clear()
    recorded_events(path, open_raw(path), "value", ("go",), notes)
    beside = "is there, but is only read for a recording named ..._eeg: give it with --events"
    assert notes == [f"Proband_1_events.tsv: {beside} (its events are read from the file itself)"]
    with pytest.raises(SparseEEGError, match=rf"Proband_1_events\.tsv {beside}\. Name"):
        recorded_events(path, open_raw(path), "value", ("x",), notes)


def test_a_recording_without_any_events_is_refused(bids):
    events, (problem,) = found(own_events(bids, None))
    assert events == []
    assert problem.reason == "does not exist, and the file itself has no events"
    with pytest.raises(SparseEEGError, match=r"sub-A_.*_events\.tsv does not exist, and the file itself"):
        read_bids(bids.root, task=NAMED)


def test_events_that_are_not_the_named_ones_are_listed_with_their_numbers(bids):
    table = pairs().replace({"go": "Go", "press": "key"})
    own_events(bids, table)
    with pytest.raises(SparseEEGError) as caught:
        read_bids(bids.root, task=NAMED)
    said = "no event go, no event press; its events are Go (3), key (3) in the column value"
    assert said in str(caught.value)


def test_a_wrong_name_is_told_with_the_events_of_each_column_once_for_all_recordings(bids):
    table = pairs().assign(trial_type=["stimulus", "response"] * 3).assign(sample=range(6))
    for subject in "ABC":
        bids.add(subject, task="go", events=table)
    task = find_task("t", TaskFile(stimulus=("goo",), response=("press",)))
    with pytest.raises(SparseEEGError) as caught:
        read_bids(bids.root, task=task)
    said = str(caught.value)
    assert (
        "no event goo; its events are go (3), press (3) in the column value; "
        "stimulus (3), response (3) in the column trial_type. Did you mean 'go'?"
    ) in said
    assert said.count("go (3)") == 1
    assert said.endswith("and 2 like it")


def test_a_wrong_name_is_told_where_the_column_of_names_is_another_one(bids):
    own_events(bids, pairs("trial_type"))
    task = find_task("t", TaskFile(stimulus=("foo",), response=("press",)))
    said = r"no event foo; its events are go \(3\), press \(3\) in the column trial_type"
    with pytest.raises(SparseEEGError, match=said):
        read_bids(bids.root, task=task)


def test_response_times_in_a_column_are_said_not_to_be_read(bids):
    own_events(bids, pairs("trial_type").assign(response_time=0.7))
    task = find_task("t", TaskFile(stimulus=("go",), response=("key",)))
    with pytest.raises(
        SparseEEGError, match=r"no event key; .*response times in the column response_time are"
    ):
        read_bids(bids.root, task=task)


def test_a_wrong_name_among_right_ones_is_said(bids):
    own_events(bids, pairs())
    task = find_task("t", TaskFile(stimulus=("go", "gooo"), response=("press",), tmin=0.0, tmax=2.0))
    windows = read_bids(bids.root, task=task)
    assert len(windows) == 3
    assert [problem.reason for problem in windows.problems] == ["no window is locked to an event gooo"]


def test_rows_without_onset_are_left_out_and_their_trials_too(bids):
    table = pairs().astype({"onset": object})
    table.loc[3, "onset"] = None  # the press of the second trial
    table.loc[6] = [10.9, "press"]  # a later press must not become its response
    table.loc[7] = [None, "comment"]  # nothing that a trial is made of
    own_events(bids, table)
    windows = read_bids(bids.root, task=NAMED)
    assert windows.table["onset"].tolist() == [4.0, 15.0]
    assert windows.targets.tolist() == pytest.approx([1.5, 0.8], abs=1e-9)
    reasons = {problem.reason: problem.count for problem in windows.problems}
    assert reasons == {
        "2 of 8 events have no onset": 0,
        "1 of 3 windows hold an event without an onset": 1,
    }


@pytest.mark.parametrize("missing", ["NaN", "NA", "nan", "null"])
def test_a_word_for_a_missing_onset_leaves_out_its_event_only(bids, missing):
    table = pairs().astype({"onset": object})
    table.loc[3, "onset"] = missing  # the press of the second trial
    table.loc[6] = [10.9, "press"]  # a later press must not become its response
    own_events(bids, table)
    windows = read_bids(bids.root, task=NAMED)
    assert windows.table["onset"].tolist() == [4.0, 15.0]
    assert windows.targets.tolist() == pytest.approx([1.5, 0.8], abs=1e-9)
    reasons = [problem.reason for problem in windows.problems]
    assert reasons == ["1 of 7 events have no onset", "1 of 3 windows hold an event without an onset"]


def test_joined_tables_are_refused_as_that(bids):
    table = pairs().astype(object)
    table.loc[6] = ["onset", "value"]
    own_events(bids, table)
    with pytest.raises(SparseEEGError, match=r"column onset, row 7: 'onset' repeats the header"):
        read_bids(bids.root, task=NAMED)


SAME = [("go ", "go"), ("go", " go"), ("gr\u00fcn", "gru\u0308n"), ("gru\u0308n", "gr\u00fcn")]


@pytest.mark.parametrize(("there", "given"), SAME)
@pytest.mark.parametrize("kind", ["table", "another column", "annotations"])
def test_names_that_look_the_same_are_the_same(bids, there, given, kind):
    task = find_task("t", TaskFile(stimulus=(given,), response=("press",), tmin=0.0, tmax=2.0))
    table = pairs("trial_type" if kind == "another column" else "value").replace({"go": there})
    if kind == "annotations":
        own_events(bids, None).path.unlink()
        path = bids.root / "sub-A" / "eeg" / "sub-A_task-go_run-1_eeg.edf"
        marks = [(float(onset), 0.0, name) for onset, name in table.to_numpy()]
        toy.write_edf(path, toy.samples(seconds=20), marks)
    else:
        path = own_events(bids, table).path
    windows = read_bids(bids.root, task=task)
    assert windows.table["onset"].tolist() == STIMULI
    assert windows.targets.tolist() == pytest.approx(RTS, abs=1e-9)
    request = PredictionRequest(stimulus=(given,))
    events = recorded_events(path, open_raw(path), "value", request.stimulus, []).named
    assert events["onset"][events["name"].isin(request.stimulus)].tolist() == STIMULI


@pytest.mark.parametrize(("there", "given"), SAME[2:])
def test_options_find_names_with_commas_that_look_the_same(bids, there, given):
    file = own_events(bids, pairs().replace({"go": f"left, {there}"}))
    known = names_with_commas([f"left, {given}"], [file])
    assert name_list(f"left, {given}", "--stimulus", known) == (event_name(f"left, {there}"),)
    assert name_list(f"{given},left", "--stimulus") == (event_name(there), "left")


def test_onsets_with_decimal_commas_are_refused_with_a_hint(bids):
    table = pairs()
    table["onset"] = [str(onset).replace(".", ",") for onset in table["onset"]]
    own_events(bids, table)
    with pytest.raises(SparseEEGError, match=r"'4,0' is not a finite number; write 4\.0 \(6 such rows\)"):
        read_bids(bids.root, task=NAMED)


@pytest.mark.parametrize(
    ("factor", "units"), [(100, "samples or milliseconds"), (1000, "milliseconds"), (1e6, "another unit")]
)
def test_onsets_in_another_unit_are_refused_with_a_hint(bids, factor, units):
    table = pairs()
    file = own_events(bids, table.assign(onset=(table["onset"] * factor).round().astype(int)))
    with pytest.raises(SparseEEGError, match=rf"6 of 6 onsets lie after .* 20 s; are they in {units}\?"):
        found(file)
    with pytest.raises(SparseEEGError, match="are they in"):  # and for new recordings
        recorded_events(file.path, open_raw(file.path), "value", ("go",), [])


def test_a_recording_that_was_cut_off_keeps_its_first_trials(bids):
    long = pairs()
    later = long.assign(onset=long["onset"] + 20.25)
    own_events(bids, pd.concat([long, later, later.assign(onset=later["onset"] + 20)]))
    windows = read_bids(bids.root, task=NAMED)
    assert windows.targets.tolist() == pytest.approx(RTS, abs=1e-9)
    assert "6 of 9 windows reach outside the recording of 20 s" in str(windows.problems[0])


def with_unit(bids: BidsFolder, units: object) -> BidsFile:
    """Return a recording whose events.json gives a unit of onsets."""
    file = own_events(bids, pairs())
    (bids.root / "task-go_events.json").write_text(json.dumps({"onset": {"Units": units}}))
    return file


@pytest.mark.parametrize(
    "units", ["s", "S", "sec", "seconds", "Seconds from the first sample", "second(s)", "", "n/a", None]
)
def test_onsets_in_seconds_are_read(bids, units):
    assert found(with_unit(bids, units)) == (EXPECTED, [])


@pytest.mark.parametrize(
    ("units", "meant"),
    [
        *((name, "(milliseconds)") for name in ("ms", "msec", "MS", "milliseconds", "milliseconds (ms)")),
        *((name, "(microseconds)") for name in ("us", "usec", "\u00b5s", "\u03bcs")),
        *((name, "(samples)") for name in ("samples", "Sample", "datapoints")),
        *((name, "a unit that is not known") for name in ("frames", "min", "TR", "volumes")),
    ],
)
def test_onsets_in_another_unit_by_events_json_are_refused_with_its_name(bids, units, meant):
    with pytest.raises(
        SparseEEGError, match=f"events.json says that onsets are in '{re.escape(units)}'.*{meant[1:-1]}"
    ):
        found(with_unit(bids, units))


def test_durations_in_another_unit_are_refused_where_they_count(bids):
    about = {"onset": {"Units": "s"}, "duration": {"Units": "ms"}}
    table = pairs().assign(duration=[500.0, None] * 3)
    file = own_events(bids, table)
    (bids.root / "task-go_events.json").write_text(json.dumps(about))
    assert found(file) == (EXPECTED, [])
    assert len(read_bids(bids.root, task=NAMED)) == 3
    table.loc[6] = [12.0, "BAD_x", 200.0]
    own_events(bids, table)
    with pytest.raises(SparseEEGError, match=r"column duration, row 7: '200\.0 ms' is not a finite number"):
        read_bids(bids.root, task=NAMED)


def test_a_damaged_events_json_is_said(bids):
    file = with_unit(bids, "s")
    (bids.root / "task-go_events.json").write_text("{")
    assert [problem.action for problem in found(file)[1]] == ["read without it"]


def test_responses_at_the_time_of_their_stimulus_are_left_out_and_counted(bids):
    path = bids.add("A", task="go", seconds=60.0)
    events = BidsFile(path, bids.root).sidecar("events.tsv")
    events.write_text("onset\tvalue\n4\tgo\n5.5\tpress\n10\tgo\n10\tpress\n50\tgo\n50.75\tpress\n")
    windows = read_bids(bids.root, task=NAMED)
    assert windows.targets.tolist() == pytest.approx([1.5, 0.75])
    (problem,) = windows.problems
    assert problem.reason == "1 of 3 windows have a response at the time of their stimulus"
    assert (problem.lost, problem.count) == ("windows", 1)


def test_response_times_beyond_the_limit_are_left_out_and_counted(bids):
    path = bids.add("A", task="go", seconds=60.0)
    events = BidsFile(path, bids.root).sidecar("events.tsv")
    events.write_text("onset\tvalue\n4\tgo\n5.5\tpress\n10\tgo\n40\tpress\n50\tgo\n50.75\tpress\n")
    windows = read_bids(bids.root, task=NAMED)
    assert windows.targets.tolist() == pytest.approx([1.5, 0.75])
    (problem,) = windows.problems
    assert problem.reason == ("1 of 3 windows have response times longer than 10 s; --max-rt sets the limit")
    assert (problem.lost, problem.count) == ("windows", 1)
    for limit, expected in ((40.0, [1.5, 30.0, 0.75]), (1.0, [0.75])):
        windows = read_bids(bids.root, task=replace(NAMED, max_rt=limit))
        assert windows.targets.tolist() == pytest.approx(expected)
    assert TASKS[RESPONSE_TIME].cut(100.0).max_rt == 10.0
    assert replace(NAMED, tmax=12.0).cut(100.0).max_rt == 12.0


def test_a_run_reads_the_events_of_its_own_task_in_another_folder(bids, tmp_path):
    """What a network was trained on says how another BIDS folder is read, down to columns and limits."""
    own_events(bids, pairs("kind"))
    changes = TaskFile(
        stimulus=("go",), response=("press",), events_column="kind", tmin=0.1, tmax=1.1, max_rt=1
    )
    prepare(bids.root, tmp_path / "store", find_task("go-task", changes), Options(Processing(50.0)))
    like = open_store(tmp_path / "store").provenance
    like = Provenance.from_dict(json.loads(json.dumps(like.to_dict())))
    other = BidsFolder(tmp_path / "other")
    own_events(other, pairs("kind").assign(value="go"))
    windows, _ = load_like(other.root, like, "the run")
    assert windows.task == like.task
    assert windows.targets.tolist() == pytest.approx([0.7, 0.8], abs=1e-9)
    assert (windows.n_times, windows.sfreq, windows.tmin) == (50, 50.0, 0.1)


def test_files_without_a_bids_name_have_no_sidecars(tmp_path):
    path = tmp_path / "go.edf"
    annotated(path)
    (tmp_path / "events.tsv").write_text("onset\tvalue\n1\tgo\n2\tpress\n")
    assert found(bids_file(path))[0] == EXPECTED


@pytest.mark.parametrize(
    ("content", "about", "said"),
    [
        ("onset\tduration\tvalue\n6\t2\tBAD_x\n", None, None),
        (
            "onset\tduration\tvalue\n6\t2\tBAD_x\n",
            "ms",
            "events.json says that onsets are in 'ms' (milliseconds)",
        ),
        ("onset\tduration\tvalue\n6,0\t2\tBAD_x\n", None, "'6,0' is not a finite number"),
        ("onset\tduration\tvalue\n6000\t2000\tBAD_x\n", None, "1 of 1 onsets lie after the end"),
        ("begin\tduration\tvalue\n6\t2\tBAD_x\n", None, "the events lack the column onset"),
        (None, None, "events.tsv"),
    ],
)
def test_bad_stretches_of_windows_without_events_are_read_or_said(bids, content, about, said):
    """A grid of windows needs no events, but the bad stretches that they name."""
    file = own_events(bids, None)
    path = file.sidecar("events.tsv")
    if content is None:
        path.symlink_to(bids.root / ".git" / "annex" / "missing")
        said = path.name
    else:
        path.write_text(content)
    if about is not None:
        (bids.root / "task-go_events.json").write_text(json.dumps({"onset": {"Units": about}}))
    (bids.root / "participants.tsv").write_text("participant_id\tage\nsub-A\t30\n")
    windows = read_bids(bids.root, task=replace(find_task("age"), window=1.0, stride=1.0, crop=1.0))
    reasons = [str(problem) for problem in windows.problems]
    if said is None:
        assert windows.table["trial"].tolist() == [*range(6), *range(8, 20)]
        assert reasons == [
            f"{file.path}: 2 of 20 windows overlap a stretch marked as bad (BAD_x); "
            "--keep-bad keeps them (these windows dropped)"
        ]
    else:
        assert len(windows) == 20
        (reason,) = reasons
        assert said in reason
        assert "(read without breaks and bad stretches)" in reason
        wanted = [{"ch_name": name, "loc": None} for name in windows.ch_names]
        with pytest.raises(SparseEEGError, match=re.escape(said)):
            read_new(file.path, wanted, Processing(), column=None)
