"""Find the events in the file of a recording itself: its annotations, or its trigger channel."""

from collections.abc import Collection, Sequence

import mne
import numpy as np
import pandas as pd

_TRIGGER_BITS = 0xFFFF  # of a BioSemi Status channel; the others hold the state of the amplifier


def file_events(raw: mne.io.BaseRaw, wanted: Sequence[Collection[str]]) -> pd.DataFrame:
    """Return the events in a file, in order of time.

    Parameters
    ----------
    raw : the recording.
    wanted : groups of names, such as stimuli and responses. Annotations are used if each group has one among
        them, else the trigger channel (STI or Status) if each has one there, else both.

    Returns
    -------
    DataFrame : columns `onset` (seconds from the first sample) and `name`; the name of a trigger is its code.
    """
    annotations = _annotations(raw)
    if holds(annotations["name"], wanted):
        return annotations
    triggers = _triggers(raw)
    if holds(triggers["name"], wanted):
        return triggers
    both = pd.concat([table for table in (annotations, triggers) if len(table)] or [annotations])
    return both.sort_values("onset", kind="stable", ignore_index=True)


def holds(names: pd.Series, wanted: Sequence[Collection[str]]) -> int:
    """Return the number of events with a wanted name; 0 if a group of names has none."""
    counts = [int(names.isin(list(group)).sum()) for group in wanted]
    return sum(counts) if counts and all(counts) else 0


def _annotations(raw: mne.io.BaseRaw) -> pd.DataFrame:
    # In a cropped recording, MNE's onsets count from before its first sample, dated or not.
    onset = np.asarray(raw.annotations.onset, dtype=np.float64) - raw.first_time
    names = np.asarray(raw.annotations.description, dtype=object)
    return pd.DataFrame({"onset": onset, "name": names}).sort_values(
        "onset", kind="stable", ignore_index=True
    )


def _triggers(raw: mne.io.BaseRaw) -> pd.DataFrame:
    if "stim" not in raw.get_channel_types():
        return pd.DataFrame({"onset": np.empty(0), "name": np.empty(0, dtype=object)})
    biosemi = any(str(name).lower().endswith(".bdf") for name in raw.filenames)
    mask = _TRIGGER_BITS if biosemi else None
    found = mne.find_events(raw, shortest_event=1, mask=mask, mask_type="and", verbose="error")
    onset = (found[:, 0] - raw.first_samp) / float(raw.info["sfreq"])
    return pd.DataFrame({"onset": onset, "name": found[:, 2].astype(str).astype(object)})
