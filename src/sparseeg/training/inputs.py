"""The windows that the networks of a run expect (`input.json`)."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sparseeg.data.match import match
from sparseeg.data.provenance import Processing, Provenance
from sparseeg.data.tasks import TASKS, Task
from sparseeg.data.windows import WindowSet
from sparseeg.engines import Report
from sparseeg.errors import SparseEEGError, one_line
from sparseeg.files.atomic import write_json
from sparseeg.models.spec import NetworkSpec
from sparseeg.training.fingerprints import check_same_windows
from sparseeg.training.started_windows import check_started

FILE = "input.json"
_LOOKED_AT = 256  # windows


@dataclass(frozen=True)
class Inputs:
    """The windows that the networks of a run expect.

    Parameters
    ----------
    provenance : of the windows that the networks were trained on.
    flat : channels that are flat in these windows, for example the reference electrode.
    """

    provenance: Provenance
    flat: tuple[str, ...] = ()

    @property
    def task(self) -> Task:
        return self.provenance.task

    @property
    def processing(self) -> Processing:
        return self.provenance.processing

    @property
    def tmin(self) -> float:
        """Seconds from the event to the first sample of a window."""
        return self.provenance.tmin

    @property
    def stimulus(self) -> tuple[str, ...]:
        """Names of the events that windows were locked to; empty if they are not known."""
        return () if self.task.rule is None else self.task.rule.stimulus

    @property
    def events_column(self) -> str:
        """Column of events.tsv that holds these names."""
        return "value" if self.task.rule is None else self.task.rule.column

    @property
    def notes(self) -> list[str]:
        """What can't be compared with a recording: band, reference and baseline of epochs, as files say."""
        info = self.provenance.file_info
        return [] if info is None else [f"files of the training epochs say {info}; not compared"]

    @classmethod
    def of(cls, windows: WindowSet) -> "Inputs":
        """Return the description of windows."""
        return cls(windows.provenance, _flat(windows))

    @classmethod
    def read(cls, run: Path, spec: NetworkSpec) -> "Inputs":
        """Read `input.json` of a run; SparseEEGError if it is missing or can't be read.

        spec : of one of its networks; version 0.1.0 kept channels, rate and length only there.
        """
        try:
            content = json.loads((run / FILE).read_text())
            if isinstance(content["task"], str):
                content = _of_version_0_1(content, spec)
            return cls(Provenance.from_dict(content), tuple(content["flat"]))
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise SparseEEGError(
                f"{run / FILE} can't be read ({one_line(error)}); every run of `sparseeg train` has one"
            ) from error

    def to_dict(self) -> dict[str, Any]:
        """Return the content of `input.json`."""
        return {**self.provenance.to_dict(), "flat": list(self.flat)}

    def write(self, run: Path) -> None:
        """Write to a run folder."""
        write_json(run / FILE, self.to_dict())


def as_started(run: Path, windows: WindowSet, spec: NetworkSpec, report: Report) -> WindowSet:
    """Return windows converted to those that a run was started with; a new run keeps them as they are.

    spec : of the run's network, as in `Inputs.read`. Raises SparseEEGError as `match` does, and where the
    samples are other ones.
    """
    if not (run / FILE).exists():
        Inputs.of(windows).write(run)
        return windows
    windows, notes = match(windows, Inputs.read(run, spec).provenance, f"the run {run}")
    for note in notes:
        report(note)
    check_started(run, windows, report)
    check_same_windows(run, windows, report)
    return windows


def _of_version_0_1(content: dict[str, Any], spec: NetworkSpec) -> dict[str, Any]:
    """Convert `input.json` of version 0.1.0 to the present format."""
    stimulus, duration = content["stimulus"], spec.n_times / spec.sfreq
    rule = {
        "stimulus": stimulus,
        "response": [],
        "trial_start": [],
        "end": [],
        "column": content["events_column"],
    }
    known = TASKS.get(content["task"])
    if known is not None and known.rule is not None and list(known.rule.stimulus) == stimulus:
        rule = asdict(known.rule)  # runs kept no other events than the stimulus
    # Runs on epochs were called response-time there, whatever they decode.
    named = bool(stimulus) or content["task"] != "response-time"
    task = {
        "name": content["task"] if named else content["target"],
        "target": content["target"],
        "unit": content["unit"],
        "rule": rule if stimulus else None,
        "locked": content["locked"],
        "tmin": content["tmin"],
        "tmax": content["tmin"] + duration,
        "stride": content["stride"],
        "crop": duration,
    }
    processing = {name: content[name] for name in ("low_cut", "high_cut", "reference")}
    return {
        "task": task,
        "processing": {**processing, "sfreq": spec.sfreq},
        "ch_names": spec.ch_names or [f"channel {number + 1}" for number in range(spec.n_chans)],
        "n_times": spec.n_times,
        "tmin": content["tmin"],
        "flat": content["flat"],
    }


def _flat(windows: WindowSet) -> tuple[str, ...]:
    """Return the channels that are flat in all of some windows from all over the set."""
    rows = np.unique(np.linspace(0, len(windows) - 1, min(len(windows), _LOOKED_AT)).astype(int))
    spread = np.zeros(windows.n_chans)
    for row in rows:  # one by one: windows may be long
        spread = np.maximum(spread, np.ptp(windows.gather([row])[0], axis=1))
    return tuple(name for name, value in zip(windows.ch_names, spread, strict=True) if value == 0)
