"""The commands `evaluate` and `report`: a run is scored again, or on other data."""

import shutil
from dataclasses import replace
from pathlib import Path

from helpers.command import assert_one_line
from sparseeg.data.store import store
from sparseeg.data.windows import WindowSet
from sparseeg.training.config import TrainConfig


def test_train_evaluate_report(toy_store: Path, tmp_path: Path, sparseeg) -> None:
    run = tmp_path / "run"
    options = (
        "--model",
        "response-time-cnn",
        "--epochs",
        2,
        "--valid",
        "R4",
        "--test",
        "R5",
        "--device",
        "cpu",
    )
    code, text = sparseeg("train", "--data", toy_store, "--out", run, *options)
    assert code == 0
    assert "SIMULATED" in text
    assert "training mean" in text
    code, text = sparseeg("evaluate", run)
    assert code == 0
    assert "best constant" in text
    code, _ = sparseeg("report", run)
    assert code == 0
    code, text = sparseeg("train", "--out", run, "--resume")
    assert code == 0
    assert "epoch" not in text
    assert_one_line(*sparseeg("train", "--out", run, "--resume", "--epochs", 9), "leave --epochs out")


def test_run_folder_of_another_channel_count(
    toy: WindowSet, toy_store: Path, tmp_path: Path, quick, sparseeg
) -> None:
    run = tmp_path / "run"
    words = (*quick, "--model", "response-time-cnn")
    assert sparseeg("train", "--data", toy_store, "--out", run, *words)[0] == 0
    fewer = replace(toy, signals=[signal[:, :3] for signal in toy.signals], ch_names=toy.ch_names[:3])
    store.save(fewer, tmp_path / "fewer")
    assert_one_line(
        *sparseeg("evaluate", run, "--data", tmp_path / "fewer"),
        f"2 of the run {run}'s 5 channels are missing or bad (E4, E5); at most 25% can be interpolated",
    )


def test_releases_that_train_and_validate_from_several_stores(
    toy: WindowSet, tmp_path: Path, quick, sparseeg
) -> None:
    paths = []
    for name in ("R1", "R4", "R5"):
        part = (toy.table["release"] == name).to_numpy()
        paths += ["--data", store.save(toy.select(part), tmp_path / name)]
    run = tmp_path / "run"
    options = ("--model", "response-time-cnn", *quick)
    lacking = sparseeg("train", *paths[:4], "--releases", "R1,R9", "--valid", "R4", "--out", run, *options)
    assert_one_line(*lacking, f"no window of release R9 in {paths[1]}, {paths[3]}")
    code, said = sparseeg("train", *paths[:4], "--releases", "R1", "--valid", "R4", "--out", run, *options)
    assert code == 0, said
    assert "validation trials" in said
    assert TrainConfig.read(run).data.releases == ("R1", "R4")
    code, said = sparseeg("evaluate", run)
    assert code == 0, said
    assert_one_line(*sparseeg("evaluate", run, "--keep-bad"), "--keep-bad is for the recordings of --data")
    # Those of another release, which the run's own releases say nothing about.
    code, said = sparseeg("evaluate", run, "--data", tmp_path / "R5")
    assert code == 0, said
    assert "72 test trials of 3 subjects" in said
    assert (run / "evaluations" / "R5" / "metrics.json").exists()
    # A store of the same name that was made of the same recordings.
    other = shutil.copytree(tmp_path / "R5", tmp_path / "elsewhere" / "R5")
    again = sparseeg("evaluate", run, "--data", other)
    assert_one_line(*again, f"evaluations/R5 holds the scores on toy in {paths[5]}; choose another folder")


def test_one_data_set_at_a_time(toy_store: Path, tmp_path: Path, sparseeg) -> None:
    refused = sparseeg("evaluate", tmp_path / "run", "--data", "nothere", "--data", toy_store)
    assert_one_line(*refused, "evaluate takes one --data, not 2")
