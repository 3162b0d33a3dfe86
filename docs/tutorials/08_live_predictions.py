"""
Live predictions
================

A run predicts for new recordings, and for a stream while it arrives.
"""

import pandas as pd
from shell import new_folder, shell

from sparseeg.prediction import Predictor

folder = new_folder("live")
shell("sparseeg simulate data --subjects 28 --trials 12 --seed 5")
shell(
    "sparseeg train --data data --valid R4 --test R5 --epochs 2 --no-control --no-boosting --out run", last=3
)

# %%
# New recordings
# --------------
#
# Channels are matched by name; missing and bad ones are interpolated; other rates are resampled. What was
# done is said.

recording = sorted((folder / "data").rglob("*_eeg.bdf"))[-1]
shell(f"sparseeg predict run {recording} --bad E7 --out predictions.tsv")
predictions = pd.read_csv(folder / "predictions.tsv", sep="\t")
print(predictions[["onset", "prediction", "interval_low", "interval_high"]].head())

# %%
# From Python
# -----------
#
# ``Predictor`` takes windows of any unit, (batch, channel, time).

import torch

predictor = Predictor(folder / "run")
predicted = predictor(torch.randn(4, 129, 200).numpy())
print(predicted.value, predicted.low, predicted.high)

# %%
# A stream
# --------
#
# ``sparseeg stream run --name EEG`` reads an LSL stream (``pip install 'sparseeg[stream]'``) and sends each
# prediction as soon as its window is complete. ``--replay`` plays a recording in real time, to try it out::
#
#     sparseeg stream run --replay recording.bdf
#
# A prediction is there 5 ms after the last sample of its window; the measurement is in
# ``benchmarks/results/streaming.md``.
