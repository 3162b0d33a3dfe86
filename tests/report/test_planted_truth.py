"""Attributions find what was planted in simulated windows, and nothing where there is nothing to find."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sparseeg.data.provenance import Processing
from sparseeg.data.tasks import Task
from sparseeg.data.windows import WindowSet
from sparseeg.experiments import run as runs
from sparseeg.models.files import load, read_spec
from sparseeg.report.explain import attribute
from sparseeg.training.config import DataConfig, SplitConfig, TrainConfig

N_SUBJECTS, N_TRIALS, N_CHANS, N_TIMES = 12, 60, 16, 100
CHANNELS, SAMPLES = [3, 7, 12], slice(40, 60)  # 200 ms of 1 s


def planted(seed: int = 0) -> WindowSet:
    """Windows of noise, in which three channels have a bump of 200 ms whose size is the target."""
    rng = np.random.default_rng(seed)
    count = N_SUBJECTS * N_TRIALS
    target = rng.normal(0, 1, count)
    windows = rng.normal(0, 10, (count, N_TIMES, N_CHANS)).astype(np.float32)
    bump = np.sin(np.linspace(0, np.pi, SAMPLES.stop - SAMPLES.start))
    for channel in CHANNELS:
        windows[:, SAMPLES, channel] += 15 * target[:, None] * bump
    signals = [part.reshape(-1, N_CHANS) for part in windows.reshape(N_SUBJECTS, -1, N_TIMES, N_CHANS)]
    table = pd.DataFrame(
        {
            "recording": np.repeat(np.arange(N_SUBJECTS), N_TRIALS),
            "start": np.tile(np.arange(N_TRIALS) * N_TIMES, N_SUBJECTS),
            "target": target,
            "subject": np.repeat([f"sub-{number:02d}" for number in range(N_SUBJECTS)], N_TRIALS),
            "release": np.repeat(["R1", "R4", "R5"], [8 * N_TRIALS, 2 * N_TRIALS, 2 * N_TRIALS]),
        }
    )
    task = Task(name="amplitude", target="amplitude", unit="", locked=False, tmin=0.0, tmax=1.0)
    names = tuple(f"E{number + 1}" for number in range(N_CHANS))
    return WindowSet(signals, table, N_TIMES, names, task, Processing(), "planted", simulated=True)


def overlap(run: Path, windows: WindowSet) -> float:
    """Return the share of the planted place that is in the top decile of the attributions."""
    network = run / "model.safetensors"
    test = np.flatnonzero(windows.table["release"] == "R5")[:48]
    found = attribute(load(network), read_spec(network), _tensor(windows.gather(test))).magnitude
    top = found >= np.quantile(found, 0.9)
    return float(top[CHANNELS, SAMPLES].mean())


def _tensor(windows: np.ndarray):
    import torch

    return torch.from_numpy(np.ascontiguousarray(windows))


@pytest.mark.slow
def test_attributions_find_the_planted_place_and_not_with_shuffled_targets(tmp_path: Path) -> None:
    windows = planted()
    shuffled = windows.table.assign(target=np.random.default_rng(1).permutation(windows.targets))
    config = TrainConfig(
        model="light-sparse-attention-cnn",
        data=DataConfig(path="planted"),
        split=SplitConfig(kind="release", valid=("R4",), test=("R5",)),
        epochs=10,
        batch_size=32,
        device="cpu",
        control=False,
        boosting=False,
    )
    found, errors = {}, {}
    for name, data in (("true", windows), ("shuffled", replace(windows, table=shuffled))):
        errors[name] = runs.train(config, data, tmp_path / name, lambda line: None)["nrmse"]
        found[name] = overlap(tmp_path / name, data)
    assert errors["true"] < 0.5 < errors["shuffled"], "only a network that has learned can show where"
    assert found["true"] >= 0.6, found
    assert found["shuffled"] < 0.6, found
