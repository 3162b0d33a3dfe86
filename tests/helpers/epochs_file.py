"""Epochs files with known samples."""

import mne
import numpy as np
import pandas as pd

CHANNELS = ("Fz", "Cz", "Pz")


def write_epochs(
    path,
    *,
    rt=(300.0, 450.0, 700.0),
    sfreq=100.0,
    ch_names=CHANNELS,
    tmin=-0.2,
    n_times=100,
    data=None,
    band=None,
    reference=False,
    baseline=None,
    events=None,
):
    """Write epochs of known samples, in microvolts, with `rt` in milliseconds and other metadata.

    band, reference : of their info, in Hz, and whether a reference was applied; the samples stay the same.
    baseline : interval in seconds whose mean is subtracted from the samples.
    events : sample of the event of each epoch; by default its number, as in MNE.
    """
    rng = np.random.default_rng(list(f"{path.parent.name}/{path.name}".encode()))
    if data is None:
        data = 10.0 * rng.standard_normal((len(rt), len(ch_names), n_times))
    types = ["eog" if name.startswith("EOG") else "eeg" for name in ch_names]
    info = mne.create_info(list(ch_names), sfreq, types)
    with info._unlock():
        info["custom_ref_applied"] = int(reference)
        if band is not None:
            info["highpass"], info["lowpass"] = band
    metadata = pd.DataFrame({"rt": rt, "block": range(len(rt)), "kind": "rare"})
    if events is not None:
        events = np.column_stack([events, np.zeros(len(rt), int), np.ones(len(rt), int)])
    epochs = mne.EpochsArray(data * 1e-6, info, events, tmin=tmin, metadata=metadata, verbose="error")
    epochs.apply_baseline(baseline, verbose="error")
    path.parent.mkdir(parents=True, exist_ok=True)
    epochs.save(path, verbose="error")
    return data
