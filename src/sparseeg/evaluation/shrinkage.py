"""How far predictions for strangers may be believed."""

import numpy as np


def shrinkage(target: np.ndarray, prediction: np.ndarray, subjects: np.ndarray) -> float:
    """Return the factor in [0.01, 1] on predictions that the validation subjects support.

    A network fitted to few subjects is surer of itself than strangers justify. The factor is the slope b of
    least squares less its own uncertainty, b - var(b) / b, by the jackknife over subjects (over trials where
    there are fewer than five subjects): what is certain stays as it is, what may be chance goes. It never
    reaches zero, so that the order of the predictions stays. Source: the positive part of James and Stein
    (1961), in one dimension.

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
    slope, variance = products.sum() / powers.sum(), (len(others) - 1) * left_out.var()
    return float(np.clip(slope - variance / slope, 0.01, 1.0)) if slope > 0 else 0.01
