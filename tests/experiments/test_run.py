"""A run folder from end to end, on toy windows: contents, controls, folds, evaluation elsewhere."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from helpers.toys import toy_windows
from sparseeg.data.problems import Problem
from sparseeg.data.store import store
from sparseeg.data.windows import WindowSet
from sparseeg.errors import SparseEEGError
from sparseeg.evaluation.baselines import age_and_sex, with_eeg
from sparseeg.experiments import run as runs
from sparseeg.experiments.splits import make_splits
from sparseeg.report.page import write_report
from sparseeg.training.calibrate import Calibration
from sparseeg.training.config import DataConfig, SplitConfig, TrainConfig
from sparseeg.training.ensemble import load_members, training_seconds
from sparseeg.training.inference import predict
from sparseeg.training.subjects import SplitSubjects, write_subjects

METRIC_KEYS = {
    "task", "model", "n_trials", "n_subjects", "nrmse", "nrmse_ci95", "rmse", "mae", "pearson_r",
    "spearman_within_subject", "baselines", "controls", "data",
}  # fmt: skip


def config(**options: object) -> TrainConfig:
    defaults = {
        "model": "response-time-cnn",
        "epochs": 6,
        "batch_size": 32,
        "device": "cpu",
        "split": SplitConfig(kind="release", valid=("R4",), test=("R5",)),
    }
    return TrainConfig(data=DataConfig(path="toy"), **{**defaults, **options})


def silent(line: str) -> None:
    """Swallow progress."""


@pytest.fixture(scope="module")
def run(toy: WindowSet, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "run"
    with_problem = replace(toy, problems=(Problem(Path("sub-99_eeg.bdf"), "no events file", "left out"),))
    runs.train(config(control_within_subject=True), with_problem, out, silent)
    return out


def test_folder_holds_what_the_guide_says(run: Path) -> None:
    metrics = json.loads((run / "metrics.json").read_text())
    assert set(metrics) >= METRIC_KEYS
    assert set(metrics["baselines"]) == {
        "train_mean", "subject_mean_oracle", "subject_mean_loo", "ridge", "hist_gradient_boosting",
    }  # fmt: skip
    assert set(metrics["controls"]) == {"shuffled_trials", "shuffled_within_subject", "shuffled_order"}
    assert metrics["data"] == {
        "source": "toy",
        "path": ["toy"],
        "simulated": True,
        "n_files_with_problems": 1,
        "outside": (
            "none of the times lie inside the window of 0 to 0.6 s: 0 % lie before it, 100 % after it"
        ),
    }
    assert (metrics["n_trials"], metrics["n_subjects"]) == (72, 3)
    for name in ("config.yaml", "model.safetensors", "splits.json", "checkpoints", "logs", "controls"):
        assert (run / name).exists()
    problems = pd.read_csv(run / "problems.tsv", sep="\t")
    assert problems.loc[0].tolist() == ["sub-99_eeg.bdf", "no events file", "left out"]


def test_the_windows_of_a_control_stay_in_place(
    toy: WindowSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = {}
    monkeypatch.setattr(
        runs, "fit_members", lambda windows, split, config, folder, **_: seen.update({folder.name: config})
    )
    jittered = config(augment={"jitter": 0.2, "channel_dropout": 0.1})
    split = make_splits(tmp_path / "run", toy, jittered.split)[0]
    runs.fit_split(toy, split, jittered, silent)
    assert seen["run"].augment.jitter == 0.2
    assert seen["shuffled_trials"].augment.jitter == 0
    assert seen["shuffled_trials"].augment.channel_dropout == 0.1


def test_the_model_learns_and_its_control_does_not(run: Path) -> None:
    metrics = json.loads((run / "metrics.json").read_text())
    assert metrics["nrmse"] < 0.8
    for name in ("shuffled_trials", "shuffled_within_subject"):
        assert metrics["controls"][name]["nrmse"] > 0.95
    assert metrics["controls"]["shuffled_order"]["nrmse"] == pytest.approx(metrics["nrmse"], abs=1e-5)


def test_predictions_are_of_test_subjects_only(run: Path, toy: WindowSet) -> None:
    predictions = pd.read_csv(run / "predictions.tsv", sep="\t")
    assert set(predictions["release"]) == {"R5"}
    assert predictions["target"].to_numpy() == pytest.approx(toy.targets[-72:], abs=1e-5)


def test_evaluation_repeats_the_table(run: Path, toy: WindowSet, tmp_path: Path) -> None:
    first = json.loads((run / "metrics.json").read_text())
    again = runs.reevaluate(run, toy, None, tmp_path, silent)
    assert again["nrmse"] == pytest.approx(first["nrmse"])
    for part in ("baselines", "controls"):
        scores = {name: row["nrmse"] for name, row in first[part].items()}
        assert {name: row["nrmse"] for name, row in again[part].items()} == pytest.approx(scores)


def test_evaluation_on_other_subjects(run: Path, toy: WindowSet, tmp_path: Path) -> None:
    other = toy_windows(n_subjects=6, seed=5)
    other.table["subject"] = "new-" + other.table["subject"]
    metrics = runs.reevaluate(run, toy, other, tmp_path, silent)
    assert metrics["n_trials"] == len(other)
    assert metrics["nrmse"] < 0.9
    assert "ridge" in metrics["baselines"]
    without = runs.reevaluate(run, None, other, tmp_path, silent)
    assert without["nrmse"] == pytest.approx(metrics["nrmse"])
    assert without["baselines"]["train_mean"]["nrmse"] == pytest.approx(
        metrics["baselines"]["train_mean"]["nrmse"], abs=1e-5
    )
    assert "ridge" not in without["baselines"]


@pytest.mark.parametrize("with_own_data", [True, False])
def test_a_subject_that_trained_cannot_test(
    with_own_data: bool, run: Path, toy: WindowSet, tmp_path: Path
) -> None:
    with pytest.raises(SparseEEGError, match="sub-0"):
        runs.reevaluate(run, toy if with_own_data else None, toy_windows(seed=5), tmp_path, silent)


def test_fewer_channels_are_refused(run: Path, tmp_path: Path) -> None:
    with pytest.raises(SparseEEGError, match=r"toy: it lacks channel E5 of the run"):
        runs.reevaluate(run, toy_windows(n_chans=4), None, tmp_path, silent)


def test_windows_of_another_length_are_refused(run: Path, toy: WindowSet, tmp_path: Path) -> None:
    with pytest.raises(SparseEEGError, match=r"windows of 0.5 s instead of 0.6 s; prepare it with --tmin"):
        runs.reevaluate(run, replace(toy, n_times=50), None, tmp_path, silent)


def test_channels_are_put_into_the_networks_order(run: Path, toy: WindowSet, tmp_path: Path) -> None:
    order = [1, 0, *range(2, toy.n_chans)]
    swapped = replace(
        toy,
        signals=[signal[:, order] for signal in toy.signals],
        ch_names=tuple(toy.ch_names[index] for index in order),
    )
    said: list[str] = []
    again = runs.reevaluate(run, swapped, None, tmp_path, said.append)
    assert again["nrmse"] == pytest.approx(json.loads((run / "metrics.json").read_text())["nrmse"])
    assert "toy: channels reordered" in said


def test_unfinished_run_says_how_to_go_on(run: Path, toy: WindowSet, tmp_path: Path) -> None:
    for name in ("config.yaml", "splits.json"):
        (tmp_path / name).write_bytes((run / name).read_bytes())
    with pytest.raises(SparseEEGError, match="--resume"):
        runs.reevaluate(tmp_path, toy, None, tmp_path, silent)


def test_leave_one_subject_out_pools_every_trial_once(tmp_path: Path) -> None:
    windows = toy_windows(n_subjects=4, n_trials=10)
    options = config(split=SplitConfig(kind="loso"), epochs=1, batch_size=8, control=False, boosting=False)
    metrics = runs.train(options, windows, tmp_path / "run", silent)
    assert (metrics["n_trials"], metrics["n_subjects"]) == (40, 4)
    predictions = pd.read_csv(tmp_path / "run" / "predictions.tsv", sep="\t")
    assert predictions.groupby("fold")["subject"].nunique().tolist() == [1, 1, 1, 1]
    assert len(list((tmp_path / "run" / "folds").glob("*/model.safetensors"))) == 4


def test_complete_networks_are_kept_on_resume(toy: WindowSet, run: Path, tmp_path: Path) -> None:
    again = shutil.copytree(run, tmp_path / "run")
    path = again / "model.safetensors"
    before = path.stat().st_mtime_ns
    elsewhere = {"data": DataConfig(path="elsewhere"), "device": "auto"}
    runs.train(config(control_within_subject=True).model_copy(update=elsewhere), toy, again, silent)
    assert path.stat().st_mtime_ns == before


def test_networks_of_other_settings_are_not_taken_over(run: Path, toy: WindowSet, tmp_path: Path) -> None:
    folder = shutil.copytree(run, tmp_path / "run")
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    for changes, said in (
        (
            {"model": "light-sparse-attention-cnn"},
            "model was response-time-cnn and is light-sparse-attention",
        ),
        ({"learning_rate": 0.1}, r"learning_rate was 0\.001 and is 0\.1 now; train into another folder"),
        ({"data": DataConfig(path="toy", tmax=1.0)}, "data.tmax was none and is 1 now"),
    ):
        other = config(control_within_subject=True).model_copy(update=changes)
        with pytest.raises(SparseEEGError, match=f"run holds networks .* with other settings: {said}"):
            runs.train(other, toy, folder, silent)
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    (folder / "config.yaml").unlink()
    with pytest.raises(SparseEEGError, match=r"holds networks but no config\.yaml"):
        runs.train(config(control_within_subject=True), toy, folder, silent)


def test_an_ancestor_that_was_moved_still_counts(toy: WindowSet, tmp_path: Path) -> None:
    quick = {"epochs": 1, "control": False, "boosting": False}
    first, second = tmp_path / "first", tmp_path / "second"
    runs.train(config(**quick), without_subjects(toy, "sub-03", "sub-04"), first, silent)
    table = toy.table.assign(subject=toy.table["subject"].replace({"sub-00": "new"}))
    moved = replace(toy, table=table, signals=[toy_windows(seed=9).signals[0], *toy.signals[1:]])
    runs.train(config(**quick, init=str(first)), moved, second, silent)
    first.rename(tmp_path / "away")
    with pytest.raises(SparseEEGError, match=r"sub-00 trained the network in .*first"):
        runs.reevaluate(second, moved, toy.select(toy.subjects == "sub-00"), tmp_path / "scores", silent)
    (second / "ancestors.json").unlink()  # as in a run of an earlier version
    with pytest.raises(SparseEEGError, match=r"first does not exist: who trained .* can't be known"):
        runs.reevaluate(second, moved, None, tmp_path / "scores", silent)


def test_release_split_needs_releases(toy: WindowSet, tmp_path: Path) -> None:
    without = replace(toy, table=toy.table.drop(columns="release"))
    with pytest.raises(SparseEEGError, match="names no releases"):
        runs.train(config(), without, tmp_path / "run", silent)
    assert not (tmp_path / "run").exists()


def test_without_a_test_part_the_validation_part_is_scored_and_named(toy: WindowSet, tmp_path: Path) -> None:
    alone = config(split=SplitConfig(kind="release", valid=("R5",)), epochs=1, control=False, boosting=False)
    metrics = runs.train(alone, toy, tmp_path / "run", silent)
    assert metrics["part"] == "validation"
    assert "which were also used to select the epoch" in write_report(tmp_path / "run").read_text()
    assert set(pd.read_csv(tmp_path / "run" / "predictions.tsv", sep="\t")["release"]) == {"R5"}


def test_several_stores_are_one_set_and_share_nothing(toy: WindowSet, tmp_path: Path) -> None:
    toy = replace(toy, table=toy.table.assign(file=toy.table["subject"] + "_eeg.bdf"))
    late = (toy.table["release"] == "R5").to_numpy()
    early, r5 = (store.save(toy.select(part), tmp_path / name) for part, name in ((~late, "a"), (late, "b")))
    together = runs.load_windows(DataConfig(path=(str(early), str(r5))))
    assert sorted(together.targets) == pytest.approx(sorted(toy.targets))
    assert together.subjects[-1] in toy.subjects[late]
    with pytest.raises(SparseEEGError, match=r"a and .*/a both hold sub-00_eeg of sub-00; give each"):
        runs.load_windows(DataConfig(path=(str(early), str(early))))


def test_a_run_goes_on_with_its_own_subjects_only(toy: WindowSet, tmp_path: Path) -> None:
    quick = config(epochs=1, control=False, boosting=False)
    runs.train(quick, toy, tmp_path / "run", silent)
    splits = (tmp_path / "run" / "splits.json").read_text()
    moved = replace(
        toy, table=toy.table.assign(release=toy.table["release"].replace({"R1": "R5", "R5": "R1"}))
    )
    with pytest.raises(SparseEEGError, match="sub-00 was in the train part and is in the test part now"):
        runs.train(quick, moved, tmp_path / "run", silent)
    fewer = toy.select(np.flatnonzero(toy.subjects != "sub-00"))
    with pytest.raises(SparseEEGError, match="sub-00 was in the train part and is in no part now"):
        runs.train(quick, fewer, tmp_path / "run", silent)
    assert (tmp_path / "run" / "splits.json").read_text() == splits


def test_a_refit_needs_somebody_to_test_on() -> None:
    with pytest.raises(ValidationError, match="name releases to test on"):
        config(split=SplitConfig(kind="release", valid=("R5",)), refit=True)


def test_what_eeg_adds_to_age_is_learned_where_the_network_was_not(toy: WindowSet, tmp_path: Path) -> None:
    people = sorted(set(toy.subjects))
    ages = dict(zip(people, np.random.default_rng(3).uniform(5, 20, len(people)), strict=True))
    aged = replace(toy, table=toy.table.assign(age=toy.table["subject"].map(ages), sex="F"))
    options = config(refit=True, epochs=3, control=False, boosting=False)
    runs.train(options, aged, tmp_path, silent)
    split = make_splits(tmp_path, aged, options.split)[0]
    valid = split.rows.valid
    rows = np.concatenate([valid, split.scored])
    strangers, known = (
        predict(load_members(folder), aged, part).mean
        for folder, part in ((tmp_path / "selection", valid), (tmp_path, split.scored))
    )
    alone = age_and_sex(aged.table["age"], aged.table["age"] * 0.0, aged.targets, split.rows.train, rows)
    eeg = np.concatenate([strangers, known])
    both = with_eeg(alone, eeg, aged.targets[rows], aged.subjects[rows], np.arange(len(valid)))
    table = pd.read_csv(tmp_path / "predictions.tsv", sep="\t")
    assert table["age_sex_and_eeg"].to_numpy() == pytest.approx(both[len(valid) :], abs=1e-5)


def with_ancestor(run: Path, to: Path, trained: list[str]) -> Path:
    """Return a copy of a run that says it started from a network that was trained on some subjects."""
    folder = shutil.copytree(run, to / "run")
    (to / "first").mkdir()
    config().write(to / "first")
    write_subjects(to / "first", [SplitSubjects(trained, ["somebody"], [])])
    TrainConfig.read(folder).model_copy(update={"init": str(to / "first")}).write(folder)
    return folder


def test_a_subject_that_trained_an_ancestor_cannot_test(run: Path, toy: WindowSet, tmp_path: Path) -> None:
    other = toy_windows(n_subjects=6, seed=5)
    other.table["subject"] = "new-" + other.table["subject"]
    (tmp_path / "other").mkdir()
    known = with_ancestor(run, tmp_path / "other", ["new-sub-03"])
    for own in (toy, None):
        with pytest.raises(SparseEEGError, match=r"new-sub-03 trained the network in .*first.*; evaluate on"):
            runs.reevaluate(known, own, other, tmp_path, silent)
    (tmp_path / "own").mkdir()
    known = with_ancestor(run, tmp_path / "own", ["sub-11"])
    with pytest.raises(SparseEEGError, match=r"sub-11 trained the network in .*first"):
        runs.reevaluate(known, toy, None, tmp_path, silent)


def test_a_run_with_a_damaged_record_is_not_evaluated(run: Path, toy: WindowSet, tmp_path: Path) -> None:
    folder = shutil.copytree(run, tmp_path / "run")
    (folder / "splits.json").write_text("[]")
    with pytest.raises(SparseEEGError, match=r"splits\.json is damaged"):
        runs.reevaluate(folder, toy, None, tmp_path, silent)


def test_networks_without_a_record_are_not_taken_over(run: Path, toy: WindowSet, tmp_path: Path) -> None:
    folder = shutil.copytree(run, tmp_path / "run")
    (folder / "splits.json").unlink()
    with pytest.raises(SparseEEGError, match=r"holds networks but no splits\.json"):
        runs.train(config(), toy, folder, silent)


@pytest.mark.parametrize(
    ("name", "read"), [("calibration.json", Calibration.read), ("effort.json", training_seconds)]
)
@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b"\xff\x00", b'{"shrinkage": "a"}'])
def test_damaged_files_of_a_network_are_one_line(
    name: str, read: Callable[[Path], object], content: bytes, run: Path, tmp_path: Path
) -> None:
    for file in ("model.safetensors", "calibration.json", "effort.json"):
        shutil.copy(run / file, tmp_path / file)
    (tmp_path / name).write_bytes(content)
    with pytest.raises(SparseEEGError, match=f"{name} is damaged".replace(".", r"\.")):
        read(tmp_path)


def without_subjects(windows: WindowSet, *subjects: str) -> WindowSet:
    return windows.select(~np.isin(windows.subjects, subjects))


@pytest.mark.parametrize(
    ("gone", "named"),
    [(["sub-10"], "1 of its 3 test subjects .*sub-10"), (["sub-09", "sub-10", "sub-11"], "3 of its 3 test")],
)
def test_a_score_needs_every_test_subject(
    gone: list[str], named: str, run: Path, toy: WindowSet, tmp_path: Path
) -> None:
    with pytest.raises(SparseEEGError, match=f"{named}.*; restore their recordings"):
        runs.reevaluate(run, without_subjects(toy, *gone), None, tmp_path, silent)
    assert not list(tmp_path.iterdir())


def test_without_a_test_part_it_needs_every_validation_subject(toy: WindowSet, tmp_path: Path) -> None:
    alone = config(split=SplitConfig(kind="release", valid=("R5",)), epochs=1, control=False, boosting=False)
    runs.train(alone, toy, tmp_path / "run", silent)
    with pytest.raises(SparseEEGError, match=r"1 of its 3 validation subjects .*\(sub-10\)"):
        runs.reevaluate(tmp_path / "run", without_subjects(toy, "sub-10"), None, tmp_path, silent)


def test_a_cross_validation_needs_the_subjects_of_every_fold(tmp_path: Path) -> None:
    windows = toy_windows(n_subjects=4, n_trials=10)
    options = config(split=SplitConfig(kind="loso"), epochs=1, batch_size=8, control=False, boosting=False)
    runs.train(options, windows, tmp_path / "run", silent)
    with pytest.raises(SparseEEGError, match=r"folds/003: 1 of its 1 test subjects .*\(sub-02\)"):
        runs.reevaluate(tmp_path / "run", without_subjects(windows, "sub-02"), None, tmp_path, silent)


def test_baselines_that_miss_subjects_are_said(run: Path, toy: WindowSet, tmp_path: Path) -> None:
    lines: list[str] = []
    runs.reevaluate(run, without_subjects(toy, "sub-00"), None, tmp_path, lines.append)
    assert "1 of the 6 training subjects have no window in toy: baselines are fitted without them" in lines
    there = without_subjects(toy, "sub-06", "sub-07", "sub-08")
    other = toy_windows(n_subjects=6, seed=5)
    other.table["subject"] = "new-" + other.table["subject"]
    for elsewhere in (other, None):
        metrics = runs.reevaluate(run, there, elsewhere, tmp_path, lines.append)
        assert lines[-2].startswith("3 of the 3 validation subjects have no window in toy: baselines are")
        assert "ridge" not in metrics["baselines"]
