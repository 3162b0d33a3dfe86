"""
Reading the report
==================

Every run has a page, ``report.html``. This one goes through the figures of the demo's run, each of which is a
function.
"""

import json

import pandas as pd
from shell import new_folder, shell

from sparseeg.report import figures

folder = new_folder("report")
shell("sparseeg demo --out .", last=3)
with (folder / "run" / "metrics.json").open() as file:
    metrics = json.load(file)
predictions = pd.read_csv(folder / "run" / "predictions.tsv", sep="\t")

# %%
# The answer
# ----------
#
# Rows whose interval lies left of the dashed line are better than any constant. Grey rows that know the
# person's own mean are no competitors: they use targets of the people who are tested.

scores = figures.plot_scores(metrics)

# %%
# How far to trust it
# -------------------
#
# A network that is unsure predicts values near the mean: the cloud is flatter than the dashed line. A cloud
# of one colour at one height would be a network that knows persons, not trials.

cloud = figures.plot_predictions(predictions, "s")

# %%
# Errors of single people: with few people, one of them can make a score.

people = figures.plot_subjects(predictions)

# %%
# Errors over the time in the recording should have no slope.

errors = figures.plot_residuals(predictions, "s")

# %%
# Intervals hold if the share of trials inside is near the wanted one, for most people.

intervals = figures.plot_intervals(predictions, metrics["interval"]["level"], "s")

# %%
# What the network looked at
# --------------------------
#
# The figures of this part need windows and the network. Attributions are integrated gradients; the same map
# for random weights stands beside them, because a map that looks alike without training shows the data, not
# the network.

import numpy as np

from sparseeg.data import load
from sparseeg.models.files import load as load_network
from sparseeg.models.files import read_spec
from sparseeg.report.explain import explain

windows = load(folder / "data")
rows = np.flatnonzero(windows.table["release"] == "R5")[:16]
network = folder / "run" / "model.safetensors"
found = explain(load_network(network), read_spec(network), windows.gather(rows))
times = windows.tmin + np.arange(windows.n_times) / windows.sfreq
attribution = figures.plot_attribution(found.attribution.magnitude, times, windows.ch_names, unit="s")
print(f"rank correlation with the map for random weights: {found.attribution.similarity:.2f}")

# %%
# The latency head gives a distribution over time. Fast and slow trials should have different ones.

average = windows.gather(rows).mean(axis=(0, 1))
latency = figures.plot_latency(
    found.distribution.probability, times, windows.targets[rows], average, "all channels"
)
