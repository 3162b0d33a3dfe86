"""The networks of a run as one that answers: from windows to predictions with their intervals."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from sparseeg import models
from sparseeg.errors import SparseEEGError
from sparseeg.training.calibrate import Calibration
from sparseeg.training.config import TrainConfig
from sparseeg.training.ensemble import load_members, network_files
from sparseeg.training.inference import answer
from sparseeg.training.inputs import Inputs


@dataclass(frozen=True)
class Predicted:
    """Predictions and the ends of their intervals, (window,) each, in the target's unit."""

    value: np.ndarray
    low: np.ndarray
    high: np.ndarray


class Predictor:
    """What a run folder predicts.

    Parameters
    ----------
    run : a folder of `sparseeg train`, with one network or several that answer as one.
    device : where they run.

    Raises
    ------
    SparseEEGError : no such folder, not finished, or a cross-validation, which has no single network.
    """

    def __init__(self, run: Path | str, device: str = "cpu") -> None:
        if device == "cuda" and not torch.cuda.is_available():
            raise SparseEEGError("there is no CUDA device that torch can use here; take --device cpu")
        self.run = Path(run)
        self.config = TrainConfig.read(self.run)
        if self.config.split.kind in ("loso", "kfold"):
            raise SparseEEGError(
                f"{run} is a cross-validation: it has no single network; train one with --split subjects"
            )
        self.spec = models.files.read_spec(network_files(self.run)[0])
        self.inputs = Inputs.read(self.run, self.spec)
        self.networks = [network.to(device) for network in load_members(self.run)]
        self.device = torch.device(device)
        self._calibration = Calibration.read(self.run)

    @property
    def name(self) -> str:
        """Of the model, with the number of its networks where there are several."""
        count = len(self.networks)
        return self.config.model if count == 1 else f"{self.config.model} x {count}"

    @property
    def channels(self) -> list[dict[str, Any]]:
        """Name and place of each channel of its windows; SparseEEGError where an old file doesn't say."""
        if self.spec.chs_info is None:
            raise SparseEEGError(f"{self.run}: its network doesn't know the names of its channels")
        return self.spec.chs_info

    def __call__(self, windows: np.ndarray) -> Predicted:
        """Predict for windows (window, channel, time), any unit, channels as in `spec.ch_names`."""
        x = torch.from_numpy(np.ascontiguousarray(windows, dtype=np.float32)).to(self.device)
        with torch.inference_mode():
            prediction = answer(self.networks, x, self.config.partitions)
        low, high = self._calibration.interval(prediction)
        return Predicted(prediction.mean, low, high)
