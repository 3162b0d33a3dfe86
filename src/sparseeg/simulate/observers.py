"""Predictions of ideal observers for the windows of a simulated data set."""

from pathlib import Path

import joblib
import numpy as np

from sparseeg.data.bids.description import read_description
from sparseeg.data.windows import WindowSet
from sparseeg.errors import SparseEEGError

from .ceiling import make_observer, posterior
from .settings import DEFAULT


def ideal(windows: WindowSet, rows: np.ndarray, seed: int, n_jobs: int = 1) -> np.ndarray:
    """Return the predictions of the ideal observer of each subject, (row, 6) in seconds.

    The columns are those of `ceiling.posterior`; the first one is the prediction given all components.

    Parameters
    ----------
    windows : windows of a set from `simulate_dataset` with default settings.
    rows : windows to predict for.
    seed : seed of the set.
    n_jobs : number of processes; the result does not depend on it.
    """
    predictions = np.full((len(rows), 6), np.nan)
    subjects = windows.subjects[rows]
    own = [np.flatnonzero(subjects == subject) for subject in np.unique(subjects)]
    parallel = joblib.Parallel(n_jobs=n_jobs, inner_max_num_threads=1, return_as="generator")
    jobs = (joblib.delayed(_observe)(subjects[part[0]], windows.gather(rows[part]), seed) for part in own)
    for part, found in zip(own, parallel(jobs), strict=True):
        predictions[part] = found
    return predictions


def simulation_seed(windows: WindowSet) -> int:
    """Return the seed that a data set was simulated with.

    Raises
    ------
    SparseEEGError : the data are not simulated, or were simulated with other settings.
    """
    source = Path(windows.source)
    try:
        generated = read_description(source)["GeneratedBy"][0]
        fingerprint, seed = generated["SettingsFingerprint"], int(generated["Seed"])
    except (ValueError, KeyError, IndexError, TypeError) as error:
        raise SparseEEGError(
            f"the ceiling is only known for simulated data: dataset_description.json in {source} doesn't say "
            "how they were simulated"
        ) from error
    if fingerprint != DEFAULT.fingerprint():
        raise SparseEEGError(f"{source} was simulated with other settings than those of this version")
    return seed


def _observe(subject: str, windows: np.ndarray, seed: int) -> np.ndarray:
    return posterior(make_observer(seed, int(subject.removeprefix("sub-NDARSIM")) - 1, DEFAULT), windows)
