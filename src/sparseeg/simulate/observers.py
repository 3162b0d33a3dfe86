"""What ideal observers say of the windows of a simulated data set."""

import json
from pathlib import Path

import joblib
import numpy as np

from sparseeg.data.windows import WindowSet
from sparseeg.errors import SparseEEGError

from .ceiling import make_observer, posterior
from .settings import DEFAULT


def ideal(windows: WindowSet, rows: np.ndarray, seed: int, n_jobs: int = 1) -> np.ndarray:
    """Return what the ideal observer of each subject makes of the windows at `rows`, (row, 6), seconds.

    Columns as in `ceiling.posterior`: the first is the prediction given everything.

    Parameters
    ----------
    windows : of a set that `simulate_dataset` made with this seed and the package's settings.
    n_jobs : processes; the result doesn't depend on it.
    """
    told = np.full((len(rows), 6), np.nan)
    subjects = windows.subjects[rows]
    own = [np.flatnonzero(subjects == subject) for subject in np.unique(subjects)]
    parallel = joblib.Parallel(n_jobs=n_jobs, inner_max_num_threads=1, return_as="generator")
    jobs = (joblib.delayed(_observe)(subjects[part[0]], windows.gather(rows[part]), seed) for part in own)
    for part, found in zip(own, parallel(jobs), strict=True):
        told[part] = found
    return told


def simulation_seed(windows: WindowSet) -> int:
    """Return the seed that a simulated set was made with; SparseEEGError where that isn't known."""
    path = Path(windows.source) / "dataset_description.json"
    try:
        made = json.loads(path.read_text())["GeneratedBy"][0]
        if made["SettingsFingerprint"] == DEFAULT.fingerprint():
            return int(made["Seed"])
    except (OSError, ValueError, KeyError, IndexError, TypeError) as error:
        raise SparseEEGError(
            f"the ceiling is known for simulated data only: {path} doesn't say how they were made"
        ) from error
    raise SparseEEGError(f"{path}: simulated with other settings than this version of sparseeg has")


def _observe(subject: str, windows: np.ndarray, seed: int) -> np.ndarray:
    return posterior(make_observer(seed, int(subject.removeprefix("sub-NDARSIM")) - 1, DEFAULT), windows)
