"""Shrink predictions towards the mean as far as validation subjects justify."""

import numpy as np
from scipy.stats import t as student

LEAST = 0.01  # never zero, which keeps the order of the predictions
FEW = 5  # subjects, below which the uncertainty of a slope is itself uncertain


def shrinkage(target: np.ndarray, prediction: np.ndarray, subjects: np.ndarray, chosen: bool = True) -> float:
    """Return a factor in [0.01, 1] for predictions, estimated on validation subjects.

    Predictions of a network that was fitted to few subjects are too extreme for new subjects. The factor is
    based on the slope b of a least-squares fit and on its jackknife variance over subjects. If these trials
    were also used to select the network, b is too large by an unknown amount, and the factor is its lower
    95 % bound. Otherwise it is b - var(b) / b, the positive-part estimator of James and Stein (1961) in one
    dimension. With fewer than five subjects, it is the lower 95 % bound by Student's t in any case; one
    subject says nothing about others, so that the predictions are close to the mean of the training targets.

    Parameters
    ----------
    target, prediction : (trial,), minus the mean of the training targets.
    subjects : subject of each trial, (trial,).
    chosen : whether these trials were used to select the network, for example its best epoch.
    """
    units = np.unique(subjects, return_inverse=True)[1]
    products, powers = np.bincount(units, prediction * target), np.bincount(units, prediction**2)
    if not powers.any():
        return 1.0
    others = powers.sum() - powers
    slope = products.sum() / powers.sum()
    if not others.all() or slope <= 0:
        return LEAST
    left_out = (products.sum() - products) / others
    count = len(others)
    variance = (count - 1) * left_out.var()
    if chosen or count < FEW:
        quantile = student.ppf(0.95, count - 1) if count < FEW else 1.645
        doubt = quantile * np.sqrt(variance)
    else:
        doubt = variance / slope
    return float(np.clip(slope - doubt, LEAST, 1.0))
