"""How far predictions for strangers may be believed."""

import numpy as np


def shrinkage(target: np.ndarray, prediction: np.ndarray, subjects: np.ndarray, chosen: bool = True) -> float:
    """Return the factor in [0.01, 1] on predictions that the validation subjects support.

    A network fitted to few subjects is surer of itself than strangers justify. The factor comes from the
    slope b of least squares and its variance by the jackknife over subjects (over trials where there are
    fewer than five subjects). Where an epoch was chosen on these very trials, b is too large by an unknown
    part: the factor is its lower 95 % bound. Otherwise it is b - var(b) / b, the positive part of James and
    Stein (1961) in one dimension. It never reaches zero, so that the order of the predictions stays.

    Parameters
    ----------
    target, prediction : (trial,), both as distances from the mean of the training targets.
    subjects : (trial,), who they belong to.
    chosen : whether these trials have chosen the network, as by its best epoch.
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
