"""What a network has to beat: constants, each subject's own mean, ridge and gradient boosting.

The learned ones see the very windows the networks see, and choose on validation subjects alone.
"""

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import ArrayLike
from sklearn.ensemble import HistGradientBoostingRegressor

from sparseeg.evaluation.metrics import rmse
from sparseeg.evaluation.shrinkage import shrinkage

GatherFunction = Callable[[np.ndarray], np.ndarray]
"""Index array -> windows, float32 (batch, channel, time)."""

BLOCK = 512  # windows whose features are computed at once
MOST_SAMPLES = 100_000  # that trees grow on: 1.3 GB of features
DECIMALS = 6  # of the trees' features, whose standard deviations are of order one
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


def with_eeg(
    known: np.ndarray, eeg: np.ndarray, target: np.ndarray, subjects: np.ndarray, valid: np.ndarray
) -> np.ndarray:
    """Add to predictions by age and sex what EEG says beyond them, as far as validation subjects support it.

    Parameters
    ----------
    known, eeg : predictions by age and sex, and by EEG, of all samples (sample,).
    target, subjects : of all samples.
    valid : index array of the validation samples, from whose subjects the share of the EEG is learned.
    """
    design = np.column_stack([np.ones(len(valid)), known[valid]])
    offset, slope = np.linalg.lstsq(design, eeg[valid], rcond=None)[0]
    beyond = eeg - (offset + slope * known)
    return known + shrinkage((target - known)[valid], beyond[valid], subjects[valid]) * beyond


def bin_means(windows: np.ndarray, width: int) -> np.ndarray:
    """Mean of every `width` samples of the z-scored channels, (batch, channel * bins); a rest is cut."""
    centred = windows - windows.mean(axis=2, keepdims=True)
    scale = centred.std(axis=2, keepdims=True)
    # What is left of a flat channel is the rounding error of its mean.
    flat = np.ptp(windows, axis=2, keepdims=True) == 0
    scored = np.where(flat, 0.0, centred / np.where(flat, 1.0, scale)).astype(centred.dtype)
    bins = max(1, scored.shape[2] // width)
    width = min(width, scored.shape[2])
    return (
        scored[:, :, : bins * width]
        .reshape(len(scored), -1, bins, width)
        .mean(axis=3)
        .reshape(len(scored), -1)
    )


def band_features(windows: np.ndarray, width: int) -> np.ndarray:
    """Coarse bin means beside the log standard deviation of the channels and of their first differences.

    Returns float64 (batch, feature), summed in float64 whatever the dtype of the windows.
    """
    windows = windows.astype(np.float64)
    spread = np.log(windows.std(axis=2) + 1e-6)
    fast = np.log(np.diff(windows, axis=2).std(axis=2) + 1e-6)
    # The median over channels is the unit (volts or microvolts) and the subject's overall amplitude.
    relative = [part - np.median(part, axis=1, keepdims=True) for part in (spread, fast)]
    return np.concatenate([bin_means(windows, width), *relative, (fast - spread)], axis=1)


def _blocks(
    gather: GatherFunction, indices: np.ndarray, extract: Callable[[np.ndarray, int], np.ndarray], width: int
) -> Iterator[np.ndarray]:
    """Yield the features of some windows at a time, float32: those of all may not fit into memory."""
    for at in range(0, len(indices), BLOCK):
        yield extract(gather(indices[at : at + BLOCK]), width).astype(np.float32)


def ridge(
    gather: GatherFunction,
    target: ArrayLike,
    train: np.ndarray,
    valid: np.ndarray,
    test: np.ndarray,
    width: int = 5,
    alphas: tuple[float, ...] = RIDGE_ALPHAS,
    refit: bool = False,
) -> np.ndarray:
    """Predict by ridge regression on bin means of z-scored channels; alpha is the best on `valid`.

    Solved in whichever of the two spaces is smaller (samples or features), from one eigendecomposition for
    all alphas, in memory that doesn't grow with the samples. `refit` solves again with `valid` among the
    training samples, for the alpha that was chosen. Returns predictions for `test` in the target's unit.
    """
    target = np.asarray(target, dtype=np.float64)
    predict = _fit_ridge(gather, target, train, width, alphas)
    best = int(np.argmin([rmse(target[valid], column) for column in predict(valid).T]))
    if refit:
        predict = _fit_ridge(gather, target, np.concatenate([train, valid]), width, alphas[best : best + 1])
        best = 0
    return predict(test)[:, best]


def _fit_ridge(
    gather: GatherFunction, target: np.ndarray, train: np.ndarray, width: int, alphas: tuple[float, ...]
) -> Callable[[np.ndarray], np.ndarray]:
    """Return what predicts the samples at given indices, (sample, alpha)."""

    def blocks(indices: np.ndarray) -> Iterator[np.ndarray]:
        return _blocks(gather, indices, bin_means, width)

    offset = target[train].mean()
    n_features = next(blocks(train[:1])).shape[1]
    solve = _ridge_by_samples if len(train) <= n_features else _ridge_by_features
    mean, weights = solve(blocks(train), target[train] - offset, alphas)
    return lambda indices: np.concatenate([(block - mean) @ weights for block in blocks(indices)]) + offset


def _ridge_by_samples(
    blocks: Iterator[np.ndarray], y: np.ndarray, alphas: tuple[float, ...]
) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean of the features and the weights (feature, alpha), for few samples."""
    x = np.concatenate(list(blocks))
    mean = x.mean(axis=0)
    x -= mean
    values, vectors = np.linalg.eigh((x @ x.T).astype(np.float64))
    return mean, (x.T @ vectors.astype(np.float32)) @ _shrunk(values, vectors.T @ y, alphas)


def _ridge_by_features(
    blocks: Iterator[np.ndarray], y: np.ndarray, alphas: tuple[float, ...]
) -> tuple[np.ndarray, np.ndarray]:
    """Return the same for many samples, which are seen once."""
    products: np.ndarray | float = 0.0
    total: np.ndarray | float = 0.0
    moment: np.ndarray | float = 0.0
    at = 0
    for block in blocks:
        products = products + (block.T @ block).astype(np.float64)
        total = total + block.sum(axis=0, dtype=np.float64)
        moment = moment + block.T @ y[at : at + len(block)]
        at += len(block)
    mean = np.asarray(total / at)
    # y has no mean, so that the moment needs no centring
    values, vectors = np.linalg.eigh(products - at * np.outer(mean, mean))
    return mean, vectors @ _shrunk(values, vectors.T @ moment, alphas)


def _shrunk(values: np.ndarray, projected: np.ndarray, alphas: tuple[float, ...]) -> np.ndarray:
    """Return (component, alpha); a kernel's tiny negative eigenvalues are rounding."""
    return np.stack([projected / (np.maximum(values, 0.0) + alpha) for alpha in alphas], axis=1)


def hist_gradient_boosting(
    gather: GatherFunction,
    target: ArrayLike,
    train: np.ndarray,
    valid: np.ndarray,
    test: np.ndarray,
    width: int = 20,
    seed: int = 0,
    refit: bool = False,
) -> np.ndarray:
    """Predict by histogram gradient boosting on coarse bin means and band features.

    The number of trees is chosen on `valid` (early stopping). Of more than `MOST_SAMPLES` samples, trees grow
    on as many drawn from `seed`: more would not fit into memory. `refit` grows as many trees again with
    `valid` among the training samples. Returns predictions for `test`.

    Equal windows give equal predictions on every processor: features are summed in float64 and rounded to
    `DECIMALS`, so that sums in another order give the same features, and a feature that is zero but for
    rounding is zero. A feature exactly between two roundings can still differ, with a probability of about
    1e-9 per value.

    Windows that differ in the last digits of the recording do not give equal predictions, and no rounding of
    features changes this: a value that crosses the border of a histogram bin changes a split, and with it all
    later trees and the number of trees. On the data of `sparseeg demo`, noise of 0.6 nV (5e-5 of the signals'
    standard deviation) moves Pearson's r between 0.18 and 0.22, as much as another seed.
    """
    target = np.asarray(target, dtype=np.float64)
    draw = np.random.default_rng(seed)

    def extract(windows: np.ndarray, width: int) -> np.ndarray:
        return np.round(band_features(windows, width), DECIMALS)

    def blocks(indices: np.ndarray) -> Iterator[np.ndarray]:
        return _blocks(gather, indices, extract, width)

    def some(indices: np.ndarray) -> np.ndarray:
        if len(indices) <= MOST_SAMPLES:
            return indices
        return np.sort(draw.choice(indices, MOST_SAMPLES, replace=False))

    train, valid = some(train), some(valid)
    x_train, x_valid = (np.concatenate(list(blocks(indices))) for indices in (train, valid))
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
    if refit:
        model.set_params(early_stopping=False, max_iter=max(1, int(np.argmax(model.validation_score_))))
        model.fit(np.concatenate([x_train, x_valid]), target[np.concatenate([train, valid])])
    return np.concatenate([model.predict(block) for block in blocks(test)])
