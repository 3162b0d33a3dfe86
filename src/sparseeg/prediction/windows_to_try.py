"""Windows to try out what was made of a run, before it leaves."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from sparseeg.data.store import store
from sparseeg.errors import SparseEEGError
from sparseeg.training.config import TrainConfig


def windows_to_try(
    runs: Sequence[Path], n_chans: int, n_times: int, n_windows: int
) -> tuple[np.ndarray, str]:
    """Return windows (window, channel, time) in microvolts, float32, and what they are.

    Of the first store that one of the runs was trained on and that is still there; noise otherwise.
    """
    for run in runs:
        for path in TrainConfig.read(run).data.path:
            try:
                windows = store.open_store(path)
            except SparseEEGError:
                continue  # another kind of data, or gone
            if windows.shape == (n_chans, n_times):
                rows = np.linspace(0, len(windows) - 1, n_windows).astype(int)
                return windows.gather(rows), str(path)
    return noise(n_chans, n_times, n_windows), "noise"


def noise(n_chans: int, n_times: int, n_windows: int) -> np.ndarray:
    """Return made-up windows in microvolts: a spectrum somewhat like that of EEG, the last channel flat."""
    rng = np.random.default_rng(0)
    windows = np.empty((n_windows, n_chans, n_times), dtype=np.float32)
    for window in windows:
        window[:] = rng.normal(0.0, 4.0, (n_chans, n_times)).cumsum(axis=1)
    windows[:, -1] = 0.0
    return windows
