"""What the networks of a run were trained on, so that new recordings are made into the same."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from sparseeg.data.windows import WindowSet
from sparseeg.errors import SparseEEGError
from sparseeg.files.atomic import write_json

FILE = "input.json"
_LOOKED_AT = 256  # windows


@dataclass(frozen=True)
class Inputs:
    """Of one run; beside its networks as `input.json`.

    Parameters
    ----------
    task, target, unit : what is predicted.
    locked : whether the target is a time, counted from a stimulus.
    tmin : seconds from the stimulus to a window's first sample.
    stimulus : names of the events that windows were locked to; none where that isn't known.
    events_column : of events.tsv, where they stand.
    stride : seconds from one window to the next, where none is locked.
    low_cut, high_cut, reference : what was done to the signals before, as in `data.continuous.Processing`.
    flat : channels without any signal, as the reference.
    """

    task: str
    target: str
    unit: str
    locked: bool
    tmin: float
    stimulus: tuple[str, ...] = ()
    events_column: str = "value"
    stride: float = 2.0
    low_cut: float | None = None
    high_cut: float | None = None
    reference: tuple[str, ...] | None = None
    flat: tuple[str, ...] = ()

    @classmethod
    def of(cls, windows: WindowSet) -> "Inputs":
        """Return what there is to know about windows."""
        made = windows.made
        task = made.get("task", {})
        rule = task.get("rule") or {}
        reference = made.get("reference")
        return cls(
            task=windows.task,
            target=windows.target_name,
            unit=windows.target_unit,
            locked=windows.locked,
            tmin=windows.tmin,
            stimulus=tuple(rule.get("stimulus", ())),
            events_column=rule.get("column", "value"),
            stride=task.get("stride", windows.n_times / windows.sfreq),
            low_cut=made.get("low_cut"),
            high_cut=made.get("high_cut"),
            reference=None if reference is None else tuple(reference),
            flat=_flat(windows),
        )

    @classmethod
    def read(cls, run: Path) -> "Inputs":
        """Read what a run keeps; SparseEEGError where it keeps nothing."""
        try:
            content = json.loads((run / FILE).read_text())
            lists = {key: tuple(value) for key, value in content.items() if isinstance(value, list)}
            return cls(**(content | lists))
        except (OSError, ValueError, TypeError) as error:
            raise SparseEEGError(
                f"{run / FILE} can't be read ({error}); it stands in every run folder of `sparseeg train`"
            ) from error

    def write(self, run: Path) -> None:
        """Write to a run folder."""
        write_json(run / FILE, asdict(self))


def _flat(windows: WindowSet) -> tuple[str, ...]:
    """Return the channels that are flat in all of some windows from all over the set."""
    rows = np.unique(np.linspace(0, len(windows) - 1, min(len(windows), _LOOKED_AT)).astype(int))
    spread = np.zeros(windows.n_chans)
    for row in rows:  # one by one: windows may be long
        spread = np.maximum(spread, np.ptp(windows.gather([row])[0], axis=1))
    return tuple(name for name, value in zip(windows.ch_names, spread, strict=True) if value == 0)
