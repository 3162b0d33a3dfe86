"""Figures of scores: all predictors of a run, and all models of a comparison, with intervals."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

from sparseeg.report.figures.style import (
    BASELINE,
    CONTROL,
    LINE,
    MODEL,
    OTHER,
    one_axes,
    plain_text,
    several_axes,
    shortened,
)
from sparseeg.report.score_table import rows

AXIS = "NRMSE (RMSE / SD of the targets; 1 is the best constant)"


def plot_scores(metrics: dict[str, Any], others: Mapping[str, float] | None = None) -> Figure:
    """Plot the NRMSE of the model, the baselines and the controls with their intervals, best first.

    Parameters
    ----------
    metrics : content of `metrics.json`.
    others : scores on another data set by what they are, drawn as lines for orientation only.
    """
    found = sorted(rows(metrics), key=lambda row: np.nan_to_num(row[1]["nrmse"], nan=np.inf))
    control = {label for label, _ in rows({**metrics, "baselines": {}})[1:]}
    colors = [MODEL if label == "model" else CONTROL if label in control else BASELINE for label, _ in found]
    figure, axes = one_axes(0.36 * len(found) + 1.2)
    bounds = np.array([scores["nrmse_ci95"] for _, scores in found], dtype=float)
    values = np.array([scores["nrmse"] for _, scores in found], dtype=float)
    _forest(axes, [label for label, _ in found], values, bounds, colors)
    for number, (label, value) in enumerate((others or {}).items()):
        style = (0, (1, 1 + number))
        axes.axvline(value, color=OTHER, linewidth=1.2, linestyle=style, label=f"{label}: {value:.3f}")
    if others:
        figure.legend(loc="outside lower center", frameon=False, fontsize="small", ncols=2)
    return figure


def plot_comparison(table: pd.DataFrame, reference: str | None = None) -> Figure:
    """Plot the NRMSE of all models, and their differences from a reference in pairs, best first.

    Parameters
    ----------
    table : one row per model with `model`, `nrmse`, `nrmse_low`, `nrmse_high`, and `difference` with its
        bounds, as in `compare.tsv`.
    reference : name of the model that is subtracted.
    """
    scored = table.dropna(subset="nrmse").sort_values("nrmse", kind="stable")
    figure, axes = several_axes(1, 2, 0.36 * len(scored) + 1.2, 10.0)
    left, right = axes[0]
    colors = [MODEL if name == reference else BASELINE for name in scored["model"]]
    _forest(left, scored["model"].tolist(), *_columns(scored, "nrmse"), colors)
    left.set_xlabel("NRMSE (1 is the best constant)")
    if "difference" in scored:
        _forest(right, scored["model"].tolist(), *_columns(scored, "difference"), colors, at=0.0)
        right.set_yticklabels([])
    right.set_xlabel(f"difference from {shortened(plain_text(reference or 'the first'), 30)}")
    return figure


def plot_speed(table: pd.DataFrame) -> Figure:
    """Plot the NRMSE of models against the windows that they predict in a second.

    table : as in `plot_comparison`, with `windows_per_s`.
    """
    known = table.dropna(subset=["nrmse", "windows_per_s"]).sort_values("windows_per_s")
    figure, axes = one_axes(0.3 * max(8, len(known)) + 1.5, 8.0)
    for number, row in enumerate(known.to_dict("records"), start=1):
        axes.scatter(row["windows_per_s"], row["nrmse"], color=MODEL, s=22, zorder=3)
        axes.annotate(str(number), (row["windows_per_s"], row["nrmse"]), xytext=(4, 4), **_SMALL)
        label = f"{number}  {shortened(plain_text(row['model']))}"
        axes.plot([], [], linestyle="none", label=label)
    axes.axhline(1.0, color=LINE, linewidth=0.8, linestyle="--")
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel("windows per second (prediction, with reading)")
    axes.set_ylabel("NRMSE")
    if len(known):
        axes.legend(
            loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False, fontsize="small", handlelength=0
        )
    return figure


def plot_subject_differences(
    target: np.ndarray,
    one: np.ndarray,
    other: np.ndarray,
    subjects: np.ndarray,
    names: Sequence[str] = ("one", "other"),
) -> Figure:
    """Plot how much smaller the RMSE of one model is than that of another for each person, sorted.

    Parameters
    ----------
    target, one, other : targets and predictions of two models, (trial,) each, in one unit.
    subjects : (trial,), the person of each trial.
    names : of the two models.
    """
    errors = pd.DataFrame({"subject": subjects, "one": (one - target) ** 2, "other": (other - target) ** 2})
    by_subject = np.sqrt(errors.groupby("subject")[["one", "other"]].mean())
    difference = np.sort((by_subject["one"] - by_subject["other"]).to_numpy())
    figure, axes = one_axes(3.2)
    colors = np.where(difference < 0, MODEL, CONTROL)
    axes.bar(np.arange(len(difference)), difference, color=colors, width=0.85)
    axes.axhline(0, color=LINE, linewidth=0.8)
    better = int((difference < 0).sum())
    axes.set_xlabel(f"people, sorted ({better} of {len(difference)} with smaller errors of the first model)")
    axes.set_xticks([])
    axes.set_ylabel("difference of the RMSE")
    figure.suptitle("\nless ".join(shortened(plain_text(name), 60) for name in names), fontsize="small")
    return figure


_SMALL: dict[str, Any] = {"textcoords": "offset points", "fontsize": "small"}


def _columns(table: pd.DataFrame, name: str) -> tuple[np.ndarray, np.ndarray]:
    values = table[[name, f"{name}_low", f"{name}_high"]].to_numpy(dtype=float)
    return values[:, 0], values[:, 1:]


def _forest(
    axes: Axes,
    labels: Sequence[str],
    values: np.ndarray,
    bounds: np.ndarray,
    colors: Sequence[str],
    at: float = 1.0,
) -> None:
    """Draw values with their intervals from top to bottom, and a line for "no better than"."""
    places = np.arange(len(labels))[::-1]
    for place, value, (low, high), color in zip(places, values, bounds, colors, strict=True):
        axes.plot([low, high], [place, place], color=color, linewidth=2, solid_capstyle="butt")
        axes.plot([value], [place], color=color, marker="o", markersize=6)
    axes.axvline(at, color=LINE, linewidth=0.8, linestyle="--")
    axes.set_yticks(places, [shortened(plain_text(label)) for label in labels])
    axes.set_ylim(-0.6, len(labels) - 0.4)
    axes.set_xlabel(AXIS)
