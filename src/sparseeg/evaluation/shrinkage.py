"""Shrink predictions towards the mean as far as validation subjects justify."""

import numpy as np


def shrinkage(target: np.ndarray, prediction: np.ndarray, subjects: np.ndarray, chosen: bool = True) -> float:
    """Return a factor in [0.01, 1] for predictions, estimated on validation subjects.

    Predictions of a network that was fitted to few subjects are too extreme for new subjects. The factor is
    based on the slope b of a least-squares fit and on its jackknife variance over subjects (over trials if
    there are fewer than five subjects). If these trials were also used to select the network, b is too large
    by an unknown amount, and the factor is its lower 95 % bound. Otherwise it is b - var(b) / b, the
    positive-part estimator of James and Stein (1961) in one dimension. It is never zero, which keeps the
    order of the predictions.

    Parameters
    ----------
    target, prediction : (trial,), minus the mean of the training targets.
    subjects : subject of each trial, (trial,).
    chosen : whether these trials were used to select the network, for example its best epoch.
    """
    units = np.unique(subjects, return_inverse=True)[1]
    if units.max() < 4:
        units = np.arange(len(target))
    products, powers = np.bincount(units, prediction * target), np.bincount(units, prediction**2)
    others = powers.sum() - powers
    if not others.all():
        return 1.0
    left_out = (products.sum() - products) / others
    slope, variance = products.sum() / powers.sum(), (len(others) - 1) * left_out.var()
    if slope <= 0:
        return 0.01
    doubt = 1.645 * np.sqrt(variance) if chosen else variance / slope
    return float(np.clip(slope - doubt, 0.01, 1.0))
