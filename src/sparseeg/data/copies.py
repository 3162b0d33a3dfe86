"""Find windows that hold the same samples: a trial that counts twice, or is read as that of two people."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import permutations
from pathlib import Path

import numpy as np

from sparseeg.data.fingerprints import fingerprints
from sparseeg.data.problems import LEFT_OUT, Problem, listed, summarise
from sparseeg.data.windows import WindowSet
from sparseeg.errors import SparseEEGError

_FEW = 5  # different targets of a recording: fewer may be the same in two recordings by chance
_STEPS = 2  # per standard deviation, of fingerprints: coarse, as those that are equal are compared
_ROUNDING = 0.05  # standard deviations: rounded twice to whole numbers, of which the noise fills 5 bits


def copies(windows: WindowSet) -> list[list[int]]:
    """Return groups of windows with the same samples, but for rounding, as rows in their order.

    Samples that differ by a gain, a sign or the mean of each channel are the same: another export may have
    changed these. Windows in which hardly anything changes are no evidence, and are in no group. Windows at
    the same place in a recording, as crops of overlapping windows may be, are no copies: the first one stands
    for all.
    """
    places = np.flatnonzero(~windows.table.duplicated(["recording", "start"]))
    alike = _equal(places.tolist(), fingerprints(windows, places, _STEPS))
    return [same for group in alike for same in _confirmed(windows, group)]


def _equal(numbers: Iterable[int], keys: Iterable[str]) -> list[list[int]]:
    """Return the numbers that share a key with another one, in groups; an empty key is none."""
    groups: dict[str, list[int]] = {}
    for number, key in zip(numbers, keys, strict=True):
        if key:
            groups.setdefault(key, []).append(number)
    return [group for group in groups.values() if len(group) > 1]


def _confirmed(windows: WindowSet, rows: Sequence[int]) -> list[list[int]]:
    """Return the groups of rows whose samples are the same but for rounding; their fingerprints are equal."""
    first: dict[int, np.ndarray] = {}  # the standardised samples of the first row of each group
    groups: dict[int, list[int]] = {}
    for row in rows:
        samples = _standardised(windows.gather([row])[0])
        for one, other in first.items():
            if min(np.abs(samples - other).max(), np.abs(samples + other).max()) <= _ROUNDING:
                groups[one].append(row)
                break
        else:
            first[row], groups[row] = samples, [row]
    return [group for group in groups.values() if len(group) > 1]


def _standardised(samples: np.ndarray) -> np.ndarray:
    """Return samples (channel, time) without the mean of each channel, in standard deviations.

    There is one standard deviation for all channels, their mean: one of a flat channel is rounding.
    """
    varying = samples.astype(np.float64)
    varying -= varying.mean(axis=1, keepdims=True)
    return varying / varying.std(axis=1).mean()


def same_recordings(windows: WindowSet) -> list[list[int]]:
    """Return groups of recordings whose files hold the same samples, whatever windows were cut from them."""
    if "recording_hash" not in windows.table:
        return []
    known = windows.table.drop_duplicates("recording").dropna(subset="recording_hash")
    return _equal(known["recording"].tolist(), known["recording_hash"])


def without_copies(windows: WindowSet, roots: Sequence[Path] | None = None) -> WindowSet:
    """Return windows without those that are copies of others, and a problem for each file that has some.

    Of the copies of one person's window, the first is kept. Recordings of two people with a window in common,
    or with the same samples in their files, are left out, both: whose they are is not known, and one could
    train what the other tests. So are recordings of one person with the same samples, but other events.

    Parameters
    ----------
    windows : the windows.
    roots : folder of each recording's file; the source of the windows by default.

    Raises
    ------
    SparseEEGError : no window is left.
    """
    groups, same = copies(windows), same_recordings(windows)
    if not groups and not same:
        return windows
    files = _files(windows, roots)
    recordings, subjects = windows.table["recording"].to_numpy(), windows.subjects
    whose = dict(zip(recordings.tolist(), subjects.tolist(), strict=True))
    doubtful = _doubtful(windows, groups, same)
    repeated: dict[tuple[int, int], list[int]] = {}  # rows, by their recording and that of the original
    for group in groups:
        if len(set(subjects[group])) == 1:
            for row in group[1:]:
                repeated.setdefault((int(recordings[row]), int(recordings[group[0]])), []).append(row)
    problems = [*windows.problems]
    for one, other in sorted(doubtful.items()):
        problems.append(_doubt(files[one], files[other], whose[one], whose[other]))
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


def _doubtful(
    windows: WindowSet, groups: Sequence[Sequence[int]], same: Sequence[Sequence[int]]
) -> dict[int, int]:
    """Return the recordings that are left out, each with one that has the same samples.

    groups, same : as `copies` and `same_recordings` return them.
    """
    recordings, subjects = windows.table["recording"].tolist(), windows.subjects.tolist()
    whose = dict(zip(recordings, subjects, strict=True))
    doubtful: dict[int, int] = {}
    shared: set[tuple[int, int]] = set()  # recordings that have a window in common
    for group in groups:
        shared.update(permutations(dict.fromkeys(recordings[row] for row in group), 2))
        for row in group:
            others = [other for other in group if subjects[other] != subjects[row]]
            if others:
                doubtful.setdefault(recordings[row], recordings[others[0]])
    for one, other in (pair for group in same for pair in permutations(group, 2)):
        if whose[one] != whose[other] or (one, other) not in shared:
            doubtful.setdefault(one, other)
    return doubtful


def _doubt(file: Path, other: Path, person: str, other_person: str) -> Problem:
    """Return the problem of a recording that is left out because another one has the same samples."""
    if person == other_person:
        reason = (
            f"has the same samples as {other}, but other events: which of their events are right is not known"
        )
        return Problem(file, reason, LEFT_OUT, kind="because another recording has the same samples")
    reason = f"read as {person}, has the same samples as {other}, read as {other_person}"
    kind = "because another person has the same samples"
    return Problem(file, f"{reason}: whose they are is not known", LEFT_OUT, kind=kind)


def noting_same_targets(windows: WindowSet) -> WindowSet:
    """Return windows with a note for each recording that has the same targets as another one.

    Only times after an event can tell: a property of a person has one value for all of them.
    """
    if not windows.task.locked:
        return windows
    files = _files(windows, None)
    by_recording = windows.table.groupby("recording", sort=True)["target"].agg(tuple)
    first: dict[tuple[float, ...], Path] = {}
    notes = []
    for file, targets in zip(files, by_recording, strict=True):
        other = first.setdefault(targets, file)
        if other != file and len(set(targets)) >= _FEW:
            reason = (
                f"its {len(targets)} targets are those of {other}, to the digit; check that the events of "
                "one are no copy of the other's"
            )
            kind = "has the targets of another recording"
            notes.append(Problem(file, reason, "kept", "nothing", kind=kind))
    return replace(windows, problems=(*windows.problems, *notes))


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
    """Raise SparseEEGError where windows or recordings of two people hold the same samples."""
    recordings = windows.table["recording"].to_numpy()
    same = [np.flatnonzero(np.isin(recordings, group)) for group in same_recordings(windows)]
    for what, groups in (("windows", copies(windows)), ("recordings", same)):
        for group in groups:
            people = dict.fromkeys(windows.subjects[group].tolist())
            if len(people) > 1:
                raise SparseEEGError(
                    f"{name}: {listed(people, 'subject')} have {what} with the same samples, so they are one "
                    "person or a file was copied; leave one of them out"
                )
