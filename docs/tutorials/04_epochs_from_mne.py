"""
Epochs from MNE
===============

Who has cut and cleaned epochs in MNE can go on with these. The target is a column of their metadata.
"""

import mne
import numpy as np
import pandas as pd
from shell import new_folder, shell

folder = new_folder("epochs")
(folder / "eps").mkdir()

# %%
# One file for each person
# ------------------------
#
# The names of the files end in ``-epo.fif`` or ``_epo.fif`` and name the person, as ``sub-01``.

names = ["Fz", "Cz", "CPz", "Pz", "P3", "P4", "Oz"]
info = mne.create_info(names, 128, "eeg")
for person in range(1, 9):
    rng = np.random.default_rng(person)
    rt = rng.lognormal(np.log(450), 0.2, 40)  # milliseconds
    times = np.arange(128) / 128 - 0.2
    wave = np.exp(-(((times - rt[:, None] / 1000 + 0.1) / 0.06) ** 2))
    data = 8e-6 * rng.standard_normal((40, len(names), 128))
    data[:, 2:4] += 12e-6 * wave[:, None]
    epochs = mne.EpochsArray(data, info, tmin=-0.2, metadata=pd.DataFrame({"rt": rt}), verbose=False)
    epochs.save(folder / "eps" / f"sub-{person:02d}-epo.fif", verbose=False)

# %%
# Train
# -----
#
# ``--target`` is the column of the metadata, ``--target-unit`` its unit; milliseconds become seconds. The
# window ends before ``--tmax``. The page about the run is ``run/report.html``.

shell(
    "sparseeg train --data eps --target rt --target-unit ms --tmin 0 --tmax 0.75 --split kfold --folds 4 "
    "--epochs 4 --no-control --no-boosting --out run",
    last=16,
)

# %%
# Predict for one more file
# -------------------------
#
# One network predicts for new people. The seventh and eighth person stand in for them: they are in another
# folder, and train nothing.

(folder / "new").mkdir()
for person in (7, 8):
    name = f"sub-{person:02d}-epo.fif"
    (folder / "eps" / name).rename(folder / "new" / name)
shell(
    "sparseeg train --data eps --target rt --target-unit ms --tmin 0 --tmax 0.75 --epochs 8 "
    "--no-control --no-boosting --out single",
    last=3,
)
shell("sparseeg predict single new/sub-07-epo.fif --out predictions.tsv")
print(pd.read_csv(folder / "predictions.tsv", sep="\t").iloc[:5, :6])
