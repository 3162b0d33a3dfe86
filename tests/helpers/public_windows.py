"""Cut a BIDS folder's windows with the public pipeline (eegdash, braindecode), called as in the start kit.

Run by the comparison test in an environment that has eegdash: `python public_windows.py ROOT OUT.npz`.
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
from braindecode.preprocessing import (
    Preprocessor,
    create_fixed_length_windows,
    create_windows_from_events,
    preprocess,
)
from eegdash import EEGDashDataset
from eegdash.hbn.windows import (
    add_aux_anchors,
    add_extras_columns,
    annotate_trials_with_target,
    build_trial_table,
    keep_only_recordings_with,
)

ANCHOR = "stimulus_anchor"
SFREQ, SHIFT, LENGTH = 100, 0.5, 2.0


def main(root: Path, out: Path) -> None:
    dataset = EEGDashDataset(
        cache_dir=root.parent, dataset=root.name, task="contrastChangeDetection", download=False
    )
    steps = [
        Preprocessor(
            annotate_trials_with_target,
            target_field="rt_from_stimulus",
            epoch_length=LENGTH,
            require_stimulus=True,
            require_response=True,
            apply_on_array=False,
        ),
        Preprocessor(add_aux_anchors, apply_on_array=False),
    ]
    preprocess(dataset, steps, n_jobs=1)
    dataset = keep_only_recordings_with(ANCHOR, dataset)
    windows = create_windows_from_events(
        dataset,
        mapping={ANCHOR: 0},
        trial_start_offset_samples=int(SHIFT * SFREQ),
        trial_stop_offset_samples=int((SHIFT + LENGTH) * SFREQ),
        window_size_samples=int(LENGTH * SFREQ),
        window_stride_samples=SFREQ,
        preload=True,
    )
    windows = add_extras_columns(windows, dataset, desc=ANCHOR)
    arrays: dict[str, np.ndarray] = {}
    for recording in windows.datasets:
        name = Path(recording.raw.filenames[0]).name
        arrays[f"{name}/volts"] = np.stack([recording[index][0] for index in range(len(recording))])
        arrays[f"{name}/target"] = recording.metadata["target"].to_numpy(dtype=float)
        arrays[f"{name}/start"] = recording.metadata["i_start_in_trial"].to_numpy(dtype=int)
        arrays[f"{name}/ch_names"] = np.array(recording.raw.ch_names)
    whole = create_fixed_length_windows(
        EEGDashDataset(
            cache_dir=root.parent, dataset=root.name, task="contrastChangeDetection", download=False
        ),
        window_size_samples=4 * SFREQ,
        window_stride_samples=2 * SFREQ,
        drop_last_window=True,
    )
    for recording in whole.datasets:
        name = Path(recording.raw.filenames[0]).name
        arrays[f"{name}/whole"] = np.stack([recording[index][0] for index in range(len(recording))])
    for events in root.rglob("*_events.tsv"):
        trials = build_trial_table(pd.read_csv(events, sep="\t"))
        columns = ["trial_start_onset", "stimulus_onset", "response_onset", "rt_from_stimulus"]
        arrays[f"{events.name}/trials"] = trials[columns].to_numpy(dtype=float)
    np.savez(out, **arrays)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
