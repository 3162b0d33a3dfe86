"""Shrinkage and width of the prediction intervals of trained networks, from the validation subjects."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from sparseeg.data.splits import Split
from sparseeg.data.windows import WindowSet
from sparseeg.errors import SparseEEGError
from sparseeg.evaluation.intervals import LEVEL, reach_for_new_subject, shortest_interval
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
    level : share of a new subject's trials that the interval should contain.
    reach : half the width of the interval, in units of the prediction's spread if `relative`, of the target
        otherwise.
    lowest, highest : range of the training targets, which intervals don't leave; None in runs of version
        0.1.0.
    constant : shortest interval with `level` of the training targets, which needs no network.
    use_constant : whether it replaces the network's intervals, which are wider on the validation subjects.
    n_subjects : number of validation subjects.
    """

    shrinkage: float
    level: float
    reach: float
    relative: bool
    lowest: float | None = None
    highest: float | None = None
    constant: tuple[float, float] | None = None
    use_constant: bool = False
    n_subjects: int | None = None

    def interval(self, prediction: Prediction) -> tuple[np.ndarray, np.ndarray]:
        """Return the lower and upper ends, (n,) each; the prediction is always inside."""
        mean = prediction.mean
        if self.use_constant and self.constant is not None:
            low, high = (np.full(len(mean), end) for end in self.constant)
        else:
            half = self.reach * prediction.spread if self.relative else np.full(len(mean), self.reach)
            low, high = mean - half, mean + half
        if self.lowest is not None and self.highest is not None:
            low, high = np.maximum(low, self.lowest), np.minimum(high, self.highest)
        return np.minimum(low, mean), np.maximum(high, mean)

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
    split: Split,
    targets: np.ndarray,
    partitions: Partitions = 1,
    chosen: bool = True,
) -> Calibration:
    """Set the shrinkage of networks, in place, and return it with the width of their intervals.

    Several networks get one factor, that of their mean. A second call gives the same result.

    Parameters
    ----------
    split : its validation windows calibrate; its training windows give the range of the targets.
    targets : of all windows.
    chosen : whether the validation subjects chose the epoch.

    Raises
    ------
    SparseEEGError : a prediction is not a finite number.
    """
    for network in networks:
        network.final_layer.shrink(1.0)
    valid = split.valid
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
    known = targets[split.train]
    own = Calibration(
        shrinkage=factor,
        level=LEVEL,
        reach=reach_for_new_subject(error / prediction.spread if relative else error, subjects),
        relative=relative,
        lowest=float(known.min()),
        highest=float(known.max()),
        constant=shortest_interval(known, windows.subjects[split.train]),
        n_subjects=len(np.unique(subjects)),
    )
    return replace(own, use_constant=_is_wider(own, prediction))


def _is_wider(calibration: Calibration, prediction: Prediction) -> bool:
    """Return whether the network's intervals are wider, on average, than the one that needs no network."""
    low, high = calibration.interval(prediction)
    constant = replace(calibration, use_constant=True).interval(prediction)
    return bool((high - low).mean() > (constant[1] - constant[0]).mean())
