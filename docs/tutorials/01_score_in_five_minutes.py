"""
A score in five minutes
=======================

From recordings to a network, a table of scores and a page: on simulated recordings, with two commands.

``sparseeg demo`` does the same on a larger set, in two minutes on two cores.
"""

# %%
# Simulate recordings
# -------------------
#
# The simulator writes a data set like HBN-EEG: BDF files with 129 channels, events and participants. Of its
# three releases, R1 trains, R4 validates and R5 tests.

import json

import pandas as pd
from shell import new_folder, shell

from sparseeg.report.figures import plot_predictions, plot_scores

folder = new_folder("first")
shell("sparseeg simulate data --subjects 28 --trials 12 --seed 1")

# %%
# Train and score
# ---------------
#
# One command reads the recordings, trains the default network, chooses its calibration on R4, and scores R5
# once. A few epochs keep this page short; without ``--epochs``, the recipe of the network decides.

shell("sparseeg train --data data --valid R4 --test R5 --epochs 4 --out run", last=24)

# %%
# The table has the network first. NRMSE is the error divided by the standard deviation of the scored
# targets: 1 is the best that a constant can do, and smaller is better. The interval says how much the score
# would change with other people. Baselines follow: what the training mean scores, what knowing each
# person's own mean would score, ridge regression and gradient boosting on the same windows. ``model,
# shuffled`` is the same network trained on shuffled targets, which must not be better than a constant.
#
# What is in the run
# ------------------
#
# ``report.html`` shows all of it as pictures. The numbers are in two files that any tool reads.

with (folder / "run" / "metrics.json").open() as file:
    metrics = json.load(file)
print(metrics["nrmse"], metrics["nrmse_ci95"])
figure = plot_scores(metrics)

# %%
# ``predictions.tsv`` has every test trial, with the prediction of each row of the table.

predictions = pd.read_csv(folder / "run" / "predictions.tsv", sep="\t")
print(predictions[["subject", "target", "prediction", "ridge"]].head())
scatter = plot_predictions(predictions, metrics["unit"])
