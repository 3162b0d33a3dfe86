"""Weights that are validated and kept: an exponential moving average of those that are trained."""

from functools import partial

from lightning.pytorch.callbacks import WeightAveraging
from torch import Tensor


class MovingAverage(WeightAveraging):
    """Lightning's weight averaging with a decay that begins small, so that short trainings aren't held back.

    Parameters
    ----------
    decay : share of the average that a step keeps; after n steps it is (1 + n) / (10 + n) at most.
    """

    def __init__(self, decay: float) -> None:
        super().__init__(avg_fn=partial(_moved, decay))


def _moved(decay: float, average: Tensor, current: Tensor, n_averaged: Tensor) -> Tensor:
    if not average.is_floating_point():
        return current
    kept = min(decay, (1 + int(n_averaged)) / (10 + int(n_averaged)))
    return current.lerp(average, kept)
