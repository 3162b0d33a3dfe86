"""Figures that tell how far predictions can be trusted."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from sparseeg.evaluation.metrics import nrmse, spearman_of_subjects
from sparseeg.report.figures.style import (
    BASELINE,
    CONTROL,
    LINE,
    MODEL,
    OTHER,
    SEQUENTIAL,
    one_axes,
    plain_text,
    several_axes,
)

_MOST_POINTS = 6_000  # more of them hide each other
_BINS = 10


def plot_learning_curves(logs: Mapping[str, pd.DataFrame], keep: str = "best") -> Figure:
    """Plot the loss of training and the NRMSE of validation over epochs.

    Parameters
    ----------
    logs : the log of each network by its name, with `epoch`, `train_loss` and `valid_nrmse`.
    keep : which epoch was kept and gets a dot: the "best" or the "last".
    """
    figure, axes = several_axes(1, 2, 3.0)
    left, right = axes[0]
    for name, log in logs.items():
        alpha = 1.0 if len(logs) == 1 else 0.6
        for axis, column, color in ((left, "train_loss", BASELINE), (right, "valid_nrmse", MODEL)):
            known = log.dropna(subset=column) if column in log else log.iloc[:0]
            line = {"color": color, "alpha": alpha, "linewidth": 1.5, "marker": ".", "markersize": 4}
            axis.plot(known["epoch"] + 1, known.get(column, []), label=name, **line)
            if column == "valid_nrmse" and len(known):
                chosen = known.iloc[int(known[column].to_numpy().argmin()) if keep == "best" else -1]
                axis.plot(chosen["epoch"] + 1, chosen[column], "o", color=CONTROL, markersize=6)
    left.set_title("training", fontsize="medium")
    right.set_title("validation subjects", fontsize="medium")
    left.set_ylabel("loss (standardised targets)")
    right.set_ylabel("NRMSE")
    right.axhline(1.0, color=LINE, linewidth=0.8, linestyle="--")
    for axis in (left, right):
        axis.set_xlabel("epoch")
        axis.locator_params(axis="x", integer=True)
    return figure


def plot_predictions(predictions: pd.DataFrame, unit: str) -> Figure:
    """Plot predictions against targets, people in colours; the dashed line is the identity.

    predictions : one row per trial with `subject`, `target` and `prediction`.
    """
    figure, axes = one_axes(4.6, 5.4)
    order = predictions.groupby("subject")["target"].mean().rank(pct=True)
    shown = _thinned(predictions)
    points = axes.scatter(
        shown["target"],
        shown["prediction"],
        c=shown["subject"].map(order),
        cmap=SEQUENTIAL,
        s=8,
        alpha=0.6,
        linewidths=0,
        rasterized=True,
    )
    low, high = predictions["target"].min(), predictions["target"].max()
    axes.plot([low, high], [low, high], color=LINE, linewidth=1, linestyle="--", label="identity")
    axes.axhline(
        predictions["train_mean"].mean(), color=CONTROL, linewidth=1, linestyle=":", label="training mean"
    )
    axes.set_xlabel(f"target ({plain_text(unit)})")
    axes.set_ylabel(f"prediction ({plain_text(unit)})")
    axes.legend(frameon=False, fontsize="small", loc="upper left")
    bar = figure.colorbar(points, ax=axes, shrink=0.7)
    bar.set_label("person, by mean target")
    bar.set_ticks([])
    return figure


def plot_subjects(predictions: pd.DataFrame) -> Figure:
    """Plot the NRMSE and the rank correlation of every person, sorted.

    The errors of each person are divided by the standard deviation of all targets, so that people can be
    compared, and the mean of the squares is the square of the pooled score.

    predictions : one row per trial with `subject`, `target` and `prediction`.
    """
    spread = float(np.std(predictions["target"]))
    square = ((predictions["prediction"] - predictions["target"]) ** 2).groupby(predictions["subject"])
    errors = np.sort(np.sqrt(square.mean().to_numpy())) / (spread or np.nan)
    ranks = spearman_of_subjects(
        predictions["target"], predictions["prediction"], predictions["subject"].to_numpy()
    )
    figure, axes = several_axes(1, 2, 3.0)
    left, right = axes[0]
    left.bar(np.arange(len(errors)), errors, color=np.where(errors < 1, MODEL, CONTROL), width=0.85)
    left.axhline(1.0, color=LINE, linewidth=0.8, linestyle="--")
    left.axhline(
        nrmse(predictions["target"], predictions["prediction"]), color=OTHER, linewidth=1.2, label="pooled"
    )
    left.legend(frameon=False, fontsize="small")
    left.set_ylabel("RMSE / SD of all targets")
    known = np.sort(ranks[np.isfinite(ranks)])
    right.bar(np.arange(len(known)), known, color=np.where(known > 0, MODEL, CONTROL), width=0.85)
    right.axhline(0, color=LINE, linewidth=0.8)
    right.set_ylabel("Spearman correlation of trials")
    if not len(known):
        right.text(0.5, 0.5, "no person has several\ntargets", ha="center", transform=right.transAxes)
    for axis, count in ((left, len(errors)), (right, len(known))):
        axis.set_xlabel(f"{count} people, sorted")
        axis.set_xticks([])
    return figure


def plot_residuals(predictions: pd.DataFrame, unit: str) -> Figure:
    """Plot the errors over the time in the session and over the target, with means in bins.

    predictions : one row per trial with `target`, `prediction` and, if known, `onset` in seconds.
    """
    residual = (predictions["prediction"] - predictions["target"]).to_numpy()
    figure, axes = several_axes(1, 2, 3.0)
    over = [("target", predictions["target"].to_numpy(), f"target ({plain_text(unit)})")]
    if "onset" in predictions:
        over.insert(0, ("onset", predictions["onset"].to_numpy() / 60, "time in the recording (min)"))
    shown = _thinned(pd.DataFrame({"row": np.arange(len(residual))}))["row"].to_numpy()
    for axis, (_, values, label) in zip(axes[0], over, strict=False):
        axis.scatter(
            values[shown], residual[shown], s=5, color=BASELINE, alpha=0.4, linewidths=0, rasterized=True
        )
        middle, mean, error = _binned(values, residual)
        axis.errorbar(middle, mean, yerr=error, color=MODEL, marker="o", markersize=4, capsize=2)
        axis.axhline(0, color=LINE, linewidth=0.8, linestyle="--")
        axis.set_xlabel(label)
        axis.set_ylabel(f"prediction - target ({plain_text(unit)})")
    for axis in axes[0, len(over) :]:
        figure.delaxes(axis)
    return figure


def plot_intervals(predictions: pd.DataFrame, level: float, unit: str) -> Figure:
    """Plot how often the prediction interval of every person holds, and of trials by their width.

    Parameters
    ----------
    predictions : one row per trial with `subject`, `target`, `interval_low` and `interval_high`.
    level : share of trials that the intervals should cover.
    unit : of the target.
    """
    low, high = predictions["interval_low"], predictions["interval_high"]
    inside = (predictions["target"] >= low) & (predictions["target"] <= high)
    by_subject = np.sort(inside.groupby(predictions["subject"]).mean().to_numpy())
    widths = (high - low).to_numpy()
    varied = np.ptp(widths) > 1e-6 * widths.mean()
    figure, axes = several_axes(1, 2 if varied else 1, 3.2)
    left = axes[0, 0]
    left.bar(np.arange(len(by_subject)), by_subject, color=MODEL, width=0.85)
    left.axhline(level, color=CONTROL, linewidth=1.2, linestyle="--", label=f"wanted: {level:.0%}")
    left.axhline(inside.mean(), color=OTHER, linewidth=1.2, label=f"found: {inside.mean():.1%}")
    left.set_ylim(0, 1.02)
    left.set_xticks([])
    left.set_xlabel(f"{len(by_subject)} people, sorted")
    left.set_ylabel("share of trials inside")
    figure.legend(frameon=False, fontsize="small", loc="outside lower center", ncols=2)
    if varied:
        right = axes[0, 1]
        middle, mean, error = _binned(widths, inside.to_numpy(dtype=float))
        right.errorbar(middle, mean, yerr=error, color=MODEL, marker="o", markersize=4, capsize=2)
        right.axhline(level, color=CONTROL, linewidth=1.2, linestyle="--")
        right.set_ylim(0, 1.02)
        right.set_xlabel(f"width of the interval ({plain_text(unit)})")
        right.set_ylabel("share of trials inside")
    return figure


def plot_new_predictions(table: pd.DataFrame, unit: str) -> Figure:
    """Plot predictions for a recording, whose targets are not known, over time.

    Parameters
    ----------
    table : one row per window with `onset` in seconds, `prediction`, `interval_low` and `interval_high`.
    unit : of the target.
    """
    figure, axes = one_axes(3.0)
    ordered = table.sort_values("onset")
    onset = ordered["onset"].to_numpy() / 60
    low, high = (ordered[name].to_numpy(dtype=float) for name in ("interval_low", "interval_high"))
    if np.isfinite(low).any():
        axes.vlines(onset, low, high, color=BASELINE, linewidth=1, alpha=0.6, label="interval")
    axes.plot(onset, ordered["prediction"], ".", color=MODEL, markersize=5, label="prediction")
    axes.set_xlabel("time in the recording (min)")
    axes.set_ylabel(f"prediction ({plain_text(unit)})" if unit else "prediction")
    axes.legend(frameon=False, fontsize="small", ncols=2, loc="upper right")
    return figure


def _binned(values: np.ndarray, other: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the mean of values, and mean and standard error of others, in bins of equal counts."""
    order = np.argsort(values, kind="stable")
    parts = [part for part in np.array_split(order, min(_BINS, max(1, len(order) // 5))) if len(part)]
    middle = np.array([values[part].mean() for part in parts])
    mean = np.array([other[part].mean() for part in parts])
    error = np.array([other[part].std() / np.sqrt(len(part)) for part in parts])
    return middle, mean, error


def _thinned(table: pd.DataFrame) -> pd.DataFrame:
    """Return at most `_MOST_POINTS` rows, drawn by a fixed seed."""
    return table if len(table) <= _MOST_POINTS else table.sample(_MOST_POINTS, random_state=0)
