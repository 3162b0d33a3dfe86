"""Predict for windows with the networks of a run: values and prediction intervals."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from sparseeg import models
from sparseeg.data.signals.positions import chs_info
from sparseeg.errors import SparseEEGError
from sparseeg.training.calibrate import Calibration
from sparseeg.training.config import TrainConfig
from sparseeg.training.ensemble import load_members, network_files
from sparseeg.training.inference import answer
from sparseeg.training.inputs import Inputs
from sparseeg.training.other_folders import check_trained


@dataclass(frozen=True)
class IntervalPrediction:
    """Predictions with prediction intervals.

    Parameters
    ----------
    value, low, high : prediction and ends of its interval, (window,) each, in the target's unit.
    """

    value: np.ndarray
    low: np.ndarray
    high: np.ndarray


class Predictor:
    """Predicts with the networks of a run; the prediction of several networks is their mean.

    Parameters
    ----------
    run : run folder of `sparseeg train`.
    device : device of the networks.

    Raises
    ------
    SparseEEGError : there is no finished run of `sparseeg train`, it is a cross-validation (which has no
        single network), or the device is not available.
    """

    def __init__(self, run: Path | str, device: str = "cpu") -> None:
        if device == "cuda" and not torch.cuda.is_available():
            raise SparseEEGError("torch finds no CUDA device on this machine; use device cpu (--device cpu)")
        self.run = Path(run)
        check_trained(self.run)
        self.config = TrainConfig.read(self.run)
        if self.config.split.kind in ("loso", "kfold"):
            raise SparseEEGError(
                f"{run} is a cross-validation with one network per fold; train a single one, with a split "
                "of the kind subjects or release (--split)"
            )
        self.spec = models.files.read_spec(network_files(self.run)[0])
        self.inputs = Inputs.read(self.run, self.spec)
        self.networks = [network.to(device) for network in load_members(self.run)]
        self.device = torch.device(device)
        self._calibration = Calibration.read(self.run)

    @property
    def name(self) -> str:
        """Name of the model, with the number of networks if there are several."""
        count = len(self.networks)
        return self.config.model if count == 1 else f"{self.config.model} x {count}"

    @property
    def channels(self) -> list[dict[str, Any]]:
        """Name and position of each channel, as `{"ch_name": name, "loc": [x, y, z] or None}`.

        Positions are found by name, because those that version 0.1.0 stored may be those of another cap.

        Raises
        ------
        SparseEEGError : the network file, of an old version, has no channel names.
        """
        if self.spec.ch_names is None:
            raise SparseEEGError(f"{self.run}: its network file has no channel names; train it again")
        return chs_info(self.spec.ch_names)

    def __call__(self, windows: np.ndarray) -> IntervalPrediction:
        """Predict for windows (window, channel, time) of any unit, with the channels `spec.ch_names`."""
        x = torch.from_numpy(np.ascontiguousarray(windows, dtype=np.float32)).to(self.device)
        with torch.inference_mode():
            prediction = answer(self.networks, x, self.config.partitions)
        low, high = self._calibration.interval(prediction)
        return IntervalPrediction(prediction.mean, low, high)
