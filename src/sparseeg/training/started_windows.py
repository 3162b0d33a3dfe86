"""The windows and targets that a run began with: `windows.json`, so that it doesn't go on with others."""

from dataclasses import asdict, dataclass, field
from itertools import zip_longest
from pathlib import Path

import numpy as np

from sparseeg.data.fingerprints import fingerprints
from sparseeg.data.windows import WindowSet
from sparseeg.engines import Report
from sparseeg.errors import SparseEEGError
from sparseeg.files.atomic import read_json, write_json

FILE = "windows.json"
_ROUNDING = 0.01  # share of windows whose fingerprints may change where another processor rounds
_DIGITS = 1e-6  # of targets, as a share of the largest one


@dataclass(frozen=True)
class _Windows:
    """Fingerprints and targets of a person's windows, in their order."""

    fingerprints: list[str] = field(default_factory=list)
    targets: list[float] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.targets)


def write_started(run: Path, windows: WindowSet) -> None:
    """Write the fingerprints and targets of windows to the folder of a run that has trained nothing yet."""
    write_json(run / FILE, {subject: asdict(one) for subject, one in _by_subject(windows).items()})


def check_started(run: Path, windows: WindowSet, report: Report) -> None:
    """Check that windows and targets are those that a run began with.

    `report` is told where the run kept no record of them, and where so few windows have other samples that
    rounding may be the reason.

    Raises
    ------
    SparseEEGError : a person has another number of windows, other targets or other samples.
    """
    if not (run / FILE).exists():
        report(
            f"{run} has no {FILE}, as runs of earlier versions: whether windows and targets are still those "
            "that it began with was not checked"
        )
        return
    before, now = read_json(run / FILE, dict[str, _Windows]), _by_subject(windows)
    for subject in sorted(before.keys() | now.keys()):
        difference = _difference(before.get(subject, _Windows()), now.get(subject, _Windows()))
        if difference:
            raise _changed(run, windows, f"{subject} {difference}")
    others = {subject: _others(before[subject], now[subject]) for subject in sorted(now)}
    total, subject = sum(others.values()), max(others, key=others.__getitem__)
    if total > _ROUNDING * len(windows):
        raise _changed(
            run, windows, f"{others[subject]} of the {len(now[subject])} windows of {subject} are other ones"
        )
    if total:
        report(
            f"{total} of {len(windows)} windows have other samples than when {run} was started: so few may "
            "be due to rounding"
        )


def _difference(before: _Windows, now: _Windows) -> str:
    """Return how the number or the targets of a person's windows have changed; empty if they have not."""
    if len(before) != len(now):
        return f"had {len(before)} windows then and has {len(now)} now"
    then, here = np.array(before.targets), np.array(now.targets)
    other = np.flatnonzero(np.abs(then - here) > _DIGITS * np.abs(then).max(initial=0.0))
    if not len(other):
        return ""
    first = other[0]
    return (
        f"has other targets in {len(other)} of {len(now)} windows, the first one {then[first]:g} then and "
        f"{here[first]:g} now"
    )


def _others(before: _Windows, now: _Windows) -> int:
    """Return the number of a person's windows whose samples have changed."""
    return sum(one != other for one, other in zip_longest(before.fingerprints, now.fingerprints))


def _changed(run: Path, windows: WindowSet, what: str) -> SparseEEGError:
    return SparseEEGError(
        f"{windows.source}: the data are not those that {run} was started with: {what}; put the data back, "
        "or train into another folder"
    )


def _by_subject(windows: WindowSet) -> dict[str, _Windows]:
    found: dict[str, _Windows] = {}
    rows = zip(windows.subjects.tolist(), fingerprints(windows), windows.targets.tolist(), strict=True)
    for subject, fingerprint, target in rows:
        person = found.setdefault(subject, _Windows())
        person.fingerprints.append(fingerprint)
        person.targets.append(target)
    return found
