"""Find windows that hold the same samples: a trial that counts twice, or is read as that of two people."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from sparseeg.data.fingerprints import fingerprints
from sparseeg.data.problems import LEFT_OUT, Problem, listed, summarise
from sparseeg.data.windows import WindowSet
from sparseeg.errors import SparseEEGError

_ROUNDING = 0.01  # share of the standard deviation: files of 16 bits, of which the noise fills 7 or more


def copies(windows: WindowSet) -> list[list[int]]:
    """Return groups of windows with the same samples, but for rounding, as rows in their order.

    Windows in which each channel is constant are no evidence, and are in no group. Windows at the same place
    in a recording, as crops of overlapping windows may be, are no copies: the first one stands for all.
    """
    places = np.flatnonzero(~windows.table.duplicated(["recording", "start"]))
    groups: dict[str, list[int]] = {}
    for row, fingerprint in zip(places.tolist(), fingerprints(windows, places), strict=True):
        if fingerprint:
            groups.setdefault(fingerprint, []).append(row)
    return [same for group in groups.values() if len(group) > 1 for same in _confirmed(windows, group)]


def _confirmed(windows: WindowSet, rows: Sequence[int]) -> list[list[int]]:
    """Return the groups of rows whose samples are the same but for rounding; their fingerprints are equal."""
    first: dict[int, np.ndarray] = {}  # the samples of the first row of each group
    groups: dict[int, list[int]] = {}
    for row in rows:
        samples = windows.gather([row])[0].astype(np.float64)
        for one, other in first.items():
            if np.abs(samples - other).max() <= _ROUNDING * _spread(other):
                groups[one].append(row)
                break
        else:
            first[row], groups[row] = samples, [row]
    return [group for group in groups.values() if len(group) > 1]


def _spread(samples: np.ndarray) -> float:
    """Return the standard deviation over time, in the mean over channels."""
    return float(samples.std(axis=1).mean())


def without_copies(windows: WindowSet, roots: Sequence[Path] | None = None) -> WindowSet:
    """Return windows without those that are copies of others, and a problem for each file that has some.

    Of the copies of one person's window, the first is kept. Recordings of two people with a window in common
    are left out, both: whose they are is not known, and one could train what the other tests.

    Parameters
    ----------
    windows : the windows.
    roots : folder of each recording's file; the source of the windows by default.

    Raises
    ------
    SparseEEGError : no window is left.
    """
    groups = copies(windows)
    if not groups:
        return windows
    files = _files(windows, roots)
    recordings, subjects = windows.table["recording"].to_numpy(), windows.subjects
    doubtful: dict[int, int] = {}  # recordings, each with one that is read as another person
    repeated: dict[tuple[int, int], list[int]] = {}  # rows, by their recording and that of the original
    for group in groups:
        for row in group:
            others = [other for other in group if subjects[other] != subjects[row]]
            if others:
                doubtful.setdefault(int(recordings[row]), int(recordings[others[0]]))
        if not others:
            for row in group[1:]:
                repeated.setdefault((int(recordings[row]), int(recordings[group[0]])), []).append(row)
    whose = dict(zip(recordings.tolist(), subjects.tolist(), strict=True))
    problems = [*windows.problems]
    for one, other in sorted(doubtful.items()):
        reason = f"read as {whose[one]}, has the same samples as {files[other]}, read as {whose[other]}"
        kind = "because another person has the same samples"
        problems.append(Problem(files[one], f"{reason}: whose they are is not known", LEFT_OUT, kind=kind))
    for (one, other), rows in repeated.items():
        if one in doubtful:
            continue
        original = "others in it" if one == other else files[other]
        reason = f"{len(rows)} windows have the same samples as {original}"
        kind = "have the same samples as others"
        problems.append(Problem(files[one], reason, "these windows dropped", "windows", len(rows), kind))
    lost = np.isin(recordings, list(doubtful))
    places = windows.table.groupby(["recording", "start"], sort=False).ngroup().to_numpy()
    lost |= np.isin(places, places[[row for rows in repeated.values() for row in rows]])
    if lost.all():
        raise SparseEEGError(f"{windows.source}: no usable window is left; {summarise(problems)}")
    return replace(_used(windows.select(~lost)), problems=tuple(problems))


def _files(windows: WindowSet, roots: Sequence[Path] | None) -> list[Path]:
    """Return the file of each recording, as far as it is known."""
    roots = roots or [Path(windows.source)] * len(windows.signals)
    if "file" not in windows.table:
        return [root / f"recording {number}" for number, root in enumerate(roots)]
    first = windows.table.drop_duplicates("recording").set_index("recording")["file"]
    return [root / str(first.get(number, "")) for number, root in enumerate(roots)]


def _used(windows: WindowSet) -> WindowSet:
    """Return windows without the signals that none of them uses."""
    used, recordings = np.unique(windows.table["recording"].to_numpy(), return_inverse=True)
    return replace(
        windows,
        signals=[windows.signals[number] for number in used],
        table=windows.table.assign(recording=recordings),
    )


def check_no_copies(windows: WindowSet, name: str) -> None:
    """Raise SparseEEGError where windows of two people hold the same samples."""
    for group in copies(windows):
        people = dict.fromkeys(windows.subjects[group].tolist())
        if len(people) > 1:
            raise SparseEEGError(
                f"{name}: {listed(people, 'subject')} have windows with the same samples, so they are one "
                "person or a file was copied; leave one of them out"
            )
