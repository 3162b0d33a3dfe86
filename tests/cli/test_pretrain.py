"""Pretraining and what follows it, as on the command line."""

import json
import re
from pathlib import Path

import pytest

from helpers.command import assert_one_line
from sparseeg.data.store import store
from sparseeg.simulate import simulate_dataset
from sparseeg.training.config import TrainConfig

SMALL = ("--option", "width=16", "--option", "n_blocks=2", "--device", "cpu")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six simulated subjects with three trials each."""
    path = tmp_path_factory.mktemp("simulated") / "data"
    simulate_dataset(path, 6, 3, 0)
    return path


@pytest.fixture
def pretrained(data: Path, tmp_path: Path, sparseeg) -> Path:
    """A run on a store of whole recordings."""
    words = ("--task", "pretraining", "--bids-task", "contrastChangeDetection", "--stride", 8)
    code, said = sparseeg("prepare", data, *words, "--out", tmp_path / "store", "--jobs", 1)
    assert code == 0, said
    assert f"next: sparseeg pretrain --data {tmp_path / 'store'}" in said
    out = tmp_path / "pretrained"
    words = ("--data", tmp_path / "store", "--epochs", 1, "--batch-size", 8, *SMALL)
    code, said = sparseeg("pretrain", *words, "--out", out)
    assert code == 0, said
    assert "epoch 1: training loss" in said
    assert "SIMULATED" in said
    assert "lines in time" in said
    return out


def test_a_run_folder_and_going_on(pretrained: Path, data: Path, sparseeg) -> None:
    for words in (
        ("report", pretrained),
        ("evaluate", pretrained),
        ("predict", pretrained, data / "a.bdf"),
        ("export", pretrained),
        ("submit", "--response-time", pretrained, "--out", pretrained.parent / "a.zip"),
        ("train", "--resume", "--out", pretrained),
    ):
        refused = f"{pretrained} is a pretraining, which has no scores", f"train --init {pretrained}"
        assert_one_line(*sparseeg(*words), *refused)
    metrics = json.loads((pretrained / "metrics.json").read_text())
    assert metrics["task"] == "pretraining"
    assert metrics["data"]["simulated"]
    code, said = sparseeg("pretrain", "--out", pretrained, "--resume")
    assert code == 0, said
    assert "epoch" not in said
    assert_one_line(*sparseeg("pretrain", "--out", pretrained, "--resume", "--mask", 0.2), "leave --mask out")
    assert_one_line(*sparseeg("pretrain", "--out", pretrained, "--data", data), "is not empty")


def test_fine_tuning_starts_from_it_and_goes_on(
    pretrained: Path, data: Path, tmp_path: Path, sparseeg
) -> None:
    run = tmp_path / "run"
    words = ("--model", "sparse-eeg-transformer", "--epochs", 1, "--batch-size", 4, *SMALL)
    words = (*words, "--init", pretrained, "--layer-decay", 0.75, "--no-control", "--no-boosting")
    code, said = sparseeg("train", "--data", data, "--out", run, *words)
    assert code == 0, said
    assert re.search(r"(\d+) of \1 tensors below the last layer are taken from", said)
    config = TrainConfig.read(run)
    assert (config.init, config.layer_decay) == (str(pretrained), 0.75)
    assert (run / "report.html").exists()
    code, said = sparseeg("train", "--out", run, "--resume")
    assert code == 0, said
    other = ("train", "--data", data, "--out", tmp_path / "other")
    assert_one_line(*sparseeg(*other, "--init", tmp_path), "no finished network")
    assert_one_line(
        *sparseeg(*other, "--init", pretrained), "only another sparse-eeg-transformer can start from it"
    )
    assert not (tmp_path / "other").exists()


def test_bad_input_is_one_line(toy, tmp_path: Path, sparseeg) -> None:
    path, out = store.save(toy, tmp_path / "toy"), tmp_path / "run"
    words = ("pretrain", "--data", path, "--out", out)
    assert_one_line(*sparseeg(*words, "--mask", 1), "mask")
    assert_one_line(*sparseeg(*words, "--model", "response-time-cnn"), "no tokens of patches")
    assert_one_line(*sparseeg(*words, "--model", "sparse-eeg-transfomer"), "Did you mean")
    assert_one_line(*sparseeg(*words, "--valid", "R7"), "'R7'")
    assert_one_line(*sparseeg("pretrain", "--out", out), "--data is missing")
    assert_one_line(
        *sparseeg("train", "--data", path, "--task", "pretraining", "--out", out), "nothing to learn"
    )


def test_settings_and_runs_of_the_other_kind_are_told(tmp_path: Path, sparseeg) -> None:
    for name, task in (("pretrained", "pretraining"), ("trained", "response-time")):
        (tmp_path / name).mkdir()
        text = f"data: {{path: [x], task: {task}}}\nmodel: response-time-cnn\n"
        (tmp_path / name / "config.yaml").write_text(text)
    settings = tmp_path / "pretrained" / "config.yaml"
    refused = sparseeg("train", "--config", settings, "--out", tmp_path / "run")
    assert_one_line(*refused, "settings of a pretraining", f"--init {tmp_path / 'pretrained'}")
    refused = sparseeg("pretrain", "--resume", "--out", tmp_path / "trained")
    assert_one_line(*refused, "is a run of `sparseeg train`", "--resume")
