"""Folders that commands write to: one writer, nothing replaced unasked, every kill recoverable."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from helpers.command import assert_one_line
from helpers.toys import others_signals
from sparseeg.data.store import store
from sparseeg.data.windows import WindowSet
from sparseeg.errors import SparseEEGError
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
        *("config.yaml", "people.json", "splits.json", "fingerprints.json", "windows.json", "input.json"),
    }


def test_a_run_of_version_0_1_0_that_was_killed_before_its_configuration_goes_on(
    command, tmp_path: Path, no_training: None, sparseeg
) -> None:
    assert sparseeg(*command)[0] == 130
    for name in ("config.yaml", "input.json"):
        (tmp_path / "run" / name).unlink()
    code, said = sparseeg(*command)
    assert code == 130, said


def test_a_start_that_trained_nothing_does_not_block_a_corrected_command(
    command, tmp_path: Path, no_training: None, sparseeg
) -> None:
    assert sparseeg(*command)[0] == 130
    words = [{"R4": "R5", "R5": "R4"}.get(word, word) for word in command]  # other subjects validate
    code, said = sparseeg(*words, "--seed", 3)
    assert code == 130, said  # scoring was reached
    assert TrainConfig.read(tmp_path / "run").seed == 3
    assert "sub-09" in json.loads((tmp_path / "run" / "splits.json").read_text())[0]["valid"]


def test_a_start_that_failed_does_not_block_a_corrected_command(
    command, tmp_path: Path, sparseeg, monkeypatch
) -> None:
    def refused(*_: object, **__: object) -> None:
        raise SparseEEGError("the network and the windows don't fit")

    with monkeypatch.context() as patch:
        patch.setattr(runs, "fit_members", refused)
        assert_one_line(*sparseeg(*command, "--batch-size", 8), "don't fit")
        assert not (tmp_path / "run").exists()
        patch.setattr(runs, "make_splits", refused)
        assert_one_line(*sparseeg(*command, "--batch-size", 9), "don't fit")
    code, said = sparseeg(*command)
    assert code == 0, said


def test_other_files_are_not_written_over(command, tmp_path: Path, no_training: None, sparseeg) -> None:
    assert sparseeg(*command)[0] == 130
    (tmp_path / "run" / "notes.txt").touch()
    assert_one_line(*sparseeg(*command), "is not empty")


def test_a_configuration_that_was_written_by_hand_is_not_written_over(
    command, toy_store: Path, tmp_path: Path, no_training: None, sparseeg
) -> None:
    file = tmp_path / "run" / "config.yaml"
    file.parent.mkdir()
    file.write_text(f"data: {{path: {toy_store}}}\nmodel: response-time-cnn\n")
    assert_one_line(*sparseeg(*command), f"{file} has other settings, and was not written by a run")
    code, said = sparseeg("train", "--config", file, "--out", file.parent)
    assert code == 130, said


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
    signals = others_signals(toy)  # who has the same samples is the same person
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


@pytest.mark.parametrize("name", ["predictions.tsv", "report.html", "problems.tsv"])
def test_scores_replace_no_files_of_others(name: str, finished: Path, tmp_path: Path, sparseeg) -> None:
    (tmp_path / name).write_text("mine")
    refused = sparseeg("evaluate", finished, "--out", tmp_path)
    assert_one_line(*refused, f"{tmp_path / name} exists and is not of an evaluation", "choose another --out")
    assert [path.name for path in tmp_path.glob("[!.]*")] == [name]
    assert (tmp_path / name).read_text() == "mine"


def test_an_evaluation_replaces_an_earlier_one(finished: Path, tmp_path: Path, sparseeg) -> None:
    for partitions in (2, 3):
        code, said = sparseeg("evaluate", finished, "--partitions", partitions, "--out", tmp_path / "scores")
        assert code == 0, said


def test_an_export_in_the_run_does_not_count_as_its_network(finished: Path, tmp_path: Path, sparseeg) -> None:
    """A file of Hugging Face's is named like those of the run, but doesn't say how it is built."""
    run = shutil.copytree(finished, tmp_path / "run")
    (run / "huggingface").mkdir()
    (run / "huggingface" / "model.safetensors").write_bytes(b"of another package")
    code, said = sparseeg("evaluate", run, "--partitions", 2)
    assert code == 0, said


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
    (first / "model.safetensors").unlink()  # which says who trained it
    (first / "splits.json").write_text((first / "splits.json").read_text().replace("sub-", "new-sub-"))
    TrainConfig.read(second).model_copy(update={"init": str(first)}).write(second)
    refused = sparseeg("evaluate", second, "--data", data)
    assert_one_line(*refused, "new-sub-05 trained the network in", "first", "evaluate on other subjects")


def test_people_whom_the_network_has_seen_are_all_told_and_can_be_left_out(
    finished: Path, toy: WindowSet, tmp_path: Path, sparseeg
) -> None:
    """Three people are new, the others are in the splits of the run."""
    run = shutil.copytree(finished, tmp_path / "run")
    new = sorted(set(toy.subjects))[:3]
    table = toy.table.assign(subject=toy.table["subject"].where(~toy.table["subject"].isin(new), "x-new"))
    signals = [*others_signals(toy)[:3], *toy.signals[3:]]
    data = store.save(replace(toy, table=table, signals=signals), tmp_path / "mixed")
    split = json.loads((run / "splits.json").read_text())[0]
    trained, validated = ([name for name in split[part] if name not in new] for part in ("train", "valid"))
    words = (f"{', '.join(trained)} trained the network in", f"{', '.join(validated)} validated the network")
    refused = sparseeg("evaluate", run, "--data", data)
    assert_one_line(*refused, *words, "leave these out with --leave-out-seen")
    code, said = sparseeg("evaluate", run, "--data", data, "--leave-out-seen")
    assert code == 0, said
    assert all(word in said for word in words)
    there = pd.read_csv(run / "evaluations" / "mixed" / "predictions.tsv", sep="\t")
    assert set(there["subject"]) == {"x-new", *split["test"]} - {*new}
    problems = pd.read_csv(run / "evaluations" / "mixed" / "problems.tsv", sep="\t")
    lost = int(table["subject"].isin([*trained, *validated]).sum())
    assert problems["action"].tolist() == [f"their {lost} windows left out"]
    assert_one_line(*sparseeg("evaluate", run, "--leave-out-seen"), "--leave-out-seen is for the recordings")


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
