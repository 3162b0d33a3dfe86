"""Example windows on which an export or a submission is checked."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from sparseeg.data.store import store
from sparseeg.errors import SparseEEGError
from sparseeg.training.config import TrainConfig


def example_windows(
    runs: Sequence[Path], n_chans: int, n_times: int, n_windows: int
) -> tuple[np.ndarray, str]:
    """Return float32 windows (window, channel, time) in microvolts, and a description of their source.

    They come from the first store that one of the runs was trained on, if it still exists and its windows
    have this shape; otherwise they are noise.
    """
    for run in runs:
        for path in TrainConfig.read(run).data.path:
            try:
                windows = store.open_store(path)
            except SparseEEGError:
                continue  # another kind of data, or removed
            if windows.shape == (n_chans, n_times):
                rows = np.linspace(0, len(windows) - 1, n_windows).astype(int)
                return windows.gather(rows), str(path)
    return noise_windows(n_chans, n_times, n_windows), "noise"


def noise_windows(n_chans: int, n_times: int, n_windows: int) -> np.ndarray:
    """Return random windows in microvolts with a spectrum similar to EEG; the last channel is flat."""
    rng = np.random.default_rng(0)
    windows = np.empty((n_windows, n_chans, n_times), dtype=np.float32)
    for window in windows:
        window[:] = rng.normal(0.0, 4.0, (n_chans, n_times)).cumsum(axis=1)
    windows[:, -1] = 0.0
    return windows
