"""Epochs are predicted as their windows in a recording, one row per epoch."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import mne
import numpy as np
import pandas as pd
import pytest

from helpers.command import assert_one_line
from sparseeg.data.bids.hbn import CH_NAMES
from sparseeg.data.epochs.file import info_of
from sparseeg.data.provenance import FileInfo
from sparseeg.errors import SparseEEGError
from sparseeg.prediction import Predictor
from sparseeg.prediction.epochs import is_epochs, predict_epochs
from sparseeg.prediction.recordings import COLUMNS, PredictionRequest, predict_recording


@pytest.fixture(scope="module")
def expected(response_time: Path, recording: Path) -> pd.DataFrame:
    return predict_recording(Predictor(response_time), recording, PredictionRequest())[0]


def cut(raw: mne.io.BaseRaw, tmin: float = 0.0, tmax: float = 3.0) -> mne.Epochs:
    """The epochs of a recording around its stimuli."""
    events, codes = mne.events_from_annotations(raw, regexp=".*_target", verbose="error")
    return mne.Epochs(raw, events, codes, tmin, tmax, baseline=None, preload=True, verbose="error")


def predicted(sparseeg, out: Path, *words: object) -> tuple[pd.DataFrame, str]:
    code, text = sparseeg("predict", *words, "--out", out)
    assert code == 0, text
    return pd.read_csv(out, sep="\t"), text


def test_predictions_are_those_of_the_recording(
    response_time: Path, raw: mne.io.BaseRaw, expected: pd.DataFrame, tmp_path: Path, sparseeg
) -> None:
    path = tmp_path / "sub-01_epo.fif"
    cut(raw).save(path, verbose="error")
    found, text = predicted(sparseeg, tmp_path / "out.tsv", response_time, path)
    assert tuple(found) == (*COLUMNS, "epoch")
    both = expected.assign(onset=expected["onset"].round(2)).merge(
        found.assign(onset=found["onset"].round(2)), on="onset", suffixes=("", "_epochs")
    )
    assert len(both) == len(found) >= 4
    assert both["prediction_epochs"].to_numpy() == pytest.approx(both["prediction"].to_numpy(), abs=1e-4)
    assert both["interval_low_epochs"].to_numpy() == pytest.approx(both["interval_low"].to_numpy(), abs=1e-4)
    assert set(found["event"]) <= {"left_target", "right_target"}
    assert found["epoch"].tolist() == list(range(len(found)))
    assert "not compared with the training signals" in text


def test_channels_and_rates_are_made_those_of_the_network(
    response_time: Path, raw: mne.io.BaseRaw, expected: pd.DataFrame, tmp_path: Path, sparseeg
) -> None:
    epochs = cut(raw, -0.5, 3.5).resample(200.0, verbose="error").reorder_channels(CH_NAMES[::-1])
    epochs.info["bads"] = ["E33"]
    epochs._data[1] = np.nan
    epochs.save(tmp_path / "a-epo.fif", verbose="error")
    found, text = predicted(sparseeg, tmp_path / "out.tsv", response_time, tmp_path / "a-epo.fif")
    assert "interpolated by spherical splines: E33" in text
    assert "resampled from 200 to 100 Hz" in text
    assert "1 epochs hold NaN or infinite samples and were left out" in text
    assert found["epoch"].tolist() == [0, *range(2, len(found) + 1)]
    kept = expected.iloc[: len(found) + 1].drop(index=1)
    assert found["prediction"].to_numpy() == pytest.approx(kept["prediction"].to_numpy(), abs=0.05)


def test_a_recording_and_epochs_are_one_table(
    response_time: Path, raw: mne.io.BaseRaw, recording: Path, tmp_path: Path, sparseeg
) -> None:
    cut(raw).save(tmp_path / "a_epo.fif", verbose="error")
    found, _ = predicted(sparseeg, tmp_path / "out.tsv", response_time, recording, tmp_path / "a_epo.fif")
    assert found.groupby("file")["epoch"].count().to_dict() == {
        str(recording): 0,
        str(tmp_path / "a_epo.fif"): int((found["file"] != str(recording)).sum()),
    }


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--every", "1"), "--every has no effect on epochs"),
        (("--stimulus", "left_target"), "--stimulus has no effect on epochs"),
        (("--low-cut", "1"), "--low-cut has no effect on epochs"),
    ],
)
def test_options_for_recordings_are_refused(
    response_time: Path, raw: mne.io.BaseRaw, tmp_path: Path, sparseeg, options, words
) -> None:
    cut(raw).save(tmp_path / "a_epo.fif", verbose="error")
    code, text = sparseeg("predict", response_time, tmp_path / "a_epo.fif", *options)
    assert_one_line(code, text, words)


def test_epochs_that_do_not_cover_the_window_are_refused(
    response_time: Path, raw: mne.io.BaseRaw, tmp_path: Path, sparseeg
) -> None:
    cut(raw, 0.0, 1.0).save(tmp_path / "a_epo.fif", verbose="error")
    code, text = sparseeg("predict", response_time, tmp_path / "a_epo.fif")
    assert code == 2
    assert "its epochs cover 0.000 to 1.01" in text
    assert "the network needs 2 s from 0.5 s to 2.5 s" in text
    (tmp_path / "b_split-02_epo.fif").touch()
    (tmp_path / "b_split-01_epo.fif").touch()
    code, text = sparseeg("predict", response_time, tmp_path / "b_split-02_epo.fif")
    assert "is a part of b_split-01_epo.fif, which is read with it" in text


def test_a_network_of_people_takes_the_start_of_each_epoch(
    externalizing: Path, raw: mne.io.BaseRaw, tmp_path: Path, sparseeg
) -> None:
    cut(raw, -0.2, 2.5).save(tmp_path / "a_epo.fif", verbose="error")
    found, _ = predicted(sparseeg, tmp_path / "out.tsv", externalizing, tmp_path / "a_epo.fif")
    predictor = Predictor(externalizing)
    windows = cut(raw, -0.2, 2.5).get_data(copy=False)[:, :, : predictor.spec.n_times] * 1e6
    assert found["prediction"].to_numpy() == pytest.approx(predictor(windows).value, abs=1e-4)


def test_another_baseline_than_that_of_the_training_epochs_is_refused(
    response_time: Path, raw: mne.io.BaseRaw, tmp_path: Path
) -> None:
    epochs = cut(raw, -0.2)
    epochs.save(tmp_path / "plain_epo.fif", verbose="error")
    epochs.apply_baseline((None, 0.0), verbose="error").save(tmp_path / "corrected_epo.fif", verbose="error")
    predictor = Predictor(response_time)

    def notes(file: str, info: FileInfo) -> tuple[str, ...]:
        known = replace(predictor.inputs.provenance, file_info=info)
        predictor.inputs = replace(predictor.inputs, provenance=known)
        return predict_epochs(predictor, tmp_path / file, PredictionRequest())[1]

    info = info_of(epochs, predictor.spec.sfreq, tmp_path / "corrected_epo.fif")
    assert notes("corrected_epo.fif", info) == ()
    with pytest.raises(SparseEEGError, match=r"without baseline correction, but .* baseline -0\.2 to 0 s"):
        notes("plain_epo.fif", info)
    (note,) = notes("plain_epo.fif", replace(info, baseline=None))
    assert note == "the file says without baseline correction; that of the training epochs is not known"


def test_recordings_of_eeglab_are_no_epochs() -> None:
    names = ("a_epo.fif", "a-epo.fif.gz", "sub-01_eeg.set", "sub-01_eeg.SET", "a_raw.fif", "a.edf")
    assert [is_epochs(Path(name)) for name in names] == [True, True, False, False, False, False]


def test_a_file_that_is_not_there_is_said_before_what_a_run_on_epochs_needs(
    response_time: Path, recording: Path, tmp_path: Path, sparseeg
) -> None:
    run = shutil.copytree(response_time, tmp_path / "run")
    inputs = json.loads((run / "input.json").read_text())
    inputs["task"]["rule"] = None  # as of epochs
    (run / "input.json").write_text(json.dumps(inputs))
    assert_one_line(*sparseeg("predict", run, recording), "trained on epochs")
    assert_one_line(*sparseeg("predict", run, tmp_path / "nothere"), "nothere does not exist")
