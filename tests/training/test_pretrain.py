"""Pretraining by hidden patches: what is hidden, what the loss sees, that it learns, repeats and goes on."""

import json
from dataclasses import replace
from pathlib import Path

import lightning
import numpy as np
import pytest
import torch
from lightning.pytorch.callbacks import Callback

from helpers.toys import toy_windows
from sparseeg import models
from sparseeg.data.load import _without_targets
from sparseeg.data.windows import WindowSet
from sparseeg.errors import SparseEEGError
from sparseeg.evaluation.reconstruction import other_channels, time_interpolation
from sparseeg.models.positions import unit_positions
from sparseeg.training import pretrain as pretrain_module
from sparseeg.training.config import DataConfig, PretrainConfig, SplitConfig
from sparseeg.training.masked import MaskedModule
from sparseeg.training.masking import draw_mask
from sparseeg.training.pretrain import pretrain
from sparseeg.training.trainer import TrainingInterrupted

WIDTH = 32


def config(**options: object) -> PretrainConfig:
    defaults = {"epochs": 3, "batch_size": 16, "device": "cpu", "model_options": {"width": WIDTH}}
    return PretrainConfig(data=DataConfig(path="toy", task="pretraining"), **{**defaults, **options})


def silent(line: str) -> None:
    """Swallow progress."""


@pytest.fixture(scope="module")
def waves() -> WindowSet:
    """Windows with one slow wave on all channels, its phase drawn: easy to tell when hidden."""
    toy = toy_windows(n_subjects=8, n_trials=16, n_chans=4, n_times=80)
    rng = np.random.default_rng(0)
    times = np.arange(80)[:, None]
    signals = []
    for _ in range(8):
        phase = rng.uniform(0, 2 * np.pi, 16)
        wave = [np.sin(2 * np.pi * 3 * times / 100 + angle) * [1.0, 2.0, -1.0, 0.5] for angle in phase]
        signals.append(np.concatenate(wave).astype(np.float32) + rng.normal(0, 0.05, (1280, 4)).astype("f4"))
    return _without_targets(replace(toy, signals=signals, ch_names=("Fz", "Cz", "Pz", "Oz")))


@pytest.mark.parametrize("share", [0.1, 0.5, 0.8])
@pytest.mark.parametrize(("n_chans", "n_steps"), [(129, 25), (19, 4), (1, 7), (2, 1)])
def test_every_window_hides_its_share_of_patches(share: float, n_chans: int, n_steps: int) -> None:
    mask = draw_mask(unit_positions(n_chans, None), 16, n_steps, share, 5)
    assert mask.shape == (16, n_chans, n_steps)
    count = min(n_chans * n_steps - 1, max(1, round(share * n_chans * n_steps)))
    assert (mask.sum(dim=(1, 2)) == count).all()


def test_hidden_patches_lie_side_by_side() -> None:
    torch.manual_seed(0)
    positions = unit_positions(64, None)
    mask = draw_mask(positions, 200, 25, 0.5, 5)
    whole = mask.all(dim=1, keepdim=True)
    assert 0.2 < whole.float().mean() < 0.4
    # What is hidden while other channels are seen: a quarter of it, by chance.
    here = mask & ~whole
    nearest = (positions @ positions.T - 2 * torch.eye(64)).argmax(dim=1)
    assert mask[:, nearest][here].float().mean() > 0.6
    assert mask[:, :, :-1][here[:, :, 1:]].float().mean() > 0.8


def test_masks_repeat_with_a_generator_and_differ_between_windows() -> None:
    positions = unit_positions(19, None)
    first, again = (draw_mask(positions, 4, 25, 0.5, 5, torch.Generator().manual_seed(3)) for _ in range(2))
    assert torch.equal(first, again)
    assert not torch.equal(first[0], first[1])


def module(n_chans: int = 4, n_times: int = 80) -> MaskedModule:
    torch.manual_seed(0)
    network = models.build("sparse-eeg-transformer", n_chans, n_times, width=WIDTH)
    return MaskedModule(network, config()).eval()


def test_what_is_hidden_changes_no_prediction_and_what_is_seen_does() -> None:
    masked = module()
    patches = torch.randn(2, 4, 10, 8)
    hidden = masked.draw(patches, torch.Generator().manual_seed(0))
    prediction = masked.reconstruct(patches, hidden)
    assert torch.equal(masked.reconstruct(patches.masked_fill(hidden[..., None], 9.0), hidden), prediction)
    changed = masked.reconstruct(patches.masked_fill(~hidden[..., None], 9.0), hidden)
    assert not torch.allclose(changed, prediction)


def test_the_loss_is_about_hidden_patches_only(monkeypatch: pytest.MonkeyPatch) -> None:
    masked = module()
    patches = torch.randn(2, 4, 10, 8)
    hidden = masked.draw(patches, torch.Generator().manual_seed(0))
    answer = torch.zeros_like(patches[hidden])
    monkeypatch.setattr(masked, "reconstruct", lambda *_: answer)
    loss = masked.loss(patches, hidden)
    assert torch.equal(masked.loss(patches.masked_fill(~hidden[..., None], 9.0), hidden), loss)
    assert loss.item() == pytest.approx(patches[hidden].square().mean().item())


def test_lines_and_means_are_those_of_numpy() -> None:
    rng = np.random.default_rng(0)
    patches = torch.from_numpy(rng.normal(size=(2, 3, 6, 4)))
    hidden = torch.from_numpy(rng.random((2, 3, 6)) < 0.5)
    hidden[0, 0] = True
    lines, means = time_interpolation(patches, hidden), other_channels(patches, hidden)
    for window in range(2):
        for channel in range(3):
            seen = np.flatnonzero(np.repeat(~hidden[window, channel].numpy(), 4))
            signal = patches[window, channel].flatten().numpy()
            wanted = np.interp(np.arange(24), seen, signal[seen]) if len(seen) else np.zeros(24)
            assert lines[window, channel].flatten().numpy() == pytest.approx(wanted)
        for step in range(6):
            seen = ~hidden[window, :, step]
            mean = patches[window, seen, step].mean(dim=0) if seen.any() else torch.zeros(4).double()
            assert torch.allclose(means[window, 0, step], mean)


def test_it_learns_and_the_folder_holds_what_it_should(waves: WindowSet, tmp_path: Path) -> None:
    options = config(epochs=10, batch_size=8, learning_rate=1e-2)
    metrics = pretrain(options, waves, tmp_path, silent)
    error = metrics["squared_error"]
    assert set(error) == {"network", "zeros", "time_interpolation", "other_channels"}
    assert error["network"] < 0.6 * error["zeros"]
    assert json.loads((tmp_path / "metrics.json").read_text()) == metrics
    subjects = json.loads((tmp_path / "splits.json").read_text())[0]
    assert (len(subjects["train"]), len(subjects["valid"]), subjects["test"]) == (7, 1, [])
    assert PretrainConfig.read(tmp_path) == options
    network = models.load(tmp_path / "model.safetensors")
    assert network(torch.from_numpy(waves.gather([0]))).isfinite().all()
    log = (tmp_path / "logs" / "csv" / "version_0" / "metrics.csv").read_text()
    assert "valid_error" in log.splitlines()[0]


def test_same_seed_same_network(waves: WindowSet, tmp_path: Path) -> None:
    weights = []
    for seed, name in ((0, "a"), (0, "b"), (1, "c")):
        split = SplitConfig(seed=7)
        pretrain(config(seed=seed, epochs=1, split=split), waves, tmp_path / name, silent)
        weights.append(models.files.read_weights(tmp_path / name / "model.safetensors"))
    assert all(torch.equal(weights[0][key], weights[1][key]) for key in weights[0])
    assert not torch.equal(weights[0]["tokens.weight"], weights[2]["tokens.weight"])


class InterruptAfter(Callback):
    """Press Ctrl-C in the middle of an epoch."""

    def __init__(self, epoch: int) -> None:
        self.epoch = epoch

    def on_train_batch_start(self, trainer: lightning.Trainer, *_: object) -> None:
        if trainer.current_epoch == self.epoch:
            raise KeyboardInterrupt


def test_interrupted_it_goes_on(waves: WindowSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_trainer = pretrain_module.make_trainer

    def interrupting(*args: object) -> lightning.Trainer:
        trainer = make_trainer(*args)
        trainer.callbacks.append(InterruptAfter(2))
        return trainer

    with monkeypatch.context() as patch:
        patch.setattr(pretrain_module, "make_trainer", interrupting)
        with pytest.raises(TrainingInterrupted):
            pretrain(config(epochs=4), waves, tmp_path, silent)
    assert not (tmp_path / "model.safetensors").exists()
    lines: list[str] = []
    pretrain(config(epochs=4), waves, tmp_path, lines.append)
    assert [line.split(":")[0] for line in lines if line.startswith("epoch")] == ["epoch 3", "epoch 4"]
    metrics = pretrain(config(epochs=4), waves, tmp_path, lines.append)
    assert len(lines) == 4  # finished, it only says what it is
    assert metrics["n_windows"] == 16


def test_releases_can_validate(waves: WindowSet, tmp_path: Path) -> None:
    split = SplitConfig(kind="release", valid=("R5",))
    metrics = pretrain(config(epochs=1, split=split), waves, tmp_path, silent)
    assert metrics["n_windows"] == (waves.table["release"] == "R5").sum()


def test_bfloat16_pretrains(waves: WindowSet, tmp_path: Path) -> None:
    metrics = pretrain(config(epochs=1, precision="bf16"), waves, tmp_path, silent)
    assert np.isfinite(list(metrics["squared_error"].values())).all()


def test_what_does_not_fit_is_said(waves: WindowSet, tmp_path: Path) -> None:
    with pytest.raises(SparseEEGError, match="response-time-cnn has no tokens of patches"):
        pretrain(config(model="response-time-cnn", model_options={}), waves, tmp_path, silent)
    short = replace(waves, n_times=8, ch_names=("Fz",), signals=[part[:, :1] for part in waves.signals])
    with pytest.raises(SparseEEGError, match="windows need at least two patches"):
        pretrain(config(), short, tmp_path, silent)
    alone = waves.select(waves.subjects == "sub-00")
    with pytest.raises(SparseEEGError, match="at least 2 subjects"):
        pretrain(config(), alone, tmp_path, silent)
    assert not list(tmp_path.iterdir())
