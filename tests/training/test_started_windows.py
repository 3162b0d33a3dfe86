"""A run that has begun to train goes on only with the windows and targets that it began with."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from helpers.toys import toy_windows
from sparseeg.data.windows import WindowSet
from sparseeg.errors import SparseEEGError
from sparseeg.experiments import run as runs
from sparseeg.training import fit as fit_module
from sparseeg.training.config import DataConfig, PretrainConfig, SplitConfig, TrainConfig
from sparseeg.training.pretrain import pretrain
from sparseeg.training.started_windows import check_started, write_started

WINDOWS = toy_windows(n_subjects=8, n_trials=6, seed=3)
SPLIT = SplitConfig(kind="release", valid=("R4",), test=("R5",))
Change = Callable[[WindowSet], WindowSet]


def config() -> TrainConfig:
    return TrainConfig(
        data=DataConfig(path="toy"),
        split=SPLIT,
        model="response-time-cnn",
        epochs=1,
        batch_size=8,
        device="cpu",
        control=False,
        boosting=False,
    )


class KilledError(Exception):
    """The end of a process."""


@pytest.fixture
def begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run that was killed when it had a checkpoint, but no network yet."""
    fit_to_best = fit_module.fit_to_best

    def killed(*arguments: object) -> None:
        fit_to_best(*arguments)
        raise KilledError

    with monkeypatch.context() as patch:
        patch.setattr(fit_module, "fit_to_best", killed)
        with pytest.raises(KilledError):
            runs.train(config(), WINDOWS, tmp_path / "run", print)
    assert (tmp_path / "run" / "checkpoints" / "last.ckpt").exists()
    assert not (tmp_path / "run" / "model.safetensors").exists()
    return tmp_path / "run"


def with_targets(windows: WindowSet, targets: np.ndarray) -> WindowSet:
    return replace(windows, table=windows.table.assign(target=targets))


def later(windows: WindowSet) -> WindowSet:
    return with_targets(windows, windows.targets + 0.3)


def one_later(windows: WindowSet) -> WindowSet:
    return with_targets(windows, windows.targets + 0.001 * (np.arange(len(windows)) == 20))


def noise(windows: WindowSet) -> WindowSet:
    rng = np.random.default_rng(0)
    return replace(
        windows,
        signals=[rng.standard_normal(signal.shape).astype(np.float32) for signal in windows.signals],
    )


def one_of_noise(windows: WindowSet) -> WindowSet:
    signal = windows.signals[3].copy()
    signal[2 * windows.n_times : 3 * windows.n_times] = noise(windows).signals[3][: windows.n_times]
    return replace(windows, signals=[*windows.signals[:3], signal, *windows.signals[4:]])


def constant(windows: WindowSet) -> WindowSet:
    return replace(windows, signals=[np.zeros_like(windows.signals[0]), *windows.signals[1:]])


def turned(windows: WindowSet) -> WindowSet:
    """The trials of a person in another order, but not their targets."""
    signal = windows.signals[2].reshape(6, windows.n_times, -1)[::-1].reshape(windows.signals[2].shape)
    return replace(windows, signals=[*windows.signals[:2], signal, *windows.signals[3:]])


def one_less(windows: WindowSet) -> WindowSet:
    return windows.select(np.arange(len(windows)) != 20)


CHANGES = [
    (later, "sub-00 has other targets in 6 of 6 windows"),
    (one_later, "sub-03 has other targets in 1 of 6 windows"),
    (noise, "6 of the 6 windows of sub-00 are other ones"),
    (one_of_noise, "1 of the 6 windows of sub-03 are other ones"),
    (constant, "6 of the 6 windows of sub-00 are other ones"),
    (turned, "6 of the 6 windows of sub-02 are other ones"),
    (one_less, "sub-03 had 6 windows then and has 5 now"),
]


@pytest.mark.parametrize(("change", "said"), CHANGES)
def test_a_run_that_has_begun_does_not_go_on_with_other_data(change: Change, said: str, begun: Path) -> None:
    with pytest.raises(SparseEEGError, match=rf"not those that .*run was started with: {said}") as caught:
        runs.train(config(), change(WINDOWS), begun, print)
    assert "put the data back, or train into another folder" in str(caught.value)
    with pytest.raises(SparseEEGError, match=said):  # nothing was written over
        runs.train(config(), change(WINDOWS), begun, print)
    assert runs.train(config(), WINDOWS, begun, print)["n_trials"] == 12


def test_rounding_and_float32_are_no_change(begun: Path) -> None:
    rounded = [np.nextafter(signal, np.float32(np.inf)) for signal in WINDOWS.signals]
    targets = WINDOWS.targets.astype(np.float32).astype(np.float64)
    runs.train(config(), replace(with_targets(WINDOWS, targets), signals=rounded), begun, print)


def test_few_windows_that_changed_are_said(tmp_path: Path) -> None:
    windows = toy_windows(n_subjects=8, n_trials=25)
    said: list[str] = []
    write_started(tmp_path, windows)
    check_started(tmp_path, one_of_noise(windows), said.append)
    assert len(said) == 1
    assert "1 of 200 windows have other samples than when" in said[0]


@pytest.mark.parametrize("change", [later, noise, one_less])
def test_a_run_that_has_trained_nothing_begins_anew(
    change: Change, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object, **__: object) -> None:
        raise KilledError

    with monkeypatch.context() as patch:
        patch.setattr(runs, "fit_split", killed)
        with pytest.raises(KilledError):
            runs.train(config(), WINDOWS, tmp_path / "run", print)
    runs.train(config(), change(WINDOWS), tmp_path / "run", print)
    with pytest.raises(SparseEEGError, match="not those that"):
        runs.train(config(), WINDOWS, tmp_path / "run", print)


@pytest.mark.parametrize("also", [(), ("fingerprints.json",)])
def test_a_run_without_a_record_goes_on_and_says_so(also: tuple[str, ...], begun: Path) -> None:
    for name in ("windows.json", *also):
        (begun / name).unlink()
    said: list[str] = []
    runs.train(config(), later(WINDOWS), begun, said.append)
    assert (
        f"{begun} has no windows.json, as runs of earlier versions: whether windows and targets are still "
        in (" ".join(said))
    )


@pytest.mark.parametrize("content", [["sub-00"], {"sub-00": {"targets": ["a"], "fingerprints": []}}])
def test_a_damaged_record_is_refused(content: object, begun: Path) -> None:
    (begun / "windows.json").write_text(json.dumps(content))
    with pytest.raises(SparseEEGError, match=r"windows\.json is damaged"):
        runs.train(config(), WINDOWS, begun, print)


def test_a_pretraining_does_not_go_on_with_other_data(tmp_path: Path) -> None:
    data = DataConfig(path="toy", task="pretraining")
    network = {"width": 8, "positions": "index"}
    options = {"model_options": network, "epochs": 1, "batch_size": 16, "device": "cpu"}
    settings = PretrainConfig(data=data, **options)
    pretrain(settings, WINDOWS, tmp_path, print)
    (tmp_path / "model.safetensors").unlink()
    with pytest.raises(SparseEEGError, match=r"6 of the 6 windows of sub-\d+ are other ones"):
        pretrain(settings, noise(WINDOWS), tmp_path, print)
