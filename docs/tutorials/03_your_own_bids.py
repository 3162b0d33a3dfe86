"""
Your own BIDS data
==================

Any data set whose events say when something was shown and when somebody answered can be decoded. This page
makes one with events of its own names, as a laboratory would have it, and trains on it.
"""

import mne
import numpy as np
import pandas as pd
from shell import new_folder, shell

folder = new_folder("own")

# %%
# A data set with other names
# ---------------------------
#
# Fifteen people see faces and houses and press one of two buttons. A wave over the parietal electrodes
# precedes the button by 200 ms.

names = ["Fz", "F3", "F4", "Cz", "C3", "C4", "CPz", "Pz", "P3", "P4", "Oz", "O1", "O2"]
near_pz = np.array([{"CPz": 1.0, "Pz": 1.0, "P3": 0.6, "P4": 0.6}.get(name, 0.1) for name in names])
for person in range(1, 16):
    rng = np.random.default_rng(person)
    sfreq, n_trials = 250, 30
    stimulus = 4.0 * np.arange(n_trials) + 2 + rng.uniform(0, 0.5, n_trials)
    response = stimulus + rng.lognormal(np.log(0.7), 0.25, n_trials)
    times = np.arange(0, np.ceil(stimulus[-1]) + 5, 1 / sfreq)
    wave = sum(np.exp(-(((times - at + 0.2) / 0.1) ** 2)) for at in response)
    signal = 10 * rng.standard_normal((len(names), len(times))) + 15 * near_pz[:, None] * wave
    raw = mne.io.RawArray(signal * 1e-6, mne.create_info(names, sfreq, "eeg"), verbose=False)
    eeg = folder / "faces" / f"sub-{person:02d}" / "eeg"
    eeg.mkdir(parents=True)
    raw.export(eeg / f"sub-{person:02d}_task-faces_eeg.edf", verbose=False)
    shown = rng.choice(["face", "house"], n_trials)
    events = pd.DataFrame(
        {
            "onset": np.concatenate([stimulus, response]),
            "duration": 0.0,
            "trial_type": [*shown, *rng.choice(["left", "right"], n_trials)],
        }
    ).sort_values("onset")
    events.to_csv(eeg / f"sub-{person:02d}_task-faces_events.tsv", sep="\t", index=False)

# %%
# Prepare
# -------
#
# ``--stimulus`` and ``--response`` name the events, ``--tmin`` and ``--tmax`` the window, in seconds from
# the stimulus. What was found, kept and left out is counted; the same counts are in ``store.json``.

shell(
    "sparseeg prepare faces --out store --stimulus face,house --response left,right --tmin 0 --tmax 1.5 "
    "--sfreq 100"
)

# %%
# A wrong name is explained:

try:
    shell("sparseeg prepare faces --out other --stimulus faces --response left,right --tmin 0 --tmax 1.5")
except RuntimeError as error:
    print(error)

# %%
# Train
# -----
#
# With few people, cross-validation tests everybody once, by networks that were trained without them. In each
# of three splits, five people test and five validate: with fewer, predictions are drawn to the training mean,
# because nobody can say how well they hold for others.

shell(
    "sparseeg train --data store --split kfold --folds 3 --epochs 10 --no-control --no-boosting --out run",
    last=14,
)
