"""Windows that meet others or a network are made alike, or refused with what differs and what to do."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from helpers.bids_folder import BidsFolder
from helpers.toys import ages, toy_windows
from sparseeg.data.match import check_processing, concatenate, match
from sparseeg.data.provenance import FileInfo, Processing, Provenance
from sparseeg.data.read_bids import read_bids
from sparseeg.data.store import open_store, save
from sparseeg.data.store.prepare import Options, prepare
from sparseeg.data.tasks import TASKS
from sparseeg.data.windows import WindowSet
from sparseeg.errors import SparseEEGError


@pytest.fixture
def windows() -> WindowSet:
    return toy_windows(n_subjects=2, n_trials=3, n_chans=4)


def refusal(windows: WindowSet, wanted: Provenance) -> str:
    with pytest.raises(SparseEEGError) as error:
        match(windows, wanted, "the run RUN")
    return str(error.value)


def test_the_same_is_left_as_it_is(windows: WindowSet) -> None:
    same, notes = match(windows, windows.provenance, "the run RUN")
    assert same.signals[0] is windows.signals[0]
    assert notes == []


def test_times_are_compared_with_a_tolerance(windows: WindowSet) -> None:
    shifted = replace(windows, tmin=-0.3 + 0.8)
    assert shifted.tmin != -0.2 + 0.7
    match(shifted, replace(windows, tmin=-0.2 + 0.7).provenance, "the run RUN")
    assert "begin at 0.5 s instead of 0.51 s" in refusal(shifted, replace(windows, tmin=0.51).provenance)


@pytest.mark.parametrize(
    ("done", "words"),
    [
        (Processing(50.0), ("sampled at 50 Hz instead of 100 Hz", "--sfreq 100")),
        (
            Processing(low_cut=0.5, high_cut=40.0),
            ("filtered from 0.5 to 40 Hz ", "without --low-cut"),
        ),
        (Processing(high_cut=40.0), ("low-pass filtered at 40 Hz",)),
        (Processing(reference=("average",)), ("re-referenced to average", "without --reference")),
    ],
)
def test_what_was_done_to_signals_must_be_the_same(
    windows: WindowSet, done: Processing, words: tuple[str, ...]
) -> None:
    other = replace(windows, processing=done)
    said = refusal(other, windows.provenance)
    assert all(word in said for word in (windows.source, "the run RUN", *words))


def test_a_filter_is_named_with_its_options(windows: WindowSet) -> None:
    filtered = replace(windows, processing=Processing(low_cut=0.5, high_cut=40.0))
    said = refusal(windows, filtered.provenance)
    assert "not filtered instead of filtered from 0.5 to 40 Hz" in said
    assert said.endswith("prepare it with --low-cut 0.5 --high-cut 40")


def test_target_unit_and_event_must_be_the_same(windows: WindowSet) -> None:
    assert "the target is age, but that of the run RUN is rt" in refusal(ages(windows), windows.provenance)
    in_ms = replace(windows, task=replace(windows.task, unit="ms"))
    assert "the unit of the target is ms" in refusal(in_ms, windows.provenance)
    untimed = replace(windows, task=replace(windows.task, locked=False))
    assert "is a time after an event in the run RUN" in refusal(untimed, windows.provenance)


def test_channels_are_reordered_and_left_out(windows: WindowSet) -> None:
    wanted = replace(windows, signals=[one[:, :2] for one in windows.signals], ch_names=("e4", "E2"))
    made, notes = match(windows, wanted.provenance, "the run RUN")
    assert np.array_equal(made.gather([0, 5]), windows.gather([0, 5])[:, [3, 1]])
    assert made.ch_names == ("e4", "E2")
    assert notes == [f"{windows.source}: 2 channels dropped: E1, E3"]
    assert "lacks channel Pz of the run RUN" in refusal(
        windows, replace(windows.provenance, ch_names=("Pz", "E1"))
    )


def test_a_reference_is_subtracted_from_the_channels_that_are_kept(windows: WindowSet) -> None:
    x = windows.gather(range(6))
    average = replace(windows.provenance, processing=Processing(reference=("average",)))
    made, notes = match(windows, average, "the run RUN")
    assert made.gather(range(6)) == pytest.approx(x - x.mean(axis=1, keepdims=True), abs=1e-5)
    assert notes == [f"{windows.source}: re-referenced to average"]
    # From one reference to another: what was subtracted before is common to all channels.
    to_two = replace(windows.provenance, processing=Processing(reference=("E2",)))
    again, _ = match(made, to_two, "the run RUN")
    assert again.gather(range(6)) == pytest.approx(x - x[:, 1:2], abs=1e-4)
    left_out = replace(to_two, ch_names=("E1", "E3"))  # the reference itself isn't wanted
    without, _ = match(windows, left_out, "the run RUN")
    assert without.gather(range(6)) == pytest.approx(x[:, [0, 2]] - x[:, 1:2], abs=1e-4)
    fewer = replace(average, ch_names=("E1", "E2"))
    kept, _ = match(made, fewer, "the run RUN")
    assert kept.gather(range(6)) == pytest.approx(x[:, :2] - x[:, :2].mean(axis=1, keepdims=True), abs=1e-4)


def test_matched_windows_are_what_a_new_preparation_gives(bids: BidsFolder, tmp_path: Path) -> None:
    bids.add("A")
    bids.add("B", seed=1)
    prepare(bids.root, tmp_path / "plain")
    referenced = Options(Processing(reference=("average",)))
    prepare(bids.root, tmp_path / "average", options=referenced)
    wanted = open_store(tmp_path / "average")
    made, _ = match(open_store(tmp_path / "plain"), wanted.provenance, "the run RUN")
    assert made.gather(range(len(made))) == pytest.approx(wanted.gather(range(len(made))), abs=1e-4)


def test_filtered_and_raw_sets_do_not_become_one(bids: BidsFolder, tmp_path: Path) -> None:
    bids.add("A")
    prepare(bids.root, tmp_path / "plain")
    prepare(bids.root, tmp_path / "filtered", options=Options(Processing(low_cut=1.0)))
    sets = [open_store(tmp_path / name) for name in ("plain", "filtered")]
    with pytest.raises(SparseEEGError, match="filtered does not fit plain: high-pass filtered at 1 Hz"):
        concatenate(sets, ["plain", "filtered"])


def test_sets_in_another_order_of_channels_become_one(windows: WindowSet) -> None:
    order = [2, 0, 3, 1]
    other = replace(
        windows,
        signals=[one[:, order] for one in windows.signals],
        ch_names=tuple(windows.ch_names[index] for index in order),
        source="other",
    )
    both, notes = concatenate([windows, other])
    assert notes == ["other: channels reordered"]
    assert np.array_equal(both.gather([0]), both.gather([len(windows)]))


def test_provenance_survives_json_and_a_store(windows: WindowSet, bids: BidsFolder, tmp_path: Path) -> None:
    assert Provenance.from_dict(windows.provenance.to_dict()) == windows.provenance
    done = Processing(low_cut=0.3, reference=("E1", "E2"))
    named = replace(TASKS["response-time"], name="tones")
    made = replace(windows, processing=done, task=named, file_info=FileInfo(0.1, 30.0, True))
    save(made, tmp_path / "store")
    assert open_store(tmp_path / "store").provenance == made.provenance
    with pytest.raises(SparseEEGError, match="n_times: is missing"):
        Provenance.from_dict(
            {key: value for key, value in made.provenance.to_dict().items() if key != "n_times"}
        )
    bids.add("A")
    read = read_bids(bids.root, processing=Processing(50.0))
    assert (read.processing, read.sfreq) == (Processing(50.0), 50.0)


RAW, FILTERED = FileInfo(0.0, 50.0, False), FileInfo(1.0, 30.0, True)


def test_epochs_of_another_band_or_reference_are_refused(windows: WindowSet, tmp_path: Path) -> None:
    raw, filtered = replace(windows, file_info=RAW), replace(windows, file_info=FILTERED)
    said = refusal(filtered, raw.provenance)
    assert "its files say 1 to 30 Hz, re-referenced instead of 0 to 50 Hz, with the" in said
    for info in (replace(RAW, referenced=True), replace(RAW, high_pass=0.1), replace(RAW, low_pass=45.0)):
        refusal(replace(windows, file_info=info), raw.provenance)
    opened = open_store(save(filtered, tmp_path / "store"))
    assert opened.file_info == FILTERED
    assert match(opened, filtered.provenance, "the run RUN")[1] == []
    refusal(opened, raw.provenance)
    with pytest.raises(SparseEEGError, match="its files say 1 to 30 Hz"):
        check_processing(filtered.provenance, raw.provenance, "the run RUN", "epochs")


def test_a_band_that_can_not_be_compared_is_said(windows: WindowSet) -> None:
    filtered = replace(windows, file_info=FILTERED)
    for one, other in ((windows, filtered), (filtered, windows)):
        (note,) = match(one, other.provenance, "the run RUN", "epochs")[1]
        assert "files say 1 to 30 Hz, re-referenced; those of" in note
        assert note in check_processing(one.provenance, other.provenance, "the run RUN", "epochs")
    joined, notes = concatenate([windows, filtered], ["unknown", "filtered"])
    assert joined.file_info is None
    assert notes == [
        "filtered: files say 1 to 30 Hz, re-referenced; those of unknown are not known and were not compared"
    ]


def test_sets_that_are_joined_are_compared_with_all_before(windows: WindowSet) -> None:
    raw, filtered = replace(windows, file_info=RAW), replace(windows, file_info=FILTERED)
    with pytest.raises(SparseEEGError, match="filtered does not fit raw: its files say 1 to 30 Hz"):
        concatenate([windows, raw, filtered], ["unknown", "raw", "filtered"])
    assert concatenate([filtered, filtered])[0].file_info == FILTERED


CORRECTED = replace(RAW, baseline=(-0.2, 0.0))


@pytest.mark.parametrize("baseline", [(), (-0.1, 0.0), (-0.2, 0.1)])
def test_epochs_of_another_baseline_are_refused(
    baseline: tuple[float, ...], windows: WindowSet, tmp_path: Path
) -> None:
    corrected, other = (
        replace(windows, file_info=info) for info in (CORRECTED, replace(RAW, baseline=baseline))
    )
    assert "baseline -0.2 to 0 s" in refusal(corrected, other.provenance)
    assert "baseline" in refusal(open_store(save(other, tmp_path / "store")), corrected.provenance)
    with pytest.raises(SparseEEGError, match="baseline-correct"):
        check_processing(other.provenance, corrected.provenance, "the run RUN", "epochs")
    match(corrected, corrected.provenance, "the run RUN")


def test_a_baseline_that_is_not_known_is_said(windows: WindowSet) -> None:
    """Earlier versions did not keep it, and EEGLAB does not write it."""
    corrected, plain, unknown = (
        replace(windows, file_info=info) for info in (CORRECTED, replace(RAW, baseline=()), RAW)
    )
    for one, other in ((corrected, unknown), (unknown, corrected)):
        (note,) = match(one, other.provenance, "the run RUN", "epochs")[1]
        assert "baseline -0.2 to 0 s; those of" in note
        assert concatenate([one, other])[0].file_info == RAW
    with pytest.raises(SparseEEGError, match=r"third does not fit second: .* without baseline correction"):
        concatenate([unknown, corrected, plain], ["first", "second", "third"])


def test_windows_of_an_earlier_version_open_without_a_baseline(windows: WindowSet) -> None:
    content = replace(windows, file_info=RAW).provenance.to_dict()
    del content["file_info"]["baseline"]
    assert Provenance.from_dict(content).file_info == RAW
    corrected = replace(windows, file_info=CORRECTED).provenance
    assert Provenance.from_dict(json.loads(json.dumps(corrected.to_dict()))) == corrected


def test_a_reference_that_was_subtracted_replaces_that_of_the_files(windows: WindowSet) -> None:
    average = replace(windows, processing=Processing(reference=("average",)), file_info=RAW)
    match(replace(windows, file_info=replace(RAW, referenced=True)), average.provenance, "the run RUN")


def test_windows_that_are_locked_to_other_events_are_said(windows: WindowSet) -> None:
    task = TASKS["response-time"]
    assert task.rule is not None
    ours = replace(windows, task=task)
    theirs = replace(windows, task=replace(task, rule=replace(task.rule, stimulus=("tone", "noise"))))
    (note,) = match(theirs, ours.provenance, "the run RUN", "theirs")[1]
    assert note.startswith(
        "theirs: events of the stimulus are tone, noise, those of the run RUN are left_target"
    )
    swapped = replace(task, rule=replace(task.rule, stimulus=task.rule.stimulus[::-1]))
    assert match(replace(windows, task=swapped), ours.provenance, "the run RUN")[1] == []
    other_response = replace(task, rule=replace(task.rule, response=("foot",)))
    (note,) = match(replace(windows, task=other_response), ours.provenance, "the run RUN", "theirs")[1]
    assert note.startswith("theirs: events of the response are foot, those of the run RUN are left_button")
    assert match(replace(windows, task=replace(task, rule=None)), ours.provenance, "the run RUN")[1] == []


@pytest.mark.parametrize(
    ("own", "wanted", "expected"),
    [
        ("aAbc", "Aabc", [1, 0, 2, 3]),
        ("ABCD", "abcd", [0, 1, 2, 3]),
        ("aAbc", "aBC", [0, 2, 3]),
        ("aAbc", "aAbc", [0, 1, 2, 3]),
        ("aäbc", "AbC", [0, 2, 3]),
    ],
)
def test_channels_that_differ_in_case_are_taken_as_they_are_written(
    windows: WindowSet, own: str, wanted: str, expected: list[int]
) -> None:
    made, _ = match(replace(windows, ch_names=tuple(own)), channels(windows, wanted), "the run RUN")
    assert np.array_equal(made.gather([0]), windows.gather([0])[:, expected])


@pytest.mark.parametrize(("own", "wanted"), [("abcd", "aA"), ("ABCD", "aA"), ("aabc", "ab")])
def test_channels_that_can_be_two_are_refused(windows: WindowSet, own: str, wanted: str) -> None:
    said = refusal(replace(windows, ch_names=tuple(own)), channels(windows, wanted))
    assert "it is not clear which channel is a of the run RUN" in said


def channels(windows: WindowSet, names: str) -> Provenance:
    return replace(windows.provenance, ch_names=tuple(names))
