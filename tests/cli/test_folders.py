"""Folders that commands write to: one writer, nothing replaced unasked, every kill recoverable."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from helpers.command import assert_one_line
from sparseeg.data.store import store
from sparseeg.data.windows import WindowSet
from sparseeg.experiments import run as runs
from sparseeg.files.lock import only_writer
from sparseeg.training import run_folder
from sparseeg.training.config import TrainConfig

QUICK = ("--model", "response-time-cnn", "--epochs", 1, "--no-control", "--no-boosting", "--device", "cpu")


@pytest.fixture
def command(toy_store: Path, tmp_path: Path) -> tuple[object, ...]:
    return ("train", "--data", toy_store, "--valid", "R4", "--test", "R5", "--out", tmp_path / "run", *QUICK)


@pytest.fixture
def no_training(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs are scored without having been trained."""
    monkeypatch.setattr(runs, "fit_members", lambda *_, **__: None)
    monkeypatch.setattr(runs, "_score", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))


@pytest.mark.parametrize("moment", ["config.yaml", "splits.json", "training"])
@pytest.mark.parametrize("repeat", ["the same command", "--resume"])
def test_a_run_that_was_killed_before_its_training_goes_on(
    moment: str, repeat: str, command, tmp_path: Path, no_training: None, sparseeg, monkeypatch
) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        if moment == "config.yaml":
            patch.setattr(TrainConfig, "write", killed)
        elif moment == "splits.json":
            patch.setattr(run_folder, "write_subjects", killed)
        assert sparseeg(*command)[0] == 130
    run = tmp_path / "run"
    (run / ".input.json.0123456789ab.partial").touch()
    words = command if repeat == "the same command" else ("train", "--out", run, "--resume")
    code, said = sparseeg(*words)
    if (moment, repeat) == ("config.yaml", "--resume"):
        assert_one_line(
            code, said, "no config.yaml: no run was set up there; give its options, without --resume"
        )
        code, said = sparseeg(*command)
    assert code == 130, said  # scoring was reached
    assert {path.name for path in run.iterdir() if not path.name.startswith(".")} == {
        *("config.yaml", "people.json", "splits.json", "input.json"),
    }


def test_a_run_of_version_0_1_0_that_was_killed_before_its_configuration_goes_on(
    command, tmp_path: Path, no_training: None, sparseeg
) -> None:
    assert sparseeg(*command)[0] == 130
    for name in ("config.yaml", "input.json"):
        (tmp_path / "run" / name).unlink()
    code, said = sparseeg(*command)
    assert code == 130, said


def test_other_options_and_other_files_are_not_written_over(
    command, tmp_path: Path, no_training: None, sparseeg
) -> None:
    assert sparseeg(*command)[0] == 130
    assert_one_line(*sparseeg(*command, "--seed", 3), "was started with other options", "--resume")
    (tmp_path / "run" / "notes.txt").touch()
    assert_one_line(*sparseeg(*command), "is not empty")


def test_a_refused_run_leaves_no_folder_that_is_in_the_way(
    command, toy: WindowSet, tmp_path: Path, no_training: None, sparseeg
) -> None:
    """Initial weights that know the test subjects are refused before anything is written."""
    first = tmp_path / "first"
    shutil.copytree(trained(command, tmp_path, sparseeg), first)
    words = list(command)
    words[words.index("R4")], words[words.index("R5")] = "R5", "R1"
    code, said = sparseeg(*words, "--init", first)
    assert_one_line(code, said, "trained the network in", "split the subjects as that run did")
    assert not list(tmp_path.glob("run/[!.]*"))
    code, said = sparseeg(*command, "--init", first)
    assert code == 130, said


def trained(command, tmp_path: Path, sparseeg) -> Path:
    """Return the folder of a run with an untrained network, and leave that of the command free."""
    from sparseeg import models

    sparseeg(*command)
    run = (tmp_path / "run").rename(tmp_path / "trained")
    spec = models.NetworkSpec("response-time-cnn", 5, 60)
    models.save(spec.build(), spec, run / "model.safetensors")
    return run


@pytest.fixture(scope="module")
def finished(toy: WindowSet, toy_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    from sparseeg.training.config import DataConfig, SplitConfig

    out = tmp_path_factory.mktemp("finished") / "run"
    config = TrainConfig(
        data=DataConfig(path=str(toy_store)),
        split=SplitConfig(kind="release", valid=("R4",), test=("R5",)),
        model="light-sparse-attention-cnn",
        epochs=1,
        device="cpu",
        control=False,
        boosting=False,
    )
    runs.train(config, toy, out, lambda line: None)
    return out


def other_people(toy: WindowSet, path: Path) -> Path:
    table = toy.table.assign(subject="new-" + toy.table["subject"])
    signals = [signal + 1.0 for signal in toy.signals]  # who has the same samples is the same person
    return store.save(replace(toy, table=table, signals=signals, source=str(path)), path)


def test_scores_on_different_data_with_the_same_partitions_stay_apart(
    finished: Path, toy: WindowSet, tmp_path: Path, sparseeg
) -> None:
    run = shutil.copytree(finished, tmp_path / "run")
    before = (run / "metrics.json").read_text()
    first, second = (other_people(toy, tmp_path / name) for name in ("first", "second"))
    for data in ((), ("--data", first), ("--data", second)):
        for partitions in ((), ("--partitions", 2)):
            code, said = sparseeg("evaluate", run, *data, *partitions)
            assert code == 0, said
    scored = {
        path.parent.relative_to(run / "evaluations").as_posix(): json.loads(path.read_text())["data"][
            "source"
        ]
        for path in (run / "evaluations").rglob("metrics.json")
    }
    assert scored == {
        "partitions-2": "toy",
        "first": str(first),
        "first/partitions-2": str(first),
        "second": str(second),
        "second/partitions-2": str(second),
    }
    now = json.loads((run / "metrics.json").read_text())["nrmse"]
    assert now == pytest.approx(json.loads(before)["nrmse"])  # sums may be ordered otherwise
    elsewhere = other_people(toy, tmp_path / "elsewhere" / "first")
    for partitions in ((), ("--partitions", 2)):
        refused = sparseeg("evaluate", run, "--data", elsewhere, *partitions)
        assert_one_line(*refused, f"holds the scores on {first} in {first}; choose another folder")


def test_scores_replace_no_other_run_or_comparison(finished: Path, tmp_path: Path, sparseeg) -> None:
    other = shutil.copytree(finished, tmp_path / "other")
    before = (other / "metrics.json").read_bytes()
    assert_one_line(
        *sparseeg("evaluate", finished, "--out", other), "is the folder of another run or comparison"
    )
    assert (other / "metrics.json").read_bytes() == before
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "metrics.json").write_text("[]")
    assert_one_line(
        *sparseeg("evaluate", finished, "--out", tmp_path / "mine"), "metrics.json is damaged, or not"
    )


@pytest.mark.parametrize("out", [(), ("--out", "elsewhere")])
def test_an_evaluation_waits_for_no_other_writer(out, finished: Path, tmp_path: Path, sparseeg) -> None:
    folder = tmp_path / "elsewhere" if out else finished
    words = ("--out", folder) if out else ()
    with only_writer(folder):
        assert_one_line(*sparseeg("evaluate", finished, *words), f"another command is writing to {folder}")


def test_a_subject_that_trained_an_ancestor_is_refused(
    finished: Path, toy: WindowSet, toy_store: Path, tmp_path: Path, sparseeg
) -> None:
    """The network in `second` comes from one that trained on the people in `data`."""
    data = other_people(toy, tmp_path / "data")
    second, first = (shutil.copytree(finished, tmp_path / name) for name in ("second", "first"))
    (first / "splits.json").write_text((first / "splits.json").read_text().replace("sub-", "new-sub-"))
    TrainConfig.read(second).model_copy(update={"init": str(first)}).write(second)
    refused = sparseeg("evaluate", second, "--data", data)
    assert_one_line(*refused, "new-sub-00 trained the network in", "first", "evaluate on other subjects")


@pytest.mark.parametrize("command_name", ["train", "compare", "pretrain", "prepare", "simulate"])
def test_every_writer_holds_its_folder(
    command_name: str, command, toy_store: Path, dataset: Path, tmp_path: Path, no_training, sparseeg
) -> None:
    out = tmp_path / "run"
    words = {
        "train": command,
        "compare": ("compare", "--models", "ridge", *command[1:9]),
        "pretrain": ("pretrain", "--data", toy_store, "--out", out),
        "prepare": ("prepare", dataset, "--out", out),
        "simulate": ("simulate", out, "--subjects", 3, "--trials", 1),
    }[command_name]
    with only_writer(out):
        assert_one_line(*sparseeg(*words), f"another command is writing to {out}")
