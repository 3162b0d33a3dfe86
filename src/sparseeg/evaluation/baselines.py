"""What a network has to beat: constants, each subject's own mean, ridge and gradient boosting.

The learned ones see the very windows the networks see, and choose on validation subjects alone.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike
from sklearn.ensemble import HistGradientBoostingRegressor

from sparseeg.evaluation.metrics import rmse

GatherFunction = Callable[[np.ndarray], np.ndarray]
"""Index array -> windows, float32 (batch, channel, time)."""

RIDGE_ALPHAS = tuple(10.0**exponent for exponent in range(1, 8))


def train_mean(train_target: ArrayLike, n_test: int) -> np.ndarray:
    """Predict the mean of the training targets for every test sample."""
    return np.full(n_test, np.mean(np.asarray(train_target, dtype=np.float64)))


def subject_mean_oracle(target: ArrayLike, subjects: ArrayLike) -> np.ndarray:
    """Predict each test subject's own mean: not a predictor but the share of variance between subjects."""
    target = np.asarray(target, dtype=np.float64)
    _, codes = np.unique(np.asarray(subjects), return_inverse=True)
    return (np.bincount(codes, target) / np.bincount(codes))[codes]


def subject_mean_loo(target: ArrayLike, subjects: ArrayLike, fallback: float) -> np.ndarray:
    """Predict the mean of the subject's other trials; `fallback` for a subject with a single trial."""
    target = np.asarray(target, dtype=np.float64)
    _, codes = np.unique(np.asarray(subjects), return_inverse=True)
    total, count = np.bincount(codes, target)[codes], np.bincount(codes)[codes]
    return np.where(count > 1, (total - target) / np.maximum(count - 1, 1), fallback)


def age_and_sex(
    age: ArrayLike, male: ArrayLike, target: ArrayLike, train: np.ndarray, test: np.ndarray
) -> np.ndarray:
    """Predict by least squares on age and sex alone, what EEG has to beat where it tells both.

    Parameters
    ----------
    age : years, NaN where it is not known; the training mean stands in.
    male : 1, 0, or NaN where it is not known; the training mean stands in.
    target, train, test : targets of all samples, and index arrays into them.
    """
    columns = [np.asarray(age, dtype=np.float64), np.asarray(male, dtype=np.float64)]
    filled = []
    for column in columns:
        known = column[train][~np.isnan(column[train])]
        filled.append(np.where(np.isnan(column), known.mean() if len(known) else 0.0, column))
    design = np.column_stack([np.ones(len(filled[0])), *filled])
    weights = np.linalg.lstsq(design[train], np.asarray(target, dtype=np.float64)[train], rcond=None)[0]
    return design[test] @ weights


def bin_means(windows: np.ndarray, width: int) -> np.ndarray:
    """Mean of every `width` samples of the z-scored channels, (batch, channel * bins); a rest is cut."""
    centred = windows - windows.mean(axis=2, keepdims=True)
    scale = centred.std(axis=2, keepdims=True)
    scored = centred / np.where(scale > 0, scale, 1.0)
    bins = max(1, scored.shape[2] // width)
    width = min(width, scored.shape[2])
    return (
        scored[:, :, : bins * width]
        .reshape(len(scored), -1, bins, width)
        .mean(axis=3)
        .reshape(len(scored), -1)
    )


def band_features(windows: np.ndarray, width: int) -> np.ndarray:
    """Coarse bin means beside the log standard deviation of the channels and of their first differences."""
    spread = np.log(windows.std(axis=2) + 1e-6)
    fast = np.log(np.diff(windows, axis=2).std(axis=2) + 1e-6)
    # The median over channels is the unit (volts or microvolts) and the subject's overall amplitude.
    relative = [part - np.median(part, axis=1, keepdims=True) for part in (spread, fast)]
    return np.concatenate([bin_means(windows, width), *relative, (fast - spread)], axis=1)


def _features(
    gather: GatherFunction, indices: np.ndarray, extract: Callable[[np.ndarray, int], np.ndarray], width: int
) -> np.ndarray:
    blocks = [extract(gather(indices[at : at + 512]), width) for at in range(0, len(indices), 512)]
    return np.concatenate(blocks).astype(np.float32)


def ridge(
    gather: GatherFunction,
    target: ArrayLike,
    train: np.ndarray,
    valid: np.ndarray,
    test: np.ndarray,
    width: int = 5,
    alphas: tuple[float, ...] = RIDGE_ALPHAS,
) -> np.ndarray:
    """Predict by ridge regression on bin means of z-scored channels; alpha is the best on `valid`.

    Solved in whichever of the two spaces is smaller (samples or features), from one eigendecomposition for
    all alphas. Returns predictions for `test` in the target's unit.
    """
    target = np.asarray(target, dtype=np.float64)
    parts = [_features(gather, indices, bin_means, width) for indices in (train, valid, test)]
    mean = parts[0].mean(axis=0)
    x_train, x_valid, x_test = (part - mean for part in parts)
    offset = target[train].mean()
    y = target[train] - offset
    if x_train.shape[0] <= x_train.shape[1]:
        values, vectors = np.linalg.eigh((x_train @ x_train.T).astype(np.float64))
        projected = vectors.T @ y
        basis = x_train.T @ vectors.astype(np.float32)
    else:
        values, vectors = np.linalg.eigh((x_train.T @ x_train).astype(np.float64))
        projected = vectors.T @ (x_train.T @ y)
        basis = vectors.astype(np.float32)
    scores_valid, scores_test = x_valid @ basis, x_test @ basis
    # A kernel's tiny negative eigenvalues are rounding.
    values = np.maximum(values, 0.0)
    candidates = [projected / (values + alpha) for alpha in alphas]
    errors = [rmse(target[valid], scores_valid @ weights + offset) for weights in candidates]
    return scores_test @ candidates[int(np.argmin(errors))] + offset


def hist_gradient_boosting(
    gather: GatherFunction,
    target: ArrayLike,
    train: np.ndarray,
    valid: np.ndarray,
    test: np.ndarray,
    width: int = 20,
    seed: int = 0,
) -> np.ndarray:
    """Predict by histogram gradient boosting on coarse bin means and band features.

    The number of trees is chosen on `valid` (early stopping). Returns predictions for `test`.
    """
    target = np.asarray(target, dtype=np.float64)
    x_train, x_valid, x_test = (
        _features(gather, indices, band_features, width) for indices in (train, valid, test)
    )
    model = HistGradientBoostingRegressor(
        learning_rate=0.05,
        max_iter=300,
        max_leaf_nodes=8,
        min_samples_leaf=20,
        l2_regularization=10.0,
        max_features=0.1,
        early_stopping=True,
        n_iter_no_change=25,
        random_state=seed,
    )
    model.fit(x_train, target[train], X_val=x_valid, y_val=target[valid])
    return model.predict(x_test)
