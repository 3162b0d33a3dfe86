"""Figures of what a network looked at."""

from collections.abc import Mapping, Sequence

import mne
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.ndimage import uniform_filter1d

from sparseeg.report.figures.style import (
    BASELINE,
    CONTROL,
    DIVERGING,
    LINE,
    MODEL,
    OTHER,
    SEQUENTIAL,
    new_figure,
    one_axes,
    plain_text,
    several_axes,
    shortened,
)


def plot_erp_image(
    signal: np.ndarray,
    times: np.ndarray,
    target: np.ndarray,
    prediction: np.ndarray,
    channel: str,
    *,
    marked: bool = True,
) -> Figure:
    """Plot the trials of one channel as rows of colour, sorted by their target, above their mean.

    Parameters
    ----------
    signal : (trial, time), microvolts.
    times : (time,), seconds.
    target, prediction : (trial,).
    channel : its name.
    marked : whether target and prediction are times in these windows, and are drawn over the image.
    """
    order = np.argsort(target, kind="stable")
    rows = signal[order] - signal[order].mean(axis=1, keepdims=True)
    smooth = max(1, len(rows) // 60)
    image = uniform_filter1d(rows, smooth, axis=0, mode="nearest")
    limit = float(np.quantile(np.abs(image), 0.98)) or 1.0
    figure = new_figure(4.8)
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    step = times[1] - times[0] if len(times) > 1 else 1.0
    extent = (times[0] - step / 2, times[-1] + step / 2, len(rows), 0)
    picture = upper.imshow(image, aspect="auto", cmap=DIVERGING, vmin=-limit, vmax=limit, extent=extent)
    figure.colorbar(picture, ax=upper, label="µV")
    if marked:
        place = np.arange(len(rows)) + 0.5
        upper.plot(target[order], place, color="black", linewidth=1.2, label="response")
        smoothed = uniform_filter1d(prediction[order], max(1, len(rows) // 30), mode="nearest")
        upper.plot(prediction[order], place, ".", color=OTHER, markersize=1.5, alpha=0.5)
        upper.plot(smoothed, place, color=OTHER, linewidth=1.6, label="prediction (mean of neighbours)")
        upper.legend(loc="lower left", fontsize="small")
    upper.set_xlim(extent[:2])
    upper.set_ylabel("trials, sorted by target")
    lower.plot(times, signal.mean(axis=0) - signal.mean(), color=MODEL)
    lower.axhline(0, color=LINE, linewidth=0.6)
    lower.set_ylabel("mean (µV)")
    lower.set_xlabel(f"time from the event (s), channel {shortened(plain_text(channel), 20)}")
    lower.spines[["top", "right"]].set_visible(False)
    return figure


def plot_latency(
    probability: np.ndarray,
    times: np.ndarray,
    target: np.ndarray,
    average: np.ndarray,
    channel: str,
    groups: int = 4,
) -> Figure:
    """Plot the mean distribution of the predicted time for fast to slow trials, over the mean signal.

    Parameters
    ----------
    probability : (trial, time), probability of each sample.
    times : (time,), seconds from the stimulus.
    target : (trial,), seconds.
    average : (time,), mean signal of a channel in microvolts.
    channel : its name.
    groups : number of groups of trials by target, of equal size.
    """
    figure, axes = one_axes(3.6)
    rate = 1 / (times[1] - times[0])
    order = np.argsort(target, kind="stable")
    shades = np.linspace(0.15, 0.85, groups)
    colors = [_shade(value) for value in shades]
    for part, color in zip(np.array_split(order, groups), colors, strict=True):
        if not len(part):
            continue
        mean = target[part].mean()
        axes.plot(
            times, probability[part].mean(axis=0) * rate, color=color, label=f"mean response {mean:.2f} s"
        )
        axes.axvline(mean, color=color, linewidth=1, linestyle=":")
    if times[0] <= 0 <= times[-1]:
        axes.axvline(0, color=LINE, linewidth=1)
    axes.set_xlabel("time from the stimulus (s); dotted: mean response of each group")
    axes.set_ylabel("probability density (1/s)")
    axes.set_ylim(bottom=0)
    figure.legend(fontsize="small", frameon=False, loc="outside lower center", ncols=2)
    other = axes.twinx()
    other.plot(times, average, color=BASELINE, linewidth=1, linestyle="--")
    other.set_ylabel(f"mean of {shortened(plain_text(channel), 16)} (µV, dashed)")
    other.spines["top"].set_visible(False)
    return figure


def _shade(value: float) -> tuple[float, float, float, float]:
    from matplotlib import colormaps

    return colormaps[SEQUENTIAL](value)


def plot_topomaps(
    maps: Mapping[str, np.ndarray], positions: np.ndarray, rows: int = 1, *, diverging: bool = True
) -> Figure:
    """Plot values of channels on the head, each map with its own scale.

    Parameters
    ----------
    maps : (channel,) values by the title of each map.
    positions : (channel, 3), metres, in the head's coordinates; x to the right, y to the front.
    rows : of maps.
    diverging : whether colours are symmetric about zero.
    """
    columns = -(-len(maps) // rows)
    figure, axes = several_axes(rows, columns, 1.5 * rows + 0.4, max(2.2, 1.15 * columns))
    info = _info(positions)
    for axis, (title, values) in zip(axes.flat, maps.items(), strict=False):
        limit = float(np.abs(values).max()) or 1.0
        limits = (-limit, limit) if diverging else (float(values.min()), float(values.max()))
        cmap = DIVERGING if diverging else SEQUENTIAL
        mne.viz.plot_topomap(
            values, info, axes=axis, show=False, cmap=cmap, vlim=limits, contours=4, sensors=False
        )
        axis.set_title(plain_text(title), fontsize="small")
    for axis in axes.flat[len(maps) :]:
        figure.delaxes(axis)
    return figure


def can_map(positions: np.ndarray | None) -> bool:
    """Say whether values at positions (channel, 3) can be drawn on the head: some, and not all on a line."""
    if positions is None:
        return False
    known = positions[np.isfinite(positions).all(axis=1), :2]
    return len(known) >= 4 and np.linalg.matrix_rank(known - known.mean(axis=0), tol=0.01) == 2


def _info(positions: np.ndarray) -> mne.Info:
    names = [str(number) for number in range(len(positions))]
    info = mne.create_info(names, 100.0, "eeg")
    montage = mne.channels.make_dig_montage(dict(zip(names, positions, strict=True)), coord_frame="head")
    return info.set_montage(montage, verbose="error")


def plot_attribution(
    magnitude: np.ndarray,
    times: np.ndarray,
    ch_names: Sequence[str],
    positions: np.ndarray | None = None,
    unit: str = "",
) -> Figure:
    """Plot how much each channel and time point moves the prediction.

    Parameters
    ----------
    magnitude : (channel, time), mean magnitude of the attributions.
    times : (time,), seconds.
    ch_names : of the channels.
    positions : (channel, 3) in metres, for a map on the head; NaN where they are not known.
    unit : of the prediction.
    """
    known = None if positions is None else np.isfinite(positions).all(axis=1)
    with_map = known is not None and can_map(positions)
    figure, axes = several_axes(1, 2, 4.6, ratios=(3, 1.4))
    image, side = axes[0]
    by_channel = magnitude.mean(axis=1)
    order = np.argsort(-by_channel, kind="stable")
    step = times[1] - times[0] if len(times) > 1 else 1.0
    extent = (times[0] - step / 2, times[-1] + step / 2, len(order), 0)
    top = float(np.quantile(magnitude, 0.999)) or 1.0
    picture = image.imshow(
        magnitude[order], aspect="auto", cmap=SEQUENTIAL, extent=extent, interpolation="nearest", vmax=top
    )
    figure.colorbar(
        picture, ax=image, label=f"mean magnitude ({plain_text(unit)})" if unit else "mean magnitude"
    )
    shown = np.arange(len(order)) if len(order) <= 24 else np.arange(0, len(order), len(order) // 12)
    image.set_yticks(shown + 0.5, [plain_text(ch_names[order[row]]) for row in shown], fontsize="x-small")
    image.set_ylabel("channels, most important first")
    image.set_xlabel("time from the event (s)")
    if with_map:
        assert positions is not None
        mne.viz.plot_topomap(
            by_channel[known],
            _info(positions[known]),
            axes=side,
            show=False,
            cmap=SEQUENTIAL,
            contours=4,
            sensors=False,
            vlim=(0, float(by_channel.max()) or 1.0),
        )
        side.set_title("mean over time", fontsize="small")
    else:
        side.barh(np.arange(len(order)) + 0.5, by_channel[order], color=MODEL)
        side.set_ylim(len(order), 0)
        side.set_yticks([])
        side.set_xlabel("mean over time")
        side.ticklabel_format(axis="x", scilimits=(-9, 9))
        side.locator_params(axis="x", nbins=2)
    return figure


def plot_connections(met: np.ndarray, seconds: float, start: float = 0.0) -> Figure:
    """Plot after how many layers two time steps know of each other.

    Parameters
    ----------
    met : (token, token), number of layers; NaN where they never meet.
    seconds : length of the window.
    start : time of its first sample.
    """
    figure, axes = one_axes(4.4, 5.4)
    count = int(np.nanmax(met))
    from matplotlib import colormaps

    colors = colormaps[SEQUENTIAL].resampled(count + 1).with_extremes(bad="white")
    extent = (start, start + seconds, start + seconds, start)
    picture = axes.imshow(met, cmap=colors, vmin=-0.5, vmax=count + 0.5, extent=extent)
    bar = figure.colorbar(picture, ax=axes, ticks=range(count + 1))
    bar.set_label("layers until they meet (white: never)")
    axes.set_xlabel("time of the one token (s)")
    axes.set_ylabel("time of the other (s)")
    return figure


def plot_attention(weights: Mapping[str, np.ndarray], seconds: float, start: float = 0.0) -> Figure:
    """Plot the attention that each time step receives in every layer, and from where.

    Parameters
    ----------
    weights : (token, token), mean weight from query to key, by the name of the layer.
    seconds : length of the window.
    start : time of its first sample.
    """
    columns = len(weights)
    figure = new_figure(4.6, max(4.2, 3.3 * columns))
    grid = figure.subplots(2, columns, squeeze=False, height_ratios=(3, 1.2), sharex="col")
    extent = (start, start + seconds, start + seconds, start)
    for number, (name, values) in enumerate(weights.items()):
        upper, lower = grid[:, number]
        top = float(np.quantile(values[values > 0], 0.99)) if (values > 0).any() else 1.0
        upper.imshow(values, cmap=SEQUENTIAL, extent=extent, vmin=0, vmax=top, aspect="auto")
        upper.set_title(plain_text(name), fontsize="small")
        upper.set_ylabel("query (s)")
        _received(lower, values, seconds, start)
    return figure


def _received(axes: Axes, values: np.ndarray, seconds: float, start: float) -> None:
    """Draw the attention that keys receive, relative to equal weights."""
    centre = start + (np.arange(len(values)) + 0.5) * seconds / len(values)
    axes.plot(centre, values.sum(axis=0), color=CONTROL)
    axes.axhline(1, color=LINE, linewidth=0.8, linestyle="--")
    axes.set_ylim(bottom=0)
    axes.set_xlabel("key (s)")
    axes.set_ylabel("received\n(1: equal)")
    axes.spines[["top", "right"]].set_visible(False)


def plot_gate(weights: np.ndarray, times: np.ndarray) -> Figure:
    """Plot the gate of time points: mean and the middle 90 % over windows.

    Parameters
    ----------
    weights : (window, time), in (0, 1).
    times : (time,), seconds.
    """
    figure, axes = one_axes(2.6)
    low, high = np.quantile(weights, [0.05, 0.95], axis=0)
    axes.fill_between(times, low, high, color=BASELINE, alpha=0.4, label="90 % of the windows")
    axes.plot(times, weights.mean(axis=0), color=MODEL, label="mean")
    axes.set_xlabel("time from the event (s)")
    axes.set_ylabel("gate of time points")
    axes.legend(frameon=False, fontsize="small")
    return figure
