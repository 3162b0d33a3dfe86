"""New recordings: whatever their format, order of channels, rate and unit, the predictions are the run's."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import mne
import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.command import assert_one_line
from sparseeg.data.provenance import FileInfo
from sparseeg.errors import SparseEEGError
from sparseeg.prediction import Predictor
from sparseeg.prediction.recordings import COLUMNS, PredictionRequest, predict_recording


def predicted(sparseeg, out: Path, *words: object) -> tuple[pd.DataFrame, str]:
    code, text = sparseeg("predict", *words, "--out", out)
    assert code == 0, text
    return pd.read_csv(out, sep="\t"), text


@pytest.fixture(scope="module")
def expected(response_time: Path, recording: Path) -> pd.DataFrame:
    return predict_recording(Predictor(response_time), recording, PredictionRequest())[0]


def test_predictions_are_those_of_the_evaluation(
    response_time: Path, recording: Path, expected: pd.DataFrame, tmp_path: Path, sparseeg
) -> None:
    found, _ = predicted(sparseeg, tmp_path / "out.tsv", response_time, recording)
    assert tuple(found) == COLUMNS
    assert found["prediction"].to_numpy() == pytest.approx(expected["prediction"].to_numpy(), abs=1e-5)
    own = pd.read_csv(response_time / "predictions.tsv", sep="\t")
    own = own[own["subject"] == recording.name.split("_")[0]]
    both = own.merge(found, on="onset", suffixes=("", "_new"))
    assert len(both) >= 4
    assert both["prediction_new"].to_numpy() == pytest.approx(both["prediction"].to_numpy(), abs=1e-5)
    assert both["interval_high_new"].to_numpy() == pytest.approx(both["interval_high"].to_numpy(), abs=1e-5)
    assert set(found["event"]) == {"left_target", "right_target"}
    assert found.loc[0, ["unit", "model"]].tolist() == ["s", "sparse-attention-locator x 2"]


def test_the_page_beside_the_table_shows_each_recording_and_what_was_done_to_it(
    response_time: Path, recording: Path, tmp_path: Path, sparseeg
) -> None:
    out = tmp_path / "out.tsv"
    _, text = predicted(sparseeg, out, response_time, recording, "--bad", "E7")
    page = out.with_suffix(".html").read_text()
    assert f"{out.with_suffix('.html')} shows them" in text
    assert recording.name in page
    assert "E7" in page.partition("What went wrong")[2]
    assert "From the run&#39;s own scores" in page
    assert page.count("<img ") == 1
    code, text = sparseeg("predict", response_time, recording, "--out", tmp_path / "out.html")
    assert_one_line(code, text, "call it .tsv")
    out.unlink()
    code, text = sparseeg("predict", response_time, recording, "--out", out)
    assert_one_line(code, text, "out.html exists")


def test_onsets_join_the_events_exactly(
    response_time: Path, recording: Path, tmp_path: Path, sparseeg
) -> None:
    events = tmp_path / "events.tsv"
    onsets = ["4.796943", "8.1234567891", "10", "12.000000001"]
    events.write_text("onset\tvalue\n" + "".join(f"{onset}\tleft_target\n" for onset in onsets))
    out = tmp_path / "out.tsv"
    predicted(sparseeg, out, response_time, recording, "--events", events)
    written = [line.split("\t")[0] for line in out.read_text().splitlines()[1:]]
    assert written == ["4.796943", "8.1234567891", "10.0", "12.000000001"]
    grid, _ = predicted(sparseeg, tmp_path / "grid.tsv", response_time, recording, "--every", 0.3)
    assert grid["onset"].astype(str).str.len().max() <= 5  # no 0.30000000000000004


def test_names_of_events_with_commas(response_time: Path, recording: Path, tmp_path: Path, sparseeg) -> None:
    events = tmp_path / "events.tsv"
    words = (response_time, recording, "--events", events, "--stimulus")
    for names, chosen, expected in (
        (("go, left", "go: up"), ("go, left", "--stimulus", "go: up"), [5.0, 9.0]),
        (("go, left", "go"), ("go, left",), [5.0]),
        (("go", "left"), ("go, left",), [5.0, 9.0]),
        (("go", "left"), ("left",), [9.0]),
    ):
        events.write_text("onset\tvalue\n" + f"5\t{names[0]}\n9\t{names[1]}\n")
        out = tmp_path / f"{len(list(tmp_path.iterdir()))}.tsv"
        found, _ = predicted(sparseeg, out, *words, *chosen)
        assert found["onset"].tolist() == expected, (names, chosen)


def same(found: pd.DataFrame, expected: pd.DataFrame, tolerance: float) -> bool:
    return found["prediction"].to_numpy() == pytest.approx(expected["prediction"].to_numpy(), abs=tolerance)


def test_other_formats_orders_and_names(
    response_time: Path, raw: mne.io.BaseRaw, expected: pd.DataFrame, tmp_path: Path, sparseeg
) -> None:
    fif = tmp_path / "a_raw.fif"
    raw.copy().reorder_channels(raw.ch_names[::-1]).save(fif, verbose="error")
    found, _ = predicted(sparseeg, tmp_path / "a.tsv", response_time, fif)
    assert same(found, expected, 1e-5)
    edf = tmp_path / "b.edf"
    renamed = raw.copy().rename_channels({name: f"EEG {name.upper()}-REF" for name in raw.ch_names})
    renamed.export(edf, verbose="error")
    found, _ = predicted(sparseeg, tmp_path / "b.tsv", response_time, edf)
    assert same(found, expected, 1e-2)  # 16 bits


def test_other_rates_and_channels_are_said(
    response_time: Path, raw: mne.io.BaseRaw, expected: pd.DataFrame, tmp_path: Path, sparseeg
) -> None:
    other = tmp_path / "other_raw.fif"
    changed = raw.copy().resample(250.0, verbose="error").drop_channels(["E7"])
    changed.info["bads"] = ["E33"]
    changed.save(other, verbose="error")
    found, text = predicted(sparseeg, tmp_path / "a.tsv", response_time, other)
    assert "interpolated by spherical splines: E7, E33" in text
    assert "resampled from 250 to 100 Hz" in text
    assert np.corrcoef(found["prediction"], expected["prediction"])[0, 1] > 0.9


def test_channels_are_chosen_as_for_training(
    response_time: Path, raw: mne.io.BaseRaw, tmp_path: Path, sparseeg
) -> None:
    marked = raw.copy()
    marked.info["bads"] = ["E33"]
    marked.save(tmp_path / "marked_raw.fif", verbose="error")
    expected, _ = predicted(sparseeg, tmp_path / "a.tsv", response_time, tmp_path / "marked_raw.fif")
    mixed = raw.copy()
    info = mne.create_info(["ECG"], mixed.info["sfreq"], "eeg")
    heart = mne.io.RawArray(np.full((1, mixed.n_times), 1e-3), info, verbose="error")
    mixed.add_channels([heart], force_update_info=True)
    folder = tmp_path / "sub-01" / "eeg"
    folder.mkdir(parents=True)
    mixed.save(folder / "sub-01_task-x_eeg.fif", verbose="error")
    lines = [f"{name.lower()}\t\xb5V\t{'bad' if name == 'E33' else 'good'}\n" for name in mixed.ch_names]
    table = ("name\tunits\tstatus\n" + "".join(lines)).encode("latin-1")
    (tmp_path / "task-x_channels.tsv").write_bytes(table)
    found, text = predicted(sparseeg, tmp_path / "b.tsv", response_time, folder / "sub-01_task-x_eeg.fif")
    assert same(found, expected, 1e-5)
    for note in (
        "interpolated by spherical splines: E33",
        "1 of 130 channels is not EEG (ECG: ECG) (left out)",
        "it is not UTF-8, read as cp1252",
        "it has no column type",
    ):
        assert note in text


def test_filter_reference_and_rate_are_said_once(
    response_time: Path, recording: Path, tmp_path: Path, sparseeg
) -> None:
    trained = "not filtered, own reference, 100 Hz"
    _, text = predicted(sparseeg, tmp_path / "a.tsv", response_time, recording, recording)
    assert text.count(f"recordings are read {trained} (as in training)") == 1
    options = ("--low-cut", 1, "--reference", "average")
    _, text = predicted(sparseeg, tmp_path / "b.tsv", response_time, recording, *options)
    now = "high-pass filtered at 1 Hz, referenced to average, 100 Hz"
    assert f"recordings are read {now} (training: {trained})" in text


def test_a_unit_that_cannot_be_right_is_said_and_changes_nothing(
    response_time: Path, raw: mne.io.BaseRaw, expected: pd.DataFrame, tmp_path: Path, sparseeg
) -> None:
    other = tmp_path / "other_raw.fif"
    raw.copy().apply_function(lambda x: 1e6 * x, verbose="error").save(other, verbose="error")
    found, text = predicted(sparseeg, tmp_path / "a.tsv", response_time, other)
    assert "the unit in the file may be wrong" in text
    assert same(found, expected, 1e-4)


def test_windows_on_a_grid(
    response_time: Path, externalizing: Path, recording: Path, tmp_path: Path, sparseeg
) -> None:
    found, _ = predicted(sparseeg, tmp_path / "a.tsv", response_time, recording, "--every", 0.5)
    assert np.diff(found["onset"]) == pytest.approx(0.5)
    assert found.loc[0, "onset"] == -0.5  # its window begins with the recording
    found, _ = predicted(sparseeg, tmp_path / "b.tsv", externalizing, recording)
    assert np.diff(found["onset"]) == pytest.approx(2.0)
    assert set(found["unit"]) == {"factor"}


def test_without_out_the_table_goes_to_standard_output(
    externalizing: Path, recording: Path, sparseeg
) -> None:
    code, text = sparseeg("predict", externalizing, recording, "--every", 10)
    assert code == 0
    assert text.startswith("onset\tduration\tprediction")


def test_incomplete_windows_and_samples_that_are_no_numbers(
    response_time: Path, raw: mne.io.BaseRaw, expected: pd.DataFrame, tmp_path: Path, sparseeg
) -> None:
    short = raw.copy().crop(0, float(expected["onset"].iloc[-1]) + 1)
    data = short.get_data()
    data[3, round(100 * (float(expected["onset"].iloc[0]) + 1))] = np.nan
    broken = mne.io.RawArray(data, short.info, verbose="error").set_annotations(short.annotations)
    broken.save(tmp_path / "a_raw.fif", verbose="error")
    found, text = predicted(sparseeg, tmp_path / "a.tsv", response_time, tmp_path / "a_raw.fif")
    assert "1 windows reach outside" in text
    assert "1 windows hold NaN or infinite samples" in text
    assert len(found) == len(expected) - 2


@pytest.mark.parametrize("dated", [True, False])
def test_events_of_a_cropped_recording_stay_where_they_are(
    dated: bool, response_time: Path, raw: mne.io.BaseRaw, expected: pd.DataFrame, tmp_path: Path
) -> None:
    later = raw.copy()
    if not dated:
        later.set_meas_date(None)
    later.crop(5.0).save(tmp_path / "later_raw.fif", verbose="error")
    found, _ = predict_recording(Predictor(response_time), tmp_path / "later_raw.fif", PredictionRequest())
    assert found["onset"].to_numpy() == pytest.approx(expected["onset"].to_numpy() - 5.0, abs=0.006)
    assert same(found, expected, 1e-4)


def test_a_grid_needs_no_events(externalizing: Path, recording: Path, tmp_path: Path, sparseeg) -> None:
    copy = tmp_path / recording.name
    copy.write_bytes(recording.read_bytes())
    events = copy.with_name(copy.name.replace("_eeg.bdf", "_events.tsv"))
    events.write_text("onset\ttrial_type\n1.0\ttone\n")
    predicted(sparseeg, tmp_path / "a.tsv", externalizing, copy)
    words = ("predict", externalizing, copy, "--events", events, "--out", tmp_path / "b.tsv")
    assert_one_line(*sparseeg(*words), "--events has no effect", "leave it out")


def test_what_is_there_is_not_written_over(
    externalizing: Path, recording: Path, tmp_path: Path, sparseeg
) -> None:
    copy, out = tmp_path / "a.bdf", tmp_path / "a.tsv"
    copy.write_bytes(recording.read_bytes())
    predicted(sparseeg, out, externalizing, copy)
    words = ("predict", externalizing, copy, "--out")
    assert_one_line(*sparseeg(*words, out), "exists")
    assert sparseeg(*words, out, "--overwrite")[0] == 0
    assert_one_line(*sparseeg(*words, copy, "--overwrite"), "a.bdf is an input of this command")
    assert_one_line(*sparseeg(*words, tmp_path), "is a folder")
    assert_one_line(*sparseeg(*words, tmp_path / "none" / "a.tsv"), "there is no folder")
    assert copy.read_bytes() == recording.read_bytes()


def test_no_input_is_written_over(response_time: Path, recording: Path, tmp_path: Path, sparseeg) -> None:
    run = shutil.copytree(response_time, tmp_path / "run")
    copy = tmp_path / recording.name
    copy.write_bytes(recording.read_bytes())
    tables = [
        copy.with_name(copy.name.replace("_eeg.bdf", f"_{kind}.tsv")) for kind in ("events", "channels")
    ]
    for table in tables:
        table.write_bytes(recording.with_name(table.name).read_bytes())
    named = shutil.copy(tables[0], tmp_path / "named.tsv")
    for ending in ("vhdr", "eeg"):  # nothing is read before this check
        (tmp_path / f"a.{ending}").write_text(ending)
    kept = (*tables, named, run / "members" / "00" / "model.safetensors", tmp_path / "a.eeg")
    for file in kept:
        before = file.read_bytes()
        recordings = (tmp_path / "a.vhdr",) if file.suffix == ".eeg" else (copy, "--events", named)
        words = ("predict", run, *recordings, "--out", file, "--overwrite")
        assert_one_line(*sparseeg(*words), f"{file} is an input of this command")
        assert file.read_bytes() == before


def test_each_stimulus_without_events_is_said(
    response_time: Path, recording: Path, expected: pd.DataFrame, tmp_path: Path, sparseeg
) -> None:
    words = (response_time, recording, "--stimulus", "left_target,rigth_target")
    found, text = predicted(sparseeg, tmp_path / "a.tsv", *words)
    assert "no event rigth_target: nothing is predicted for it. Did you mean 'right_target'?" in text
    assert len(found) == (expected["event"] == "left_target").sum()


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_a_device_that_is_not_there_is_said(response_time: Path, recording: Path, sparseeg) -> None:
    assert_one_line(
        *sparseeg("predict", response_time, recording, "--device", "cuda"), "no CUDA device", "--device cpu"
    )


def test_bad_input_is_one_line(
    response_time: Path, externalizing: Path, recording: Path, tmp_path: Path, sparseeg
) -> None:
    def refused(*words: object) -> tuple[int, str]:
        return sparseeg("predict", *words, "--out", tmp_path / "out.tsv")

    assert_one_line(*refused(tmp_path, recording), "config.yaml")
    assert_one_line(*refused(response_time, tmp_path / "a.bdf"), "does not exist")
    (tmp_path / "a.bdf").write_text("nothing")
    assert_one_line(*refused(response_time, tmp_path / "a.bdf"), "a.bdf", "header")
    (tmp_path / "a.xyz").write_text("nothing")
    assert_one_line(*refused(response_time, tmp_path / "a.xyz"), "a.xyz", "can't be read", "ends in .xyz")
    (tmp_path / "sub-1_events.tsv").write_text("onset\tvalue\n")
    table = refused(response_time, tmp_path / "sub-1_events.tsv")
    assert_one_line(*table, "ends in .tsv is no recording", "BrainVision (.vhdr)", "--events")
    assert "dedicated reader" not in table[1]
    assert_one_line(
        *refused(response_time, recording, "--stimulus", "left_taget"), "Did you mean 'left_target'"
    )
    assert_one_line(
        *refused(response_time, recording, "--stimulus", "foo"),
        "no event foo; its events are",
        "column value",
    )
    assert_one_line(*refused(response_time, recording, "--every", 0), "greater than zero")
    assert_one_line(*refused(response_time, recording, "--every", 1, "--stimulus", "x"), "can't be combined")
    assert_one_line(*refused(externalizing, recording, "--stimulus", "x"), "not a time after a stimulus")
    assert_one_line(*refused(response_time, recording, "--bad", "E200"), "no channel 'E200'")
    assert_one_line(
        *refused(response_time, recording, "--events-column", "kind", "--stimulus", "x"),
        "the events lack the column kind; found: onset, duration, value",
    )
    assert_one_line(*refused(response_time, recording, "--high-cut", 60), "60 Hz doesn't fit")
    assert not (tmp_path / "out.tsv").exists()


def test_a_recording_against_another_electrode_is_referred_to_that_of_the_training(
    response_time: Path, raw: mne.io.BaseRaw, expected: pd.DataFrame, tmp_path: Path
) -> None:
    path = tmp_path / "drifting_raw.fif"
    drift = 50e-6 * np.sin(np.arange(raw.n_times) / 40)
    other = mne.io.RawArray(raw.get_data() + drift, raw.info, verbose="error")
    other.set_annotations(raw.annotations).save(path, verbose="error")
    predictor = Predictor(response_time)
    assert predictor.inputs.flat == ("Cz",)
    found = predict_recording(predictor, path, PredictionRequest(reference=("Cz",)))[0]
    assert same(found, expected, 1e-4)
    assert not same(predict_recording(predictor, path, PredictionRequest())[0], expected, 1e-3)


def test_a_rate_that_nobody_records_at_is_refused_before_there_is_a_filter_for_it(
    response_time: Path, raw: mne.io.BaseRaw, tmp_path: Path
) -> None:
    path = tmp_path / "fast_raw.fif"
    fast = mne.create_info(raw.ch_names, 1e9, "eeg")
    mne.io.RawArray(raw.get_data()[:, :1000], fast, verbose="error").save(path, verbose="error")
    with pytest.raises(SparseEEGError, match=r"sampled at 1e\+09 Hz"):
        predict_recording(Predictor(response_time), path, PredictionRequest(every=0.1, low_cut=0.5))


def test_a_recording_that_fails_doesnt_end_the_others(
    response_time: Path, recording: Path, tmp_path: Path, sparseeg
) -> None:
    (tmp_path / "a.bdf").write_text("nothing")
    code, text = sparseeg(
        "predict", response_time, tmp_path / "a.bdf", recording, "--out", tmp_path / "out.tsv"
    )
    assert code == 2
    assert "1 of 2 recordings could not be predicted" in text
    assert len(pd.read_csv(tmp_path / "out.tsv", sep="\t")) > 3


def test_what_files_of_the_training_epochs_said_is_noted(response_time: Path, recording: Path) -> None:
    predictor = Predictor(response_time)
    known = replace(predictor.inputs.provenance, file_info=FileInfo(1.0, 30.0, True))
    predictor.inputs = replace(predictor.inputs, provenance=known)
    notes = predict_recording(predictor, recording, PredictionRequest())[1]
    assert "files of the training epochs say 1 to 30 Hz, re-referenced; not compared" in notes


def test_a_run_keeps_what_it_was_trained_on(response_time: Path) -> None:
    content = json.loads((response_time / "input.json").read_text())
    assert content["flat"] == ["Cz"]
    assert content["task"]["rule"]["stimulus"] == ["left_target", "right_target"]
    assert content["tmin"] == 0.5


@pytest.mark.parametrize(
    ("suffix", "format", "ends", "examples"),
    [
        (".bdf", "bdf", 1, 60),
        (".edf", "edf", 1, 60),
        ("_raw.fif", None, 2, 60),
        pytest.param(".set", "eeglab", 2, 15, marks=pytest.mark.slow),
    ],
)
def test_damaged_recordings_raise_one_line_or_predict(
    suffix: str,
    format: str | None,
    ends: int,
    examples: int,
    response_time: Path,
    raw: mne.io.BaseRaw,
    tmp_path: Path,
) -> None:
    """Flips in the header, or at both ends, where directories lie; samples are numbers whatever they are.

    A .set file is read in a process of its own, which takes a second or two.
    """
    whole, damaged = tmp_path / f"whole{suffix}", tmp_path / f"damaged{suffix}"
    short = raw.copy().crop(0, 20)
    if format is None:
        short.save(whole, verbose="error")
    else:
        short.export(whole, fmt=format, verbose="error")
    predictor, end = Predictor(response_time), 256 * (1 + len(raw.ch_names))
    places = st.integers(0 if ends == 1 else -end, end - 1)

    @settings(max_examples=examples)
    @given(flips=st.lists(st.tuples(places, st.integers(1, 255)), min_size=1, max_size=20))
    def answers(flips: list[tuple[int, int]]) -> None:
        content = bytearray(whole.read_bytes())
        for place, bits in flips:
            content[place] ^= bits
        damaged.write_bytes(bytes(content))
        try:
            predict_recording(predictor, damaged, PredictionRequest(every=5.0))
        except SparseEEGError as error:
            message = str(error)
            assert "\n" not in message

    answers()


def test_windows_over_breaks_get_no_prediction(
    response_time: Path, raw: mne.io.BaseRaw, expected: pd.DataFrame, tmp_path: Path, sparseeg
) -> None:
    path = tmp_path / "broken_raw.fif"
    onset = expected["onset"].to_numpy()
    broken = raw.copy()
    # in the first window, in the second, and between the third stimulus and its window
    broken.annotations.append(
        [onset[0] + 1.0, onset[1] + 2.4, onset[2] + 0.3],
        [0.2, 0.0, 0.0],
        ["BAD_muscle", "boundary", "EDGE boundary"],
    )
    broken.save(path, verbose="error")
    found, text = predicted(sparseeg, tmp_path / "a.tsv", response_time, path)
    assert found["onset"].to_numpy() == pytest.approx(onset[3:], abs=1e-3)
    assert same(found, expected[3:], 1e-5)
    assert f"1 of {len(onset)} windows overlap a stretch marked as bad (BAD_muscle)" in text
    assert f"1 of {len(onset) - 1} windows have a cut of the recording inside" in text
    assert f"1 of {len(onset) - 2} windows have a cut of the recording between their stimulus" in text
    found, text = predicted(sparseeg, tmp_path / "b.tsv", response_time, path, "--keep-bad")
    assert found["onset"].to_numpy() == pytest.approx(onset[[0, *range(3, len(onset))]], abs=1e-3)
    assert "kept, as --keep-bad says" in text


def test_constant_windows_are_said(
    response_time: Path, raw: mne.io.BaseRaw, expected: pd.DataFrame, tmp_path: Path, sparseeg
) -> None:
    path = tmp_path / "zero_raw.fif"
    zero = raw.copy()
    onset = expected["onset"].to_numpy()
    zero._data[:, raw.time_as_index(onset[0] + 0.4)[0] : raw.time_as_index(onset[0] + 2.6)[0]] = 3e-5
    zero.save(path, verbose="error")
    found, text = predicted(sparseeg, tmp_path / "a.tsv", response_time, path)
    assert len(found) == len(expected)
    assert f"1 of {len(expected)} windows hold a constant signal in every channel" in text
