"""The part of a page that shows what a network looked at."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from sparseeg.data.signals.positions import chs_info
from sparseeg.data.windows import WindowSet
from sparseeg.models.files import read_spec
from sparseeg.report.explain import Explanation, explain, first_met
from sparseeg.report.figures import (
    plot_attention,
    plot_attribution,
    plot_connections,
    plot_erp_image,
    plot_gate,
    plot_latency,
    plot_topomaps,
)
from sparseeg.report.figures.network import can_map
from sparseeg.report.html import Block, Picture, Text
from sparseeg.training.ensemble import load_members, network_files
from sparseeg.training.inference import predict

CENTRAL = ("CPz", "Pz", "E55", "E62")  # the last two in HBN's cap
MOST_TRIALS, EXPLAINED = 2_000, 32
_POSITIVE_HALF = 0.5


def looked_at(folder: Path, windows: WindowSet, rows: np.ndarray) -> list[Block]:
    """Return pictures of what the first network in a folder did with windows that it was not trained on.

    Parameters
    ----------
    folder : of a network, as of the run or of one fold.
    windows, rows : the windows as the network takes them, and those that are shown.
    """
    rng = np.random.default_rng(0)
    shown = np.sort(rng.permutation(rows)[:MOST_TRIALS])
    chosen = np.sort(rng.permutation(shown)[:EXPLAINED])
    networks = load_members(folder)
    found = explain(networks[0], read_spec(network_files(folder)[0]), windows.gather(chosen))
    times = windows.tmin + np.arange(windows.n_times) / windows.sfreq
    positions = _positions(windows.ch_names)
    number = central_channel(windows.ch_names, positions)
    channel = windows.ch_names[number]
    signal = _one_channel(windows, shown, number)
    prediction = predict(networks, windows, shown).mean
    blocks: list[Block] = [
        Text(
            f"The first picture shows {len(shown):,} of the {len(rows):,} scored trials. The others show "
            f"{len(chosen)} of them, drawn at random, and the first network of an ensemble.",
            "note",
        ),
        _erp_image(signal, times, windows, shown, prediction, channel),
    ]
    if found.distribution is not None:
        target = windows.targets[chosen]
        average = signal.mean(axis=0) - signal.mean()
        blocks.append(
            Picture.of(
                "latency",
                plot_latency(found.distribution.probability, times, target, average, channel),
                "Where the latency head sees the response",
                "Mean distribution of the predicted time, for fast to slow trials; dotted lines are the mean "
                "responses of these groups. Distributions that move with the responses have found them.",
                "Lines of probability density over time for four groups of trials, over the mean signal.",
            )
        )
    return blocks + _of_the_network(found, windows, times, positions)


def _erp_image(
    signal: np.ndarray,
    times: np.ndarray,
    windows: WindowSet,
    rows: np.ndarray,
    prediction: np.ndarray,
    channel: str,
) -> Picture:
    marked = windows.locked and windows.target_unit == "s"
    over = "; black is the response, green the prediction" if marked else ""
    return Picture.of(
        "erp-image",
        plot_erp_image(signal, times, windows.targets[rows], prediction, channel, marked=marked),
        f"Trials at {channel}, sorted by their target",
        f"Each row is a trial (smoothed over neighbours{over}). Activity that bends with the black line is "
        "locked to the response, vertical activity to the event. Below, the mean of all trials."
        if marked
        else "Each row is a trial, smoothed over its neighbours. Below, the mean of all trials.",
        f"Image of the signal at {channel} over time, one row per trial, and the mean over trials.",
    )


def _of_the_network(
    found: Explanation, windows: WindowSet, times: np.ndarray, positions: np.ndarray
) -> list[Block]:
    blocks: list[Block] = []
    known = np.isfinite(positions).all(axis=1)
    seconds = windows.n_times / windows.sfreq
    if found.attribution is None:
        text = "Attributions are not shown: they need captum (pip install 'sparseeg[report]')."
        blocks.append(Text(text, "note"))
    else:
        similarity = found.attribution.similarity
        blocks.append(
            Picture.of(
                "attribution",
                plot_attribution(
                    found.attribution.magnitude, times, windows.ch_names, positions, windows.target_unit
                ),
                "Channels and times that move the prediction",
                "Mean magnitude of integrated gradients behind the layer that standardises windows. It says "
                "what moved this network, not what the brain did.",
                "Image of attributions by channel and time, and their mean over time on the head.",
            )
        )
        blocks.append(
            Picture.of(
                "attribution-check",
                plot_attribution(
                    found.attribution.untrained, times, windows.ch_names, positions, windows.target_unit
                ),
                "The check: the same map for random weights",
                _check(similarity),
                "The same image for a network with random weights.",
            )
        )
    if found.filters is not None and can_map(positions):
        count = len(found.filters.weights)
        maps = {f"filter {number + 1}": found.filters.weights[number, known] for number in range(count)}
        maps |= {f"pattern {number + 1}": found.filters.patterns[number, known] for number in range(count)}
        blocks.append(
            Picture.of(
                "filters",
                plot_topomaps(maps, positions[known], rows=2),
                "Spatial filters and their patterns",
                "Above, weights of the largest spatial filters. Below, where the signal of each filter can "
                "be seen (covariance times weights); weights alone also show what is suppressed. Each map "
                "has its own scale.",
                f"{count} topographic maps of filters above {count} maps of their patterns.",
            )
        )
    if found.gates.channel is not None and can_map(positions):
        gate = found.gates.channel.mean(axis=0)
        blocks.append(
            Picture.of(
                "channel-gate",
                plot_topomaps({"mean gate": gate[known]}, positions[known], diverging=False),
                "The gate of channels",
                f"Mean weight of each channel, {gate.min():.2f} to {gate.max():.2f}. A gate that is nearly "
                "the same everywhere has not chosen any channel.",
                "Topographic map of the mean weights of channels.",
            )
        )
    if found.gates.time is not None:
        blocks.append(
            Picture.of(
                "time-gate",
                plot_gate(found.gates.time, times),
                "The gate of time points",
                "Weight of each time point: mean and middle 90 % over windows.",
                "Line of the mean gate over time with a band.",
            )
        )
    if found.attention:
        blocks += _attention(found, seconds, float(times[0]))
    return blocks


def _check(similarity: float) -> str:
    """Return what the similarity of attributions to those of random weights means."""
    if np.isnan(similarity):
        return "One of the two maps is the same everywhere: there is nothing to compare."
    meaning = (
        "so high that the map above shows the data rather than what was learned"
        if similarity > _POSITIVE_HALF
        else "the map above depends on what was learned"
    )
    return f"The rank correlation of the two maps is {similarity:.2f}: {meaning}."


def _attention(found: Explanation, seconds: float, start: float) -> Sequence[Block]:
    layers = [layer for layer in found.attention if len(layer.weights) == len(found.attention[0].weights)]
    return (
        Picture.of(
            "connections",
            plot_connections(first_met(layers), seconds, start),
            "Which time steps the attention connects",
            f"After how many of the {len(layers)} layers one time step can depend on another by attention. "
            "In training, random partitions are drawn anew at every step; this is the one of evaluation.",
            "Matrix of time steps by time steps, coloured by the number of layers.",
        ),
        Picture.of(
            "attention",
            plot_attention({layer.name: layer.weights for layer in layers}, seconds, start),
            "From where to where the attention looks",
            "Mean weight from query to key in each layer, at their times in the window. Below, what each key "
            "receives: 1 if all weights were equal. Weights say where the layer looks, not what matters for "
            "the prediction.",
            "Matrices of attention weights by query and key time, and what each time receives.",
        ),
    )


def central_channel(ch_names: Sequence[str], positions: np.ndarray) -> int:
    """Return the number of the channel at CPz or Pz, by name or else by position."""
    lower = [name.lower() for name in ch_names]
    for name in CENTRAL:
        if name.lower() in lower:
            return lower.index(name.lower())
    if not np.isfinite(positions).any():
        return 0
    central = np.array(chs_info(["CPz"])[0]["loc"], dtype=float)
    return int(np.nanargmin(np.linalg.norm(positions - central, axis=1)))


def _positions(ch_names: Sequence[str]) -> np.ndarray:
    """Return the positions of channels, (channel, 3) in metres; NaN where they are not known."""
    return np.array(
        [[np.nan] * 3 if channel["loc"] is None else channel["loc"] for channel in chs_info(ch_names)]
    )


def _one_channel(windows: WindowSet, rows: np.ndarray, number: int) -> np.ndarray:
    """Return one channel of windows, (window, time), without holding all channels of all windows."""
    parts = [windows.gather(part)[:, number] for part in np.array_split(rows, -(-len(rows) // 256))]
    return np.concatenate(parts)
