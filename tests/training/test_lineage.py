"""Who a network has seen: in its own run, and in every run that its weights come from."""

import json
from pathlib import Path

import pytest

from sparseeg.errors import SparseEEGError
from sparseeg.training.config import DataConfig, PretrainConfig, TrainConfig
from sparseeg.training.lineage import Seen, ancestors, seen_by
from sparseeg.training.run_folder import nothing_trained
from sparseeg.training.subjects import SplitSubjects, write_subjects

DAMAGE = {
    "cut in the middle": lambda content: content[: len(content) // 2],
    "cut near the end": lambda content: content[:-12],
    "empty": lambda content: b"",
    "a list": lambda content: b"[]",
    "binary": lambda content: b"\x93\xff\x00" * 40,
}


def splits(*names: str) -> list[SplitSubjects]:
    """One split per name: two subjects train, one validates, one tests."""
    return [SplitSubjects([f"{name}1", f"{name}2"], [f"{name}-valid"], [f"{name}-test"]) for name in names]


def run(folder: Path, name: str, *, init: Path | None = None, refit: bool = False) -> Path:
    """Write the record of a run, without a network."""
    folder = folder / name
    folder.mkdir()
    data, start = DataConfig(path="toy"), None if init is None else str(init)
    TrainConfig(data=data, model="response-time-cnn", init=start, refit=refit).write(folder)
    write_subjects(folder, splits(name))
    return folder


def pretraining(folder: Path, name: str) -> Path:
    folder = folder / name
    folder.mkdir()
    PretrainConfig(data=DataConfig(path="toy", task="pretraining")).write(folder)
    write_subjects(folder, splits(name))
    return folder


def test_every_ancestor_is_asked(tmp_path: Path) -> None:
    first = pretraining(tmp_path, "p")
    second = run(tmp_path, "a", init=first)
    third = run(tmp_path, "b", init=second)
    seen = seen_by(third)
    assert seen.trained == {"a1": str(second), "a2": str(second), "b1": str(third), "b2": str(third)}
    assert seen.validated == {"a-valid": str(second), "b-valid": str(third)}
    assert seen.pretrained == {"p1": str(first), "p2": str(first), "p-valid": str(first)}
    assert seen.unknown == []


@pytest.mark.parametrize(
    ("test", "valid", "said"),
    [
        (["a1"], [], "subject a1 trained the network in .*/a: .* can't be test subjects"),
        (["a-valid"], [], "subject a-valid validated the network in .*/a: .* can't be test subjects"),
        ([], ["a1"], "subject a1 trained the network in .*/a: .* can't be validation subjects; elsewhere"),
    ],
)
def test_known_subjects_are_refused(test: list[str], valid: list[str], said: str, tmp_path: Path) -> None:
    seen = seen_by(run(tmp_path, "b", init=run(tmp_path, "a")))
    seen.check(["a-test", "b-test", "new"], ["a-valid", "new"])
    with pytest.raises(SparseEEGError, match=said):
        seen.check(test, valid, "; elsewhere")


def test_all_known_subjects_are_told_at_once(tmp_path: Path) -> None:
    seen = seen_by(run(tmp_path, "b", init=run(tmp_path, "a")))
    said = (
        "subjects a1, a2 trained the network in .*/a; subject b-valid validated the network in .*/b; "
        "subject b1 trained the network in .*/b: .* can't be test"
    )
    with pytest.raises(SparseEEGError, match=said):
        seen.check(["new", "b1", "a2", "a1", "b-valid"])


def test_a_refit_trains_on_those_who_chose_and_its_selection_does_not(tmp_path: Path) -> None:
    refitted = run(tmp_path, "a", refit=True)
    assert set(seen_by(refitted).trained) == {"a1", "a2", "a-valid"}
    (refitted / "selection").mkdir()
    assert set(seen_by(refitted / "selection").trained) == {"a1", "a2"}


def test_the_network_of_a_fold_has_seen_the_subjects_of_that_fold(tmp_path: Path) -> None:
    folder = run(tmp_path, "a")
    write_subjects(folder, splits("x", "y", "z"))
    for place in ("folds/002", "folds/002/members/01", "folds/002/controls/shuffled_trials", "folds/009"):
        (folder / place).mkdir(parents=True)
    for place in ("folds/002", "folds/002/members/01", "folds/002/controls/shuffled_trials"):
        assert seen_by(folder / place).trained == dict.fromkeys(("y1", "y2"), str(folder))
    assert len(seen_by(folder).trained) == 6
    with pytest.raises(SparseEEGError, match=r"has 3 splits, but .*009 is there"):
        seen_by(folder / "folds" / "009")


def test_a_run_in_a_folder_with_the_name_of_a_group_is_a_run(tmp_path: Path) -> None:
    (tmp_path / "controls").mkdir()
    assert set(seen_by(run(tmp_path / "controls", "a")).trained) == {"a1", "a2"}


def test_weights_alone_are_said(tmp_path: Path) -> None:
    start = tmp_path / "weights"
    start.mkdir()
    (start / "model.safetensors").touch()
    lines: list[str] = []
    seen = seen_by(run(tmp_path, "b", init=start))
    seen.describe(["new"], lines.append)
    assert lines == [f"{start}: no record of who trained its network; its subjects aren't checked"]
    assert len(seen.trained) == 2


@pytest.mark.parametrize(
    ("names", "reason"),
    [
        (None, "a does not exist: .* put it back"),
        ([], "a has no network and no record"),
        (["model.safetensors", "checkpoints"], "a has checkpoints but no record .*restore the record"),
        (["model.safetensors", "calibration.json"], "a has calibration.json but no record"),
    ],
)
def test_a_run_whose_record_is_gone_is_not_weights_alone(
    names: list[str] | None, reason: str, tmp_path: Path
) -> None:
    if names is not None:
        (tmp_path / "a").mkdir()
        for name in names:
            (tmp_path / "a" / name).touch()
    with pytest.raises(SparseEEGError, match=reason):
        seen_by(run(tmp_path, "b", init=tmp_path / "a"))


def test_initial_weights_that_the_configuration_denies_are_refused(tmp_path: Path) -> None:
    folder = run(tmp_path, "run")
    Seen(trained={"a": "elsewhere"}).write(folder)
    with pytest.raises(
        SparseEEGError, match=r"names no initial weights \(init\), but .*ancestors\.json says"
    ):
        seen_by(folder)


def test_a_run_keeps_who_trained_its_ancestors(tmp_path: Path) -> None:
    first, here = run(tmp_path, "a"), [SplitSubjects(["b1"], ["b-valid"], ["b-test"])]
    second = run(tmp_path, "b", init=first)
    before = seen_by(second)
    ancestors(None, first, here).write(second)
    assert nothing_trained(second)
    assert seen_by(second) == before
    first.rename(tmp_path / "moved")
    assert seen_by(second) == before
    assert ancestors(second, first, here).trained.keys() == {"a1", "a2"}
    other = run(tmp_path, "other").rename(first)
    assert seen_by(second) == before, "the run at its path is another one now"
    with pytest.raises(SparseEEGError, match=r"b started from other weights than those in .*/a now"):
        ancestors(second, other, here)
    (second / "ancestors.json").write_text("{")
    with pytest.raises(SparseEEGError, match=r"ancestors\.json is damaged"):
        seen_by(second)


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
@pytest.mark.parametrize("name", ["config.yaml", "splits.json"])
@pytest.mark.parametrize("kind", [run, pretraining])
def test_a_damaged_record_is_refused(kind, name: str, damage, tmp_path: Path) -> None:
    first = kind(tmp_path, "a")
    second = run(tmp_path, "b", init=first)
    path = first / name
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(SparseEEGError, match=f"a/{name}".replace(".", r"\.")):
        seen_by(second)


@pytest.mark.parametrize("content", [[], [{}], [{"train": ["a"], "valid": [], "test": []}], {"train": ["a"]}])
def test_a_record_without_subjects_is_refused(content: object, tmp_path: Path) -> None:
    folder = run(tmp_path, "a")
    (folder / "splits.json").write_text(json.dumps(content))
    with pytest.raises(SparseEEGError, match=r"splits\.json is damaged"):
        seen_by(folder)


@pytest.mark.parametrize("name", ["config.yaml", "splits.json"])
def test_half_a_record_is_refused(name: str, tmp_path: Path) -> None:
    folder = run(tmp_path, "a")
    (folder / name).unlink()
    with pytest.raises(SparseEEGError, match=f"a has no {name}: who trained its network can't be known"):
        seen_by(folder)
    (folder / name).symlink_to(tmp_path / "nowhere")
    with pytest.raises(SparseEEGError, match=name):
        seen_by(folder)


def test_runs_that_start_from_each_other_are_refused(tmp_path: Path) -> None:
    first = run(tmp_path, "a", init=tmp_path / "b")
    run(tmp_path, "b", init=first)
    with pytest.raises(SparseEEGError, match=r"/a and .*/b start from each other's weights"):
        seen_by(first)


def test_a_comparison_of_version_0_1_0_keeps_one_record_for_all_runs(tmp_path: Path) -> None:
    folder = tmp_path / "runs" / "ridge" / "seed-0" / "folds" / "001"
    folder.mkdir(parents=True)
    subjects = [
        {"train": ["s1"], "valid": ["s2"], "test": ["s3"]},
        {"train": ["s3"], "valid": ["s1"], "test": []},
    ]
    settings = {"data": {}, "split": {}, "given": {"refit": True}, "subjects": subjects}
    (tmp_path / "settings.json").write_text(json.dumps(settings))
    assert set(seen_by(folder).trained) == {"s1", "s2"}
    (tmp_path / "settings.json").write_text("{}")
    with pytest.raises(SparseEEGError, match=r"settings\.json is damaged"):
        seen_by(folder)
