"""The command `train`: bad input is one line with exit code 2, and nothing is lost."""

import errno
from dataclasses import replace
from pathlib import Path

import pytest

from helpers.command import assert_one_line
from sparseeg.data.store import store
from sparseeg.data.windows import WindowSet
from sparseeg.errors import SparseEEGError
from sparseeg.experiments import run as runs
from sparseeg.files.lock import only_writer
from sparseeg.training.config import TrainConfig


def test_path_that_does_not_exist(tmp_path: Path, sparseeg) -> None:
    (tmp_path / "recordings").mkdir()
    words = ("train", "--data", tmp_path / "recordngs", "--out", tmp_path / "run")
    assert_one_line(*sparseeg(*words), "does not exist", "Did you mean 'recordings'")


def test_empty_folder(tmp_path: Path, sparseeg) -> None:
    (tmp_path / "empty").mkdir()
    words = ("train", "--data", tmp_path / "empty", "--out", tmp_path / "run")
    assert_one_line(*sparseeg(*words), "an empty folder")


def test_bids_folder_without_the_task(tmp_path: Path, sparseeg) -> None:
    folder = tmp_path / "sub-1" / "eeg"
    folder.mkdir(parents=True)
    (folder / "sub-1_task-RestingState_eeg.bdf").write_bytes(b"")
    words = ("train", "--data", tmp_path, "--out", tmp_path / "run")
    assert_one_line(*sparseeg(*words), "contrastChangeDetection", "RestingState")


def test_store_of_another_task(toy: WindowSet, tmp_path: Path, sparseeg) -> None:
    store.save(replace(toy, task=replace(toy.task, name="externalizing")), tmp_path / "store")
    words = ("train", "--data", tmp_path / "store", "--out", tmp_path / "run")
    assert_one_line(*sparseeg(*words), "externalizing", "response-time")


def test_model_misspelt(toy_store: Path, tmp_path: Path, sparseeg) -> None:
    words = ("train", "--data", toy_store, "--out", tmp_path / "run", "--model", "response-time-cn")
    assert_one_line(*sparseeg(*words), "Did you mean 'response-time-cnn'")


def test_out_that_is_not_empty(toy_store: Path, tmp_path: Path, sparseeg) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    assert_one_line(*sparseeg("train", "--data", toy_store, "--out", tmp_path), "is not empty", "--resume")
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_missing_data_and_foreign_run(tmp_path: Path, sparseeg) -> None:
    assert_one_line(*sparseeg("train", "--out", tmp_path / "run"), "--data")
    assert_one_line(*sparseeg("evaluate", tmp_path), "config.yaml")
    assert_one_line(*sparseeg("train", "--out", tmp_path / "run", "--resume"), "config.yaml")


def test_unknown_release(toy_store: Path, tmp_path: Path, sparseeg) -> None:
    words = ("train", "--data", toy_store, "--out", tmp_path / "run", "--valid", "R4", "--test", "R7")
    assert_one_line(*sparseeg(*words), "'R7'", "R1, R4, R5")


def test_number_out_of_range_is_refused_by_name(toy_store: Path, tmp_path: Path, sparseeg) -> None:
    code, text = sparseeg("train", "--data", toy_store, "--out", tmp_path / "run", "--epochs", 0)
    assert code == 2
    assert "--epochs" in text
    words = ("train", "--data", toy_store, "--out", tmp_path / "run", "--learning-rate", -1)
    assert_one_line(*sparseeg(*words), "learning_rate")


def test_full_disk_is_one_line(
    toy_store: Path, tmp_path: Path, sparseeg, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "a-temporary-file")

    monkeypatch.setattr(runs, "train", full)
    code, text = sparseeg("train", "--data", toy_store, "--out", tmp_path / "run")
    assert code == 1
    assert "No space left on device" in text
    assert str(tmp_path / "run") in text


@pytest.mark.parametrize(
    "command", [("train", "--model", "response-time-cnn"), ("compare", "--models", "ridge")]
)
def test_a_refit_needs_somebody_to_test_on(
    command: tuple[str, ...], toy_store: Path, tmp_path: Path, sparseeg
):
    out = tmp_path / "out"
    refused = sparseeg(*command, "--data", toy_store, "--valid", "R5", "--refit", "--out", out)
    assert_one_line(*refused, "trains on the validation subjects too: name releases")
    assert not out.exists() or not list(out.iterdir())


def test_options_of_a_network_and_of_its_recipe(toy_store: Path, tmp_path: Path, quick, sparseeg) -> None:
    words = ("train", "--data", toy_store, "--model", "response-time-cnn", "--valid", "R4", "--test", "R5")
    options = ("--option", "output=latency", "--target-width", 0.2, "--mixup", 0.3, "--seeds", 2)
    run = tmp_path / "run"
    code, text = sparseeg(*words, *options, *quick, "--out", run)
    assert code == 0
    assert "90% prediction intervals" in text.replace("90 %", "90%")
    config = TrainConfig.read(run)
    assert config.model_options == {"output": "latency"}
    assert (config.target_width, config.augment.mixup, config.seeds) == (0.2, 0.3, 2)
    assert len(list((run / "members").iterdir())) == 2
    assert_one_line(*sparseeg(*words, "--option", "latency", "--out", tmp_path / "b"), "NAME=VALUE")
    code, text = sparseeg("evaluate", run, "--partitions", "none")
    assert_one_line(code, text, "--partitions takes a whole number from 1 on, or full")


def test_the_report_is_written_while_the_folder_is_held(
    toy_store: Path, tmp_path: Path, sparseeg, monkeypatch: pytest.MonkeyPatch
) -> None:
    def report(run: Path, **about: object) -> None:
        with pytest.raises(SparseEEGError, match="another command is writing"), only_writer(run):
            pass
        raise SparseEEGError("the folder was held")

    monkeypatch.setattr(runs, "train", lambda *_: {})
    monkeypatch.setattr("sparseeg.report.page.write_report", report)
    assert_one_line(*sparseeg("train", "--data", toy_store, "--out", tmp_path / "run"), "the folder was held")
