"""What the validation subjects say of finished networks: how far to believe them, and how wide they miss."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sparseeg.atomic import write_whole
from sparseeg.data.windows import WindowSet
from sparseeg.evaluation.conformal import LEVEL, conformal_quantile
from sparseeg.training.predict import Prediction, predict

FILE = "calibration.json"


@dataclass(frozen=True)
class Calibration:
    """Learned on the validation subjects; written beside the networks it belongs to.

    Parameters
    ----------
    shrinkage : share of their distance from the mean that predictions keep; the networks hold it already.
    level : share of a new person's trials that the interval shall hold.
    reach : half the interval: in units of the prediction's spread where `relative`, of the target otherwise.
    """

    shrinkage: float
    level: float
    reach: float
    relative: bool

    def interval(self, prediction: Prediction) -> tuple[np.ndarray, np.ndarray]:
        """Return the lower and upper ends, (n,) each."""
        half = self.reach * prediction.spread if self.relative else np.full(len(prediction.mean), self.reach)
        return prediction.mean - half, prediction.mean + half

    def write(self, folder: Path) -> None:
        """Write to the folder of the networks."""
        write_whole(folder / FILE, json.dumps(asdict(self), indent=2) + "\n")

    @classmethod
    def read(cls, folder: Path) -> "Calibration":
        """Read what stands in the folder of the networks."""
        return cls(**json.loads((folder / FILE).read_text()))


def calibrate(
    networks: Sequence[Any], windows: WindowSet, valid: np.ndarray, targets: np.ndarray
) -> Calibration:
    """Shrink the networks, in place, to what the validation subjects support; measure how far they miss.

    Several networks get one factor, that of their mean. Calling it again gives the same.
    """
    for network in networks:
        network.final_layer.shrink(1.0)
    target, subjects = targets[valid], windows.subjects[valid]
    center = float(networks[0].final_layer.mean)
    prediction = predict(networks, windows, valid)
    factor = shrinkage(target - center, prediction.mean - center, subjects)
    for network in networks:
        network.final_layer.shrink(factor)
    error = np.abs(target - (center + factor * (prediction.mean - center)))
    relative = bool(np.isfinite(prediction.spread).all())
    reach = conformal_quantile(error / prediction.spread if relative else error, subjects)
    return Calibration(factor, LEVEL, reach, relative)


def shrinkage(target: np.ndarray, prediction: np.ndarray, subjects: np.ndarray) -> float:
    """Return the factor in [0.01, 1] on predictions that the validation subjects support.

    A network fitted to few subjects is surer of itself than strangers justify, and the epoch was chosen on
    these very trials. The factor is the lower 95 % bound of the least-squares slope, by the jackknife over
    subjects (over trials where there are fewer than five subjects). It never reaches zero, so that the order
    of the predictions stays.

    Parameters
    ----------
    target, prediction : (trial,), both as distances from the mean of the training targets.
    subjects : (trial,), who they belong to.
    """
    units = np.unique(subjects, return_inverse=True)[1]
    if units.max() < 4:
        units = np.arange(len(target))
    products, powers = np.bincount(units, prediction * target), np.bincount(units, prediction**2)
    others = powers.sum() - powers
    if not others.all():
        return 1.0
    left_out = (products.sum() - products) / others
    error = np.sqrt((len(others) - 1) * left_out.var())
    return float(np.clip(products.sum() / powers.sum() - 1.645 * error, 0.01, 1.0))
