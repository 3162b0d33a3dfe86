"""Colours and sizes of all figures, which survive greyscale and colour blindness."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

# Okabe and Ito 2008; of different lightness, and never the only thing that tells two series apart.
MODEL, BASELINE, CONTROL, OTHER = "#0072B2", "#7F7F7F", "#D55E00", "#009E73"
LINE = "#333333"
SEQUENTIAL, DIVERGING = "cividis", "RdBu_r"
WIDTH = 6.8  # inches


def new_figure(height: float, width: float = WIDTH) -> Figure:
    """Return an empty figure, whose text is never cut off; sizes in inches."""
    return Figure(figsize=(width, height), layout="constrained")


def one_axes(height: float, width: float = WIDTH) -> tuple[Figure, Axes]:
    """Return a figure with one pair of axes; sizes in inches."""
    figure = new_figure(height, width)
    axes = figure.add_subplot()
    _plain(axes)
    return figure, axes


def several_axes(
    rows: int, columns: int, height: float, width: float = WIDTH, ratios: Sequence[float] | None = None
) -> tuple[Figure, np.ndarray]:
    """Return a figure with (rows, columns) pairs of axes; `ratios` of the columns' widths."""
    figure = new_figure(height, width)
    axes = figure.subplots(rows, columns, squeeze=False, width_ratios=ratios)
    for one in axes.flat:
        _plain(one)
    return figure, axes


def _plain(axes: Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)


def shortened(text: str, length: int = 44) -> str:
    """Return a label that leaves room for the axes, its middle cut out if it is long."""
    half = (length - 3) // 2
    return text if len(text) <= length else f"{text[:half]}...{text[-half:]}"


def plain_text(text: str) -> str:
    """Return text in which matplotlib finds no formula: names of events may hold dollar signs."""
    return text.replace("$", r"\$")
