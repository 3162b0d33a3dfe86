"""Find the events in the file of a recording itself: its annotations, or its trigger channel."""

from collections.abc import Collection, Sequence

import mne
import numpy as np
import pandas as pd

from sparseeg.data.bids.triggers import read_triggers
from sparseeg.files.names import event_name


def file_events(
    raw: mne.io.BaseRaw, wanted: Sequence[Collection[str]], notes: list[str] | None = None
) -> pd.DataFrame:
    """Return the events in a file, in order of time.

    Parameters
    ----------
    raw : the recording.
    wanted : groups of names, such as stimuli and responses. Annotations are used if each group has one among
        them, else the trigger channel (STI or Status) if each has one there, else both.
    notes : gets what was found out about a trigger channel that is read.

    Returns
    -------
    DataFrame : columns `onset` (seconds from the first sample) and `name`; the name of a trigger is its code.
    """
    annotations = _annotations(raw)
    if holds(annotations["name"], wanted):
        return annotations
    triggers = read_triggers(raw, [] if notes is None else notes)
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
    names = np.array([event_name(str(name)) for name in raw.annotations.description], dtype=object)
    return pd.DataFrame({"onset": onset, "name": names}).sort_values(
        "onset", kind="stable", ignore_index=True
    )
