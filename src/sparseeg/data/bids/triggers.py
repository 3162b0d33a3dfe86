"""Read the events of a trigger channel: pulses that return to 0, or codes that stay until the next one.

A step to a higher code is an event, as by default in MNE. A step to a lower code other than 0 is one if it
sets a bit, since a code was sent then. If it only clears bits, it may be the end of a code (a line that is
released, or bits that fall one after the other), or another code of a port that holds the last one: it is an
event if the port holds its codes. A code of a single sample is one that has not settled, never such an event.
"""

import mne
import numpy as np
import pandas as pd

_TRIGGER_BITS = 0xFFFF  # of a BioSemi Status channel; the others hold the state of the amplifier
_COMBINED = ("STI101", "STI 014")  # channels that hold the triggers of all others
_RARE = 10  # what comes less than once in so many steps is an exception


def read_triggers(raw: mne.io.BaseRaw, notes: list[str]) -> pd.DataFrame:
    """Return the events of the trigger channels (STI or Status), in order of time.

    Parameters
    ----------
    raw : the recording.
    notes : gets which steps to a lower code were read as events, or were not.

    Returns
    -------
    DataFrame : columns `onset` (seconds from the first sample) and `name`, the code.
    """
    names = [name for name, kind in zip(raw.ch_names, raw.get_channel_types(), strict=True) if kind == "stim"]
    combined = [name for name in _COMBINED if name in names]
    biosemi = any(str(name).lower().endswith(".bdf") for name in raw.filenames)
    found = [np.empty((0, 2), dtype=np.int64)]
    for name in combined[:1] or names:
        steps = mne.find_events(
            raw,
            name,
            output="step",
            consecutive=True,
            shortest_event=1,
            mask=_TRIGGER_BITS if biosemi else None,
            mask_type="and",
            verbose="error",
        )
        found.append(steps[_are_events(steps, notes)][:, [0, 2]])
    events = np.unique(np.concatenate(found), axis=0)
    onset = (events[:, 0] - raw.first_samp) / float(raw.info["sfreq"])
    return pd.DataFrame({"onset": onset, "name": events[:, 1].astype(str).astype(object)})


def _are_events(steps: np.ndarray, notes: list[str]) -> np.ndarray:
    """Return which steps (sample, code before, code after) are events."""
    sample, before, after = steps.T
    settled = np.diff(sample, append=np.iinfo(np.int64).max) > 1
    lower = (after > 0) & (after < before) & settled
    sets, clears = (after & ~before) > 0, (before & ~after) > 0
    zeros = int(np.sum((after == 0) & settled) - 1)  # without the last one, at the end
    replaced = int(np.sum(sets & clears & settled))
    between = int(np.sum((before > 0) & (after > 0) & settled))
    released = lower & ~sets
    holds = replaced * _RARE >= max(1, between, zeros) or released.sum() > zeros * _RARE
    if not holds and released.any():
        first = int(np.argmax(released))
        notes.append(
            f"{released.sum()} changes of its trigger channel to a lower code, as from {before[first]} to "
            f"{after[first]}, are the end of a code, not an event, because it returns to 0 between codes"
        )
    chosen = lower & (sets | holds)
    if chosen.any():
        notes.append(f"{chosen.sum()} changes of its trigger channel to a lower code other than 0 are events")
    return (after > before) | chosen
