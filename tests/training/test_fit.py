"""Fitting: it learns, it repeats, it resumes, it keeps what it has on Ctrl-C."""

import json
import shutil
import warnings
from contextlib import nullcontext
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import lightning
import numpy as np
import pandas as pd
import pytest
import torch
from lightning.pytorch.callbacks import Callback

from helpers.toys import ages, toy_windows
from sparseeg import models
from sparseeg.data.provenance import Processing
from sparseeg.data.splits import Split, by_release
from sparseeg.data.windows import WindowSet
from sparseeg.errors import SparseEEGError
from sparseeg.evaluation.intervals import reach_for_new_subject, shortest_interval
from sparseeg.evaluation.metrics import nrmse
from sparseeg.evaluation.shrinkage import shrinkage
from sparseeg.training import ensemble
from sparseeg.training import fit as fit_module
from sparseeg.training import trainer as trainer_module
from sparseeg.training.batches import loader
from sparseeg.training.calibrate import Calibration, calibrate
from sparseeg.training.config import DataConfig, TrainConfig
from sparseeg.training.fit import TrainingInterrupted, fit
from sparseeg.training.inference import Prediction, predict
from sparseeg.training.optimizer import adamw, warm_up_and_cosine


def config(**options: object) -> TrainConfig:
    defaults = {"model": "response-time-cnn", "epochs": 3, "batch_size": 32, "device": "cpu"}
    return TrainConfig(data=DataConfig(path="toy"), **{**defaults, **options})


@pytest.fixture(scope="module")
def split(toy: WindowSet) -> Split:
    return by_release(toy.table["release"], "R4", "R5")


def test_it_learns_without_a_warning(toy: WindowSet, split: Split, tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        path = fit(toy, split, config(epochs=12), tmp_path)
    prediction = predict(models.load(path), toy, split.test).mean
    assert nrmse(toy.targets[split.test], prediction) < 0.75
    assert (tmp_path / "checkpoints" / "best.ckpt").exists()
    assert (tmp_path / "checkpoints" / "last.ckpt").exists()
    log = pd.read_csv(tmp_path / "logs" / "csv" / "version_0" / "metrics.csv")
    assert {"epoch", "train_loss", "valid_nrmse"} <= set(log.columns)
    assert list((tmp_path / "logs" / "tensorboard").rglob("events.*"))


def test_the_saved_network_is_the_best_epoch(toy: WindowSet, split: Split, tmp_path: Path) -> None:
    path = fit(toy, split, config(epochs=6), tmp_path)
    log = pd.read_csv(tmp_path / "logs" / "csv" / "version_0" / "metrics.csv")
    network = models.load(path)
    prediction = predict(network, toy, split.valid).mean
    assert nrmse(toy.targets[split.valid], prediction) == pytest.approx(log["valid_nrmse"].min(), abs=1e-4)


def test_shrinkage_is_the_slope_less_its_uncertainty() -> None:
    rng = np.random.default_rng(0)
    subjects, target = np.repeat(np.arange(200), 50), rng.normal(0, 0.4, 10_000)
    sure = target + rng.normal(0, 0.8, 10_000)
    assert shrinkage(target, sure, subjects) == pytest.approx(0.2, abs=0.02)
    assert shrinkage(target, sure, subjects) < (target @ sure) / (sure @ sure)
    assert shrinkage(target, 0.1 * target, subjects) == 1.0
    assert shrinkage(target, -target, subjects) == 0.01
    assert shrinkage(target, np.zeros_like(target), subjects) == 1.0


def test_shrinkage_keeps_little_of_what_only_separates_subjects() -> None:
    rng = np.random.default_rng(1)
    factors = []
    for _ in range(200):
        level, guess = np.repeat(rng.normal(size=(2, 12)), 40, axis=1)
        target = 0.2 * level + rng.normal(0, 0.35, 480)
        factors.append(shrinkage(target, 0.1 * guess, np.repeat(np.arange(12), 40)))
    assert np.mean(np.array(factors) > 0.3) < 0.15


@pytest.mark.parametrize("chosen", [False, True])
@pytest.mark.parametrize("n_subjects", [1, 2, 3, 4, 5, 8, 20])
def test_with_any_number_of_subjects_predictions_stay_near_the_training_mean(
    n_subjects: int, chosen: bool
) -> None:
    rng = np.random.default_rng(2)
    ratios = []
    for _ in range(
        200
    ):  # a network that has learned levels of training subjects, which says nothing of others
        level, guess = np.repeat(rng.normal(size=(2, n_subjects + 20)), 60, axis=1)
        target = 0.2 * level + rng.normal(0, 0.35, len(level))
        prediction = 0.25 * guess + 0.1 * rng.normal(size=len(level))
        subjects, known = np.repeat(np.arange(n_subjects + 20), 60), n_subjects * 60
        factor = shrinkage(target[:known], prediction[:known], subjects[:known], chosen)
        new, constant = target[known:] - factor * prediction[known:], target[known:]
        ratios.append(np.sqrt(np.mean(new**2) / np.mean(constant**2)))
    assert np.mean(ratios) < 1.02
    assert np.quantile(ratios, 0.95) < 1.07


def test_shrinkage_by_few_subjects_needs_them_to_agree() -> None:
    rng = np.random.default_rng(2)
    target = rng.normal(0, 0.4, 300)
    prediction = target + rng.normal(0, 0.1, 300)
    assert shrinkage(target, prediction, np.zeros(300)) == 0.01  # one subject says nothing about others
    assert shrinkage(target, prediction, np.repeat([0, 1, 2], 100)) > 0.8
    other = np.repeat([1.0, 0.3, -0.2], 100) * target + rng.normal(0, 0.1, 300)
    assert shrinkage(target, other, np.repeat([0, 1, 2], 100)) < 0.2


def test_same_seed_same_network(toy: WindowSet, split: Split, tmp_path: Path) -> None:
    predictions = [
        predict(models.load(fit(toy, split, config(seed=seed), tmp_path / name)), toy, split.test).mean
        for seed, name in ((0, "a"), (0, "b"), (1, "c"))
    ]
    assert np.array_equal(predictions[0], predictions[1])
    assert not np.array_equal(predictions[0], predictions[2])


def test_test_targets_are_not_seen(toy: WindowSet, split: Split, tmp_path: Path) -> None:
    targets = toy.targets.copy()
    targets[split.test] = 99.0
    first = predict(models.load(fit(toy, split, config(), tmp_path / "a")), toy, split.test).mean
    path = fit(toy, split, config(), tmp_path / "b", targets=targets)
    assert np.array_equal(first, predict(models.load(path), toy, split.test).mean)


class InterruptAfter(Callback):
    """Press Ctrl-C in the middle of an epoch, after one that made the network worse."""

    def __init__(self, epoch: int) -> None:
        self.epoch = epoch

    def on_validation_start(self, trainer: lightning.Trainer, module: lightning.LightningModule) -> None:
        if trainer.current_epoch == self.epoch - 1:
            with torch.no_grad():
                module.network.final_layer.bias += 10.0

    def on_train_batch_start(self, trainer: lightning.Trainer, *_: object) -> None:
        if trainer.current_epoch == self.epoch:
            raise KeyboardInterrupt


def test_interrupted_fit_goes_on_from_its_last_epoch(
    toy: WindowSet, split: Split, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_trainer = fit_module._trainer

    def interrupting(*args: object) -> lightning.Trainer:
        trainer = make_trainer(*args)
        trainer.callbacks.append(InterruptAfter(3))
        return trainer

    options = config(epochs=5)
    with monkeypatch.context() as patch:
        patch.setattr(fit_module, "_trainer", interrupting)
        with pytest.raises(TrainingInterrupted):
            fit(toy, split, options, tmp_path)
    assert not (tmp_path / "model.safetensors").exists()
    checkpoints = tmp_path / "checkpoints"
    epochs = {path.stem: torch.load(path, weights_only=True)["epoch"] for path in checkpoints.iterdir()}
    assert epochs["best"] < epochs["last"] == 2
    lines: list[str] = []
    fit(toy, split, options, tmp_path, report=lines.append)
    assert [line.split(":")[0] for line in lines if line.startswith("epoch")] == ["epoch 4", "epoch 5"]
    assert (tmp_path / "model.safetensors").exists()


class RecordBatches(Callback):
    """Keep the targets of every batch, and fall over in the middle of an epoch."""

    def __init__(self, fall: tuple[int, int] | None = None) -> None:
        self.fall = fall
        self.seen: dict[int, list[list[float]]] = {}

    def on_train_batch_end(
        self, trainer: lightning.Trainer, module: object, outputs: object, batch: tuple, batch_index: int
    ) -> None:
        self.seen.setdefault(trainer.current_epoch, []).append(batch[1][:, 0].tolist())
        if self.fall == (trainer.current_epoch, batch_index):
            raise ZeroDivisionError


@pytest.mark.parametrize("fall", [(1, 2), (2, 0), (1, 4)])
def test_a_fit_that_fell_over_in_mid_epoch_goes_on_with_the_next_batch(
    toy: WindowSet, split: Split, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fall: tuple[int, int]
) -> None:
    make_trainer = fit_module._trainer
    records: list[RecordBatches] = []

    def recording(*args: object) -> lightning.Trainer:
        trainer = make_trainer(*args)
        # Before the checkpoints: what it falls over has not been saved.
        trainer.callbacks.insert(0, records[-1])
        return trainer

    monkeypatch.setattr(fit_module, "_trainer", recording)
    monkeypatch.setattr(trainer_module, "SAVE_EVERY", timedelta(0))
    for folder, falls in (("undisturbed", None), ("disturbed", fall)):
        records.append(RecordBatches(falls))
        with pytest.raises(ZeroDivisionError) if falls else nullcontext():
            fit(toy, split, config(epochs=3), tmp_path / folder)
    records.append(RecordBatches())
    fit(toy, split, config(epochs=3), tmp_path / "disturbed")
    undisturbed, before, after = (record.seen for record in records)
    assert [len(batches) for batches in undisturbed.values()] == [5, 5, 5]
    epoch, batch = fall
    for number in range(3):
        seen = before.get(number, []) + after.get(number, [])
        if number == epoch:
            del seen[batch]  # The batch that it fell over is the only one that is seen twice.
        assert seen == undisturbed[number]
    assert (tmp_path / "disturbed" / "model.safetensors").exists()


@pytest.mark.parametrize(
    ("options", "epochs"),
    [
        pytest.param({"schedule": "cosine"}, 2, id="chosen before"),
        pytest.param({"schedule": "cosine", "ema": 0.9}, 2, id="chosen before, averaged"),
        pytest.param({"patience": 1, "learning_rate": 0.1}, None, id="out of patience"),
        pytest.param({"keep": "last"}, None, id="all of them"),
        pytest.param({"keep": "last", "ema": 0.9}, None, id="all of them, averaged"),
    ],
)
def test_a_fit_that_was_killed_after_its_last_epoch_is_not_trained_further(
    options: dict, epochs: int | None, toy: WindowSet, split: Split, tmp_path: Path
) -> None:
    options = config(**{"epochs": 6, **options})
    first = fit_module.fit_network(toy, split, options, tmp_path, epochs=epochs)
    effort = json.loads((tmp_path / "effort.json").read_text())
    assert effort["epochs"] < 6 or options.keep == "last"
    last = tmp_path / "checkpoints" / "last.ckpt"
    before = last.read_bytes()
    (tmp_path / "effort.json").unlink()
    lines: list[str] = []
    again = fit_module.fit_network(toy, split, options, tmp_path, epochs=epochs, report=lines.append)
    assert not [line for line in lines if line.startswith("epoch")]
    assert last.read_bytes() == before
    for name, value in first.state_dict().items():
        assert torch.equal(value, again.state_dict()[name]), name
    there = json.loads((tmp_path / "effort.json").read_text())
    assert (there["epochs"], there["best_epoch"]) == (effort["epochs"], effort["best_epoch"])


def test_constant_targets_are_refused(toy: WindowSet, split: Split, tmp_path: Path) -> None:
    with pytest.raises(SparseEEGError, match="nothing to learn"):
        fit(toy, split, config(), tmp_path, targets=np.full(len(toy), 1.5))


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device here")
def test_missing_cuda_is_said(toy: WindowSet, split: Split, tmp_path: Path) -> None:
    with pytest.raises(SparseEEGError, match="no CUDA device"):
        fit(toy, split, config(device="cuda"), tmp_path)


def test_bfloat16_trains(toy: WindowSet, split: Split, tmp_path: Path) -> None:
    path = fit(toy, split, config(precision="bf16", epochs=2, model="light-sparse-attention-cnn"), tmp_path)
    assert np.isfinite(predict(models.load(path), toy, split.test).mean).all()


def test_batches_cover_every_window_once_and_never_leave_one_alone(toy: WindowSet) -> None:
    indices = np.arange(65)
    plain = [target for _, target, _ in loader(toy, indices, 32)]
    assert torch.cat(plain)[:, 0].numpy() == pytest.approx(toy.targets[:65])
    shuffled = [x.shape[0] for x, *_ in loader(toy, indices, 32, shuffle=True)]
    assert shuffled == [32, 32]
    x, target, _ = next(iter(loader(toy, indices[:30], 32, shuffle=True, seed=4)))
    assert x.shape == (30, toy.n_chans, toy.n_times)
    assert sorted(target[:, 0].tolist()) == pytest.approx(sorted(toy.targets[:30]))


def test_configuration_round_trip_and_errors(tmp_path: Path) -> None:
    with pytest.raises(SparseEEGError, match=r"is no run folder: there is no config\.yaml in it"):
        TrainConfig.read(tmp_path)
    config(seed=7).write(tmp_path)
    assert TrainConfig.read(tmp_path) == config(seed=7)
    (tmp_path / "config.yaml").write_text("data: {path: x}\nmodel: m\nepoch: 3\n")
    with pytest.raises(SparseEEGError, match=r"config\.yaml: epoch"):
        TrainConfig.read(tmp_path)


LOCATOR = {
    "model": "sparse-attention-locator",
    "epochs": 8,
    "learning_rate": 2e-3,
    "schedule": "cosine",
    "clip": 1.0,
    "ema": 0.9,
    "target_width": 0.15,
    "augment": {"channel_dropout": 0.1, "mixup": 0.5, "jitter": 0.1},
}


def test_a_network_that_says_when_learns_by_a_whole_recipe(
    toy: WindowSet, split: Split, tmp_path: Path
) -> None:
    lines: list[str] = []
    slow = replace(toy, processing=Processing(30.0), tmin=0.5)  # its samples lie where its targets are
    path = fit(slow, split, config(**LOCATOR), tmp_path, report=lines.append)
    prediction = predict(models.load(path), slow, split.test)
    assert nrmse(toy.targets[split.test], prediction.mean) < 0.6
    assert np.isfinite(prediction.spread).all()
    assert lines[0] == "no signal is kept around the windows: they aren't moved in training"
    effort = json.loads((tmp_path / "effort.json").read_text())
    assert effort["epochs"] == 8
    assert effort["training_s"] > 0


def test_an_ensemble_is_the_mean_of_networks_with_one_shrinkage(
    toy: WindowSet, split: Split, tmp_path: Path
) -> None:
    options = config(epochs=2, seeds=3, seed=5)
    ensemble.fit_members(toy, split, options, tmp_path)
    networks = ensemble.load_members(tmp_path)
    assert len(networks) == 3
    assert len({float(network.final_layer.scale.gain) for network in networks}) == 1
    together = predict(networks, toy, split.test).mean
    alone = [predict(network, toy, split.test).mean for network in networks]
    assert together == pytest.approx(np.mean(alone, axis=0))
    assert not np.array_equal(alone[0], alone[1])
    path = fit(toy, split, config(epochs=2, seed=6), tmp_path / "alone")
    second = models.load(path)
    second.final_layer.shrink(float(networks[0].final_layer.scale.gain))
    assert predict(second, toy, split.test).mean == pytest.approx(alone[1])
    # What is finished is kept, and calibrating again changes nothing.
    before = (tmp_path / "calibration.json").read_text()
    (tmp_path / "calibration.json").unlink()
    with pytest.raises(SparseEEGError, match="training didn't finish"):
        ensemble.load_members(tmp_path)
    lines: list[str] = []
    ensemble.fit_members(toy, split, options, tmp_path, report=lines.append)
    assert [line.split(" ")[0] for line in lines] == ["predictions", "validation"]
    assert (tmp_path / "calibration.json").read_text() == before


@pytest.mark.parametrize("keep", ["best", "last"])
def test_weights_are_written_once_and_a_kill_before_that_costs_no_training(
    keep: str, toy: WindowSet, split: Split, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = config(epochs=4, patience=1, learning_rate=3e-2, seeds=2, keep=keep)
    ensemble.fit_members(toy, split, options, tmp_path / "undisturbed")
    saved: list[Path] = []
    save = models.save
    monkeypatch.setattr(ensemble.models, "load", lambda path: pytest.fail("it reads what it has"))
    monkeypatch.setattr(ensemble.models, "save", lambda *given: (saved.append(given[2]), save(*given)))

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(ensemble.calibrate, "calibrate", killed)
        with pytest.raises(KeyboardInterrupt):
            ensemble.fit_members(toy, split, options, tmp_path / "disturbed")
    assert saved == []
    monkeypatch.setattr(lightning.Trainer, "fit", lambda *_, **__: pytest.fail("it trains again"))
    ensemble.fit_members(toy, split, options, tmp_path / "disturbed")
    assert saved == [tmp_path / "disturbed" / "members" / name / "model.safetensors" for name in ("00", "01")]
    monkeypatch.undo()
    for name in ("calibration.json", "members/00/effort.json"):
        first, second = (
            json.loads((tmp_path / run / name).read_text()) for run in ("undisturbed", "disturbed")
        )
        assert first | {"training_s": 0} == second | {"training_s": 0}
    undisturbed, disturbed = (
        predict(ensemble.load_members(tmp_path / run), toy, split.test)
        for run in ("undisturbed", "disturbed")
    )
    assert np.array_equal(undisturbed.mean, disturbed.mean)


def test_an_interrupted_fit_with_averaged_weights_ends_as_an_undisturbed_one(
    toy: WindowSet, split: Split, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_trainer = fit_module._trainer
    records: list[RecordBatches] = []

    def recording(*args: object) -> lightning.Trainer:
        trainer = make_trainer(*args)
        trainer.callbacks.insert(0, records[-1])
        return trainer

    monkeypatch.setattr(fit_module, "_trainer", recording)
    options = config(epochs=3, ema=0.9, schedule="cosine")
    for folder, fall in (("undisturbed", None), ("disturbed", (2, 0)), ("disturbed", None)):
        records.append(RecordBatches(fall))
        with pytest.raises(ZeroDivisionError) if fall else nullcontext():
            path = fit(toy, split, options, tmp_path / folder)
    undisturbed = predict(models.load(tmp_path / "undisturbed" / "model.safetensors"), toy, split.test)
    assert predict(models.load(path), toy, split.test).mean == pytest.approx(undisturbed.mean, abs=0.05)


def test_a_fit_goes_on_in_a_copied_folder_and_knows_its_best_epoch(
    toy: WindowSet, split: Split, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_trainer = fit_module._trainer

    def falling(*args: object) -> lightning.Trainer:
        trainer = make_trainer(*args)
        trainer.callbacks.insert(0, RecordBatches((2, 0)))
        return trainer

    monkeypatch.setattr(fit_module, "_trainer", falling)
    with pytest.raises(ZeroDivisionError):
        fit(toy, split, config(epochs=4), tmp_path / "here")
    monkeypatch.setattr(fit_module, "_trainer", make_trainer)
    shutil.copytree(tmp_path / "here", tmp_path / "there")
    checkpoints = tmp_path / "there" / "checkpoints"
    last = torch.load(checkpoints / "last.ckpt", weights_only=False)
    (best,) = (state for state in last["callbacks"].values() if state.get("best_k_models"))
    (path,) = best["best_k_models"]
    nothing = torch.tensor(0.0)  # what no epoch beats
    best |= {"best_model_score": nothing, "kth_value": nothing, "best_k_models": {path: nothing}}
    torch.save(last, checkpoints / "last.ckpt")
    kept = torch.load(checkpoints / "best.ckpt", weights_only=True)
    fit(toy, split, config(epochs=4), tmp_path / "there")
    effort = json.loads((tmp_path / "there" / "effort.json").read_text())
    assert effort["epochs"] == 4
    assert effort["best_epoch"] == kept["epoch"] + 1 <= 2


def test_training_that_diverged_is_said(toy: WindowSet, split: Split, tmp_path: Path) -> None:
    network = models.load(fit(toy, split, config(epochs=1), tmp_path))
    with torch.no_grad():
        next(network.final_layer.parameters()).fill_(float("nan"))
    with pytest.raises(SparseEEGError, match="training diverged"):
        calibrate([network], toy, split, toy.targets)


def test_intervals_of_an_ensemble_are_as_wide_as_its_validation_subjects_ask(
    toy: WindowSet, split: Split, tmp_path: Path
) -> None:
    options = config(epochs=2, seeds=3, model_options={"output": "latency"})
    ensemble.fit_members(toy, split, options, tmp_path)
    networks = ensemble.load_members(tmp_path)
    answer = predict(networks, toy, split.valid)
    error = np.abs(toy.targets[split.valid] - answer.mean)
    asked = reach_for_new_subject(error / answer.spread, toy.subjects[split.valid])
    calibration = Calibration.read(tmp_path)
    assert calibration.reach == pytest.approx(asked, rel=1e-4)
    known = toy.targets[split.train]
    assert (calibration.lowest, calibration.highest) == (known.min(), known.max())
    assert calibration.constant == shortest_interval(known, toy.subjects[split.train])
    assert calibration.n_subjects == len(np.unique(toy.subjects[split.valid]))


def test_intervals_stay_in_the_range_of_the_targets_and_never_exceed_those_without_a_network() -> None:
    prediction = Prediction(np.array([0.1, 1.0, 2.3, 2.9]), np.array([0.2, 0.1, 0.3, 0.1]))
    own = Calibration(0.5, 0.9, 2.0, True, lowest=0.0, highest=2.4, constant=(0.8, 2.0), n_subjects=5)
    low, high = own.interval(prediction)
    assert low.tolist() == pytest.approx([0.0, 0.8, 1.7, 2.7])
    assert high.tolist() == pytest.approx([0.5, 1.2, 2.4, 2.9])  # the last prediction is outside the range
    low, high = replace(own, use_constant=True).interval(prediction)
    assert low.tolist() == [0.1, 0.8, 0.8, 0.8]
    assert high.tolist() == [2.0, 2.0, 2.3, 2.9]
    old = Calibration(0.5, 0.9, 2.0, True)  # of version 0.1.0
    assert old.interval(prediction)[0].tolist() == pytest.approx([-0.3, 0.8, 1.7, 2.7])


@pytest.mark.parametrize("outputs", [1, 3])
def test_auxiliary_outputs_without_a_label_are_refused(
    outputs: int, toy: WindowSet, split: Split, tmp_path: Path
) -> None:
    options = config(model="sparse-attention-locator", model_options={"n_auxiliary": outputs}, auxiliary=0.1)
    with pytest.raises(SparseEEGError, match=f"{outputs} auxiliary outputs for the labels correct, stim"):
        fit(toy, split, options, tmp_path)


def test_the_last_epoch_is_kept_where_that_is_asked_for(toy: WindowSet, split: Split, tmp_path: Path) -> None:
    options = config(epochs=5, keep="last", patience=1, learning_rate=1e-5)
    targets = np.random.default_rng(0).permutation(toy.targets)  # nothing to learn: an early epoch is best
    path = fit(toy, split, options, tmp_path, targets=targets)
    effort = json.loads((tmp_path / "effort.json").read_text())
    assert effort["epochs"] == effort["best_epoch"] == 5
    last = torch.load(tmp_path / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]
    for name, weight in models.load(path).state_dict().items():
        assert torch.equal(weight, last[f"network.{name}"])


@pytest.mark.parametrize(("schedule", "validated"), [("cosine", 17), ("plateau", 34)])
def test_validation_that_decides_nothing_is_rarer(tmp_path: Path, schedule: str, validated: int) -> None:
    lines: list[str] = []
    tiny = toy_windows(n_subjects=4, n_trials=8, n_chans=2, n_times=40)
    options = config(epochs=34, keep="last", schedule=schedule)
    fit(tiny, by_release(tiny.table["release"], "R4", "R5"), options, tmp_path, report=lines.append)
    assert len(lines) == 34
    assert sum("validation NRMSE" in line for line in lines) == validated
    assert "validation NRMSE" in lines[-1]


def test_a_network_that_says_when_needs_a_time(toy: WindowSet, split: Split, tmp_path: Path) -> None:
    options = config(model_options={"output": "latency"})
    with pytest.raises(SparseEEGError, match=r"is no time in the window: set its option output to scalar"):
        fit(replace(toy, task=replace(toy.task, locked=False)), split, options, tmp_path)
    toy_age = ages(toy)
    network = fit_module.network_spec(toy_age, config(model="sparse-attention-locator")).build()
    assert network.output == "scalar"
    with pytest.raises(SparseEEGError, match=r"no auxiliary outputs to train"):
        fit(toy, split, config(auxiliary=0.1), tmp_path)


def test_the_default_network_learns_targets_that_are_no_times(
    toy: WindowSet, split: Split, tmp_path: Path
) -> None:
    aged = ages(toy)
    path = fit(aged, split, config(model="sparse-attention-locator", auxiliary=0.1), tmp_path)
    prediction = predict(models.load(path), aged, split.test).mean
    assert prediction.shape == split.test.shape
    assert np.isfinite(prediction).all()


def test_a_refit_trains_on_those_who_chose_for_as_long_as_they_chose(
    toy: WindowSet, split: Split, tmp_path: Path
) -> None:
    options = config(epochs=4, refit=True, schedule="cosine")
    ensemble.fit_members(toy, split, options, tmp_path)
    chosen = json.loads((tmp_path / "selection" / "effort.json").read_text())
    again = json.loads((tmp_path / "effort.json").read_text())
    assert again["epochs"] == again["best_epoch"] == chosen["best_epoch"]
    (network,) = ensemble.load_members(tmp_path)
    everyone = np.concatenate([split.train, split.valid])
    assert float(network.final_layer.mean) == pytest.approx(toy.targets[everyone].mean())
    assert (tmp_path / "calibration.json").read_text() == (
        tmp_path / "selection" / "calibration.json"
    ).read_text()
    assert ensemble.training_seconds(tmp_path) == pytest.approx(chosen["training_s"] + again["training_s"])
    alone = config(epochs=4, schedule="cosine")
    ensemble.fit_members(toy, split, alone, tmp_path / "alone")
    (selected,) = ensemble.load_members(tmp_path / "selection")
    (without,) = ensemble.load_members(tmp_path / "alone")
    x = torch.from_numpy(toy.gather(split.test))
    assert torch.equal(selected(x), without(x))


@pytest.mark.parametrize("n_steps", [1, 2, 4, 20, 1000])
def test_the_cosine_fits_any_number_of_steps(n_steps: int) -> None:
    layer = torch.nn.Linear(2, 2)
    optimizer = adamw(layer, 1.0, 0.0, (0.9, 0.999))
    schedule = warm_up_and_cosine(optimizer, n_steps, 0.05)
    rates = []
    for _ in range(n_steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    assert rates[0] < 0.1
    assert n_steps < 4 or max(rates) == pytest.approx(1.0, rel=0.1)
    assert n_steps < 20 or rates[-1] < 0.05


def test_a_constant_validation_target_is_scored_in_its_unit(toy: WindowSet, tmp_path: Path) -> None:
    """An NRMSE of one person's age would divide by an SD of zero, or by its rounding error."""
    people = ages(toy)
    years = dict(zip(np.unique(people.subjects), 0.1 * np.arange(12) + 7.3, strict=True))
    people = replace(people, table=people.table.assign(target=[years[name] for name in people.subjects]))
    train, valid = (np.flatnonzero((people.subjects == "sub-05") == one) for one in (False, True))
    said: list[str] = []
    options = {"epochs": 2, "schedule": "plateau", "keep": "best"}
    path = fit(people, Split(train, valid, valid), config(**options), tmp_path, report=said.append)
    prediction = predict(models.load(path), people, valid).mean
    log = pd.read_csv(tmp_path / "logs" / "csv" / "version_0" / "metrics.csv")
    error = np.sqrt(np.mean((prediction - people.targets[valid]) ** 2))
    assert log["valid_rmse"].min() == pytest.approx(error, abs=1e-4)
    assert "valid_nrmse" not in log
    lines = [line for line in said if line.startswith("epoch ")]
    assert len(lines) == 2
    assert all("validation RMSE in years " in line for line in lines)


def test_a_training_target_that_differs_by_rounding_is_refused(
    toy: WindowSet, split: Split, tmp_path
) -> None:
    same = np.where(np.arange(len(toy)) % 3, 0.1 + 0.2, 0.3)
    with pytest.raises(SparseEEGError, match="nothing to learn"):
        fit(toy, split, config(), tmp_path, targets=same)
    with pytest.raises(SparseEEGError, match="nothing to learn"):
        fit(toy, split, config(), tmp_path, targets=np.full(len(toy), 0.1))
