"""Window sets that are quick to make and easy to decode."""

from dataclasses import replace

import numpy as np
import pandas as pd

from sparseeg.data.provenance import Processing
from sparseeg.data.tasks import TASKS, Task
from sparseeg.data.windows import WindowSet


def toy_windows(
    n_subjects: int = 12, n_trials: int = 24, n_chans: int = 5, n_times: int = 60, seed: int = 0
) -> WindowSet:
    """Windows whose first channel steps up at the response time: easy to decode for any network."""
    rng = np.random.default_rng(seed)
    n = n_subjects * n_trials
    target = rng.uniform(0.8, 2.2, n)
    signals = []
    for part in target.reshape(n_subjects, n_trials):
        signal = rng.normal(0, 5, (n_trials, n_times, n_chans)).astype(np.float32)
        times = np.linspace(0.5, 2.5, n_times)
        signal[:, :, 0] += 25 * (times > part[:, None])
        signals.append(signal.reshape(-1, n_chans))
    subjects = np.repeat([f"sub-{number:02d}" for number in range(n_subjects)], n_trials)
    releases = np.repeat(["R1", "R4", "R5"], [n - n // 4 * 2, n // 4, n // 4])
    table = pd.DataFrame(
        {
            "recording": np.repeat(np.arange(n_subjects), n_trials),
            "start": np.tile(np.arange(n_trials) * n_times, n_subjects),
            "target": target,
            "subject": subjects,
            "release": releases,
            "onset": np.tile(np.arange(n_trials) * 8.0, n_subjects),
        }
    )
    return WindowSet(
        signals=signals,
        table=table,
        n_times=n_times,
        ch_names=tuple(f"E{number + 1}" for number in range(n_chans)),
        task=TASKS["response-time"],
        processing=Processing(100.0),
        source="toy",
        simulated=True,
    )


def ages(windows: WindowSet) -> WindowSet:
    """Return windows whose target belongs to the subject."""
    return replace(windows, task=Task("age", "age", "years"))


def others_signals(windows: WindowSet) -> list[np.ndarray]:
    """Signals of other people, from which the same targets can be decoded."""
    rng = np.random.default_rng(11)
    return [(signal + rng.normal(0, 5, signal.shape)).astype(np.float32) for signal in windows.signals]
