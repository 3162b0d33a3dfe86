"""Shrinkage and width of the prediction intervals of trained networks, from the validation subjects."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from sparseeg.data.windows import WindowSet
from sparseeg.errors import SparseEEGError
from sparseeg.evaluation.intervals import LEVEL, conformal_quantile
from sparseeg.evaluation.shrinkage import shrinkage
from sparseeg.files.atomic import read_json, write_whole
from sparseeg.models.network import Network
from sparseeg.models.partitions import Partitions
from sparseeg.training.inference import Prediction, predict

FILE = "calibration.json"


@dataclass(frozen=True)
class Calibration:
    """Shrinkage and intervals, learned on the validation subjects; a file beside the networks.

    Parameters
    ----------
    shrinkage : share of their distance from the mean that predictions keep; the networks apply it themselves.
    level : share of a new person's trials that the interval should contain.
    reach : half the width of the interval, in units of the prediction's spread where `relative`, of the
        target otherwise.
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
        """Read from the folder of the networks; SparseEEGError where the file is missing or damaged."""
        return read_json(folder / FILE, cls)


def calibrate(
    networks: Sequence[Network],
    windows: WindowSet,
    valid: np.ndarray,
    targets: np.ndarray,
    partitions: Partitions = 1,
    chosen: bool = True,
) -> Calibration:
    """Set the shrinkage of networks, in place, and return it with the width of their intervals.

    Several networks get one factor, that of their mean. A second call gives the same result.

    Parameters
    ----------
    valid : indices of the validation windows.
    targets : of all windows.
    chosen : whether the validation subjects chose the epoch.

    Raises
    ------
    SparseEEGError : a prediction is not a finite number.
    """
    for network in networks:
        network.final_layer.shrink(1.0)
    target, subjects = targets[valid], windows.subjects[valid]
    center = float(networks[0].final_layer.mean)
    prediction = predict(networks, windows, valid, partitions=partitions)
    if not np.isfinite(prediction.mean).all():
        raise SparseEEGError(
            "predictions for the validation subjects are not finite numbers: training diverged; train into "
            "another folder with a lower --learning-rate"
        )
    factor = shrinkage(target - center, prediction.mean - center, subjects, chosen)
    for network in networks:
        network.final_layer.shrink(factor)
    prediction = predict(networks, windows, valid, partitions=partitions)  # its spread has changed too
    error = np.abs(target - prediction.mean)
    relative = bool(np.isfinite(prediction.spread).all())
    reach = conformal_quantile(error / prediction.spread if relative else error, subjects)
    return Calibration(factor, LEVEL, reach, relative)
