"""The diagrams of the site, drawn when it is built."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure

INK, BOX = "#333333", "#E8F1F8"


def draw(folder: Path) -> None:
    """Write all diagrams to a folder as SVG."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, figure in (("flow", flow()), ("partition", partition()), ("which", which())):
        figure.savefig(folder / f"{name}.svg", metadata={"Date": None}, bbox_inches="tight")


def _canvas(width: float, height: float) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(width, height))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    axes.set_xlim(0, 100)
    axes.set_ylim(0, 100)
    return figure, axes


def _box(axes: Axes, x: float, y: float, text: str, color: str = BOX) -> None:
    style = {"boxstyle": "round,pad=0.5", "facecolor": color, "edgecolor": INK}
    axes.text(x, y, text, ha="center", va="center", fontsize=10, color="black", bbox=style, zorder=3)


def _arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float], text: str = "") -> None:
    axes.annotate(
        "", end, start, zorder=1, arrowprops={"arrowstyle": "->", "color": INK, "shrinkA": 22, "shrinkB": 22}
    )
    if text:
        middle = ((start[0] + end[0]) / 2, (start[1] + end[1]) / 2)
        axes.text(
            *middle,
            text,
            fontsize=9,
            ha="center",
            va="center",
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 1},
        )


def flow() -> Figure:
    """Draw the way from recordings to pages, with the package that does each step."""
    figure, axes = _canvas(7, 5.4)
    steps = [
        ("recordings: BIDS folders, MNE epochs", "sparseeg.data reads and checks"),
        ("windows: microvolts, target, person", "sparseeg.training fits networks of sparseeg.models"),
        ("predictions for people who didn't train", "sparseeg.evaluation scores, with controls"),
        ("a run: networks, scores, provenance", "sparseeg.report, prediction, export, submission"),
        ("report.html, new predictions, ONNX, submission.zip", ""),
    ]
    heights = np.linspace(93, 7, len(steps))
    for number, ((text, words), y) in enumerate(zip(steps, heights, strict=True)):
        _box(axes, 50, y, text)
        if number + 1 < len(steps):
            _arrow(axes, (50, y), (50, heights[number + 1]))
            axes.text(53, (y + heights[number + 1]) / 2, words, fontsize=9, va="center", color=INK)
    return figure


def partition(n_tokens: int = 16, size: int = 4, layers: int = 3) -> Figure:
    """Draw the head of each token in three layers, and which tokens have met the first one."""
    figure = Figure(figsize=(7, 3.6), layout="constrained")
    axes = figure.add_subplot()
    colors = colormaps["cividis"](np.linspace(0.1, 0.95, n_tokens // size))
    rng = torch.Generator().manual_seed(2)
    known = np.zeros(n_tokens, dtype=bool)
    known[0] = True
    for layer in range(layers):
        heads = torch.randperm(n_tokens, generator=rng).reshape(-1, size).numpy()
        together = [head for head in heads if known[head].any()]
        known[np.concatenate(together)] = True
        for number, head in enumerate(heads):
            for token in head:
                axes.add_patch(_square(token, layers - 1 - layer, colors[number], known[token]))
                light = number * 2 < len(heads)
                axes.text(
                    token + 0.45,
                    layers - layer - 0.55,
                    f"{number + 1}",
                    ha="center",
                    va="center",
                    color="white" if light else "black",
                    fontsize=9,
                )
    axes.set_xlim(-0.2, n_tokens)
    axes.set_ylim(-0.2, layers)
    axes.set_xticks(np.arange(n_tokens) + 0.45, [f"{token + 1}" for token in range(n_tokens)])
    axes.set_yticks(layers - 0.55 - np.arange(layers), [f"layer {layer + 1}" for layer in range(layers)])
    axes.set_xlabel("token (number in the square: its head; thick frame: has met token 1, directly or not)")
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    return figure


def _square(x: float, y: float, color: Sequence[float], framed: bool):
    from matplotlib.patches import Rectangle

    return Rectangle(
        (x, y), 0.9, 0.9, facecolor=color, edgecolor="#D55E00" if framed else "white", linewidth=2.5 * framed
    )


def which() -> Figure:
    """Draw the decision which network and which output to use."""
    figure, axes = _canvas(8.5, 4.6)
    question = "#FFF3CD"
    _box(axes, 50, 92, "Is the target a time inside the window?", question)
    _box(axes, 20, 62, "sparse-attention-locator\n(latency head, the default)")
    _box(
        axes,
        74,
        62,
        "Are windows longer than about 10 s,\nor are there recordings without targets?",
        question,
    )
    _box(axes, 20, 18, "few people: --seeds 5 --refit\nabsolute errors matter: latency-median", "white")
    _box(axes, 52, 18, "sparse-eeg-transformer\n(pretrain, then train --init)")
    _box(axes, 84, 18, "light-sparse-attention-cnn,\nbraindecode:NAME, ridge")
    _arrow(axes, (50, 92), (20, 62), "yes")
    _arrow(axes, (50, 92), (74, 62), "no")
    _arrow(axes, (20, 62), (20, 18))
    _arrow(axes, (74, 62), (52, 18), "yes")
    _arrow(axes, (74, 62), (84, 18), "no")
    return figure
