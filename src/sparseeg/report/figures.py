"""Figures of a run, as SVG text."""

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from sparseeg.evaluation.metrics import rmse
from sparseeg.report.score_table import rows


def scores_figure(metrics: dict[str, Any]) -> str:
    """Return a figure of the NRMSE of all predictors with intervals; the best constant is marked at 1.0."""
    labels, scores = zip(*rows(metrics), strict=True)
    values = np.array([row["nrmse"] for row in scores])
    bounds = np.array([row["nrmse_ci95"] for row in scores], dtype=float)
    colors = ["tab:blue"] + ["0.45"] * (len(labels) - 1)
    return _svg(intervals_figure(labels, values, bounds, colors))


def intervals_figure(
    labels: Sequence[str], values: np.ndarray, bounds: np.ndarray, colors: str | Sequence[str] = "tab:blue"
) -> Figure:
    """Return a figure of NRMSEs with intervals, from top to bottom; a line at 1.0 marks the best constant.

    Parameters
    ----------
    labels : (label,).
    values, bounds : NRMSE (label,) and ends of its interval (label, 2).
    colors : one colour, or one per label.
    """
    figure = Figure(figsize=(6.4, 0.4 * len(labels) + 1.0), layout="constrained")
    axes = figure.add_subplot()
    positions = np.arange(len(labels))[::-1]
    axes.errorbar(values, positions, xerr=np.abs(bounds.T - values), fmt="none", ecolor="0.6", capsize=3)
    axes.scatter(values, positions, c=colors, zorder=3)
    axes.axvline(1.0, color="0.3", linewidth=0.8, linestyle="--")
    axes.set_yticks(positions, labels)
    axes.set_xlabel("NRMSE (/ SD of the targets; 1.0 = best constant)")
    return figure


def scatter_figure(predictions: pd.DataFrame, unit: str) -> str:
    """Return a figure of predictions against targets, one point per scored trial."""
    figure = Figure(figsize=(4.4, 4.0), layout="constrained")
    axes = figure.add_subplot()
    axes.scatter(
        predictions["target"], predictions["prediction"], s=5, alpha=0.4, linewidths=0, rasterized=True
    )
    low, high = predictions["target"].min(), predictions["target"].max()
    axes.plot([low, high], [low, high], color="0.3", linewidth=0.8, linestyle="--")
    axes.set_xlabel(f"target ({unit})")
    axes.set_ylabel(f"prediction ({unit})")
    return _svg(figure)


def subjects_figure(predictions: pd.DataFrame, unit: str) -> str:
    """Return a figure of the RMSE within each subject: model against training mean.

    The model is better for points below the diagonal.
    """
    errors = np.array(
        [
            [rmse(part["target"], part["train_mean"]), rmse(part["target"], part["prediction"])]
            for _, part in predictions.groupby("subject")
        ]
    )
    figure = Figure(figsize=(4.4, 4.0), layout="constrained")
    axes = figure.add_subplot()
    axes.scatter(errors[:, 0], errors[:, 1], s=16)
    low, high = errors.min(), errors.max()
    axes.plot([low, high], [low, high], color="0.3", linewidth=0.8, linestyle="--")
    axes.set_xlabel(f"RMSE of the training mean ({unit})")
    axes.set_ylabel(f"RMSE of the model ({unit})")
    return _svg(figure)


def _svg(figure: Figure) -> str:
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", dpi=150, metadata={"Date": None})
    text = buffer.getvalue()
    return text[text.index("<svg") :]
