"""Who trained a network is kept with the network: a list of subjects that was changed since is refused."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from helpers.toys import toy_windows
from sparseeg.data.load import _without_targets
from sparseeg.data.windows import WindowSet
from sparseeg.errors import SparseEEGError
from sparseeg.experiments import run as runs
from sparseeg.models.files import read_trained_by
from sparseeg.training.config import DataConfig, PretrainConfig, SplitConfig, TrainConfig
from sparseeg.training.lineage import seen_by
from sparseeg.training.pretrain import pretrain
from sparseeg.training.subjects import SplitSubjects, read_subjects, write_subjects

BY_RELEASE = SplitConfig(kind="release", valid=("R4",), test=("R5",))


def config(**options: object) -> TrainConfig:
    defaults = {"model": "response-time-cnn", "split": BY_RELEASE, "epochs": 1, "device": "cpu"}
    quick = {"control": False, "boosting": False}
    return TrainConfig(data=DataConfig(path="toy"), **{**defaults, **quick, **options})


def silent(line: str) -> None:
    """Report to nobody."""


def move(path: Path, come: str, go: str, split: int = 0) -> None:
    """Move the first subject of a part of a split to another part, as by hand."""
    splits = json.loads(path.read_text())
    splits[split][go] = sorted([*splits[split][go], splits[split][come].pop(0)])
    path.write_text(json.dumps(splits, indent=2))


@pytest.fixture(scope="module")
def trained(toy: WindowSet, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("trained") / "run"
    runs.train(config(), toy, out, silent)
    return out


@pytest.fixture
def copied(trained: Path, tmp_path: Path) -> Path:
    return shutil.copytree(trained, tmp_path / "run")


def refused(run: Path, *actions: Callable[[], object]) -> None:
    for action in (lambda: read_subjects(run), lambda: seen_by(run), *actions):
        with pytest.raises(
            SparseEEGError, match=r"run/splits\.json was changed after the training: .*restore"
        ):
            action()


@pytest.mark.parametrize(
    ("come", "go"), [("train", "test"), ("valid", "test"), ("train", "valid"), ("test", "train")]
)
def test_a_subject_who_was_moved_by_hand_is_noticed(
    come: str, go: str, copied: Path, toy: WindowSet, tmp_path: Path
) -> None:
    move(copied / "splits.json", come, go)
    refused(
        copied,
        lambda: runs.reevaluate(copied, toy, None, tmp_path, silent),
        lambda: runs.reevaluate(copied, None, toy, tmp_path, silent),
        lambda: runs.train(config(), toy, copied, silent),
        lambda: runs.train(config(init=str(copied)), toy, tmp_path / "next", silent),
    )


def test_a_subject_who_was_removed_or_renamed_is_noticed(copied: Path) -> None:
    path = copied / "splits.json"
    content = path.read_text()
    splits = json.loads(content)
    splits[0]["train"].pop()
    path.write_text(json.dumps(splits))
    refused(copied)
    path.write_text(content.replace("sub-00", "sub-99"))
    refused(copied)


def test_the_same_subjects_in_another_order_are_the_same(
    copied: Path, toy: WindowSet, tmp_path: Path
) -> None:
    splits = json.loads((copied / "splits.json").read_text())
    splits[0]["train"].reverse()
    (copied / "splits.json").write_text(json.dumps(splits))
    runs.reevaluate(copied, toy, None, tmp_path, silent)


@pytest.mark.parametrize(
    ("given", "networks"),
    [
        ({"seeds": 2}, ["members/00", "members/01"]),
        ({"refit": True}, [".", "selection"]),
        ({"refit": True, "seeds": 2}, ["members/00", "selection/members/01"]),
    ],
)
def test_every_network_of_a_run_says_who_trained_it(
    given: dict[str, object], networks: list[str], toy: WindowSet, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    runs.train(config(**given), toy, run, silent)
    (split,) = read_subjects(run)
    for folder in networks:
        assert read_trained_by(run / folder / "model.safetensors") == split.digest
    move(run / "splits.json", "train", "test")
    refused(run)


def test_each_fold_is_compared_with_its_own_networks(tmp_path: Path) -> None:
    windows, run = toy_windows(n_subjects=6, n_trials=8), tmp_path / "run"
    runs.train(config(split=SplitConfig(kind="kfold", folds=3)), windows, run, silent)
    assert len(read_subjects(run)) == 3
    move(run / "splits.json", "train", "test", split=2)
    refused(run, lambda: seen_by(run / "folds" / "001"))


def test_a_pretraining_is_compared_too(toy: WindowSet, tmp_path: Path) -> None:
    run = tmp_path / "run"
    options = PretrainConfig(
        data=DataConfig(path="toy", task="pretraining"),
        split=SplitConfig(kind="release", valid=("R4",)),
        model_options={"width": 16, "n_blocks": 1},
        epochs=1,
        device="cpu",
    )
    windows = _without_targets(replace(toy, ch_names=("Fz", "Cz", "Pz", "C3", "C4")))
    pretrain(options, windows, run, silent)
    read_subjects(run)
    move(run / "splits.json", "train", "valid")
    refused(run)


def test_networks_of_version_0_1_0_do_not_say_it(version_0_1: Path, tmp_path: Path) -> None:
    run = shutil.copytree(version_0_1 / "run", tmp_path / "run")
    assert read_trained_by(run / "model.safetensors") is None
    assert seen_by(run).unknown == []


def test_a_run_without_networks_is_what_its_list_says(tmp_path: Path) -> None:
    splits = [SplitSubjects(["a"], ["b"], ["c"])]
    write_subjects(tmp_path, splits)
    assert read_subjects(tmp_path) == splits


def test_subjects_of_a_split_in_words() -> None:
    split = SplitSubjects([f"sub-{number:02d}" for number in range(7)], ["sub-07"], [])
    assert str(split) == (
        "training: 7 subjects: sub-00, sub-01, sub-02, sub-03, sub-04, ...; validation: 1 subject: sub-07"
    )
