"""What the validation subjects say of finished networks: how far to believe them, and how wide they miss."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from sparseeg.data.windows import WindowSet
from sparseeg.errors import SparseEEGError, one_line
from sparseeg.evaluation.intervals import LEVEL, conformal_quantile
from sparseeg.evaluation.shrinkage import shrinkage
from sparseeg.files.atomic import write_whole
from sparseeg.models.network import Network
from sparseeg.models.partitions import Partitions
from sparseeg.training.inference import Prediction, predict

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
        """Read what stands in the folder of the networks; SparseEEGError where that can't be read."""
        try:
            return cls(**json.loads((folder / FILE).read_text()))
        except (OSError, ValueError, TypeError) as error:
            raise SparseEEGError(f"{folder / FILE} can't be read: {one_line(error)}") from error


def calibrate(
    networks: Sequence[Network],
    windows: WindowSet,
    valid: np.ndarray,
    targets: np.ndarray,
    partitions: Partitions = 1,
    chosen: bool = True,
) -> Calibration:
    """Shrink the networks, in place, to what the validation subjects support; measure how far they miss.

    Several networks get one factor, that of their mean. Calling it again gives the same. `chosen` says
    whether the validation subjects chose the epoch. Raises SparseEEGError for answers that are no numbers.
    """
    for network in networks:
        network.final_layer.shrink(1.0)
    target, subjects = targets[valid], windows.subjects[valid]
    center = float(networks[0].final_layer.mean)
    prediction = predict(networks, windows, valid, partitions=partitions)
    if not np.isfinite(prediction.mean).all():
        raise SparseEEGError(
            "the network's answers to the validation subjects are no numbers: training diverged; train into "
            "another folder with a lower --learning-rate"
        )
    factor = shrinkage(target - center, prediction.mean - center, subjects, chosen)
    for network in networks:
        network.final_layer.shrink(factor)
    prediction = predict(networks, windows, valid, partitions=partitions)  # nearer, and spread otherwise
    error = np.abs(target - prediction.mean)
    relative = bool(np.isfinite(prediction.spread).all())
    reach = conformal_quantile(error / prediction.spread if relative else error, subjects)
    return Calibration(factor, LEVEL, reach, relative)
