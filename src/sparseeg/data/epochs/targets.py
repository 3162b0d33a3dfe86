"""Believe the targets of epochs files, or not: other units in some files, times that no response takes."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from sparseeg.data.epochs.file import DROPPED, EpochsFile
from sparseeg.data.problems import LEFT_OUT, Problem
from sparseeg.data.tasks import MAX_RT
from sparseeg.errors import SparseEEGError
from sparseeg.files.tsv import FAR_OFF

SECONDS = {
    "s": 1.0,
    "sec": 1.0,
    "second": 1.0,
    "seconds": 1.0,
    "ms": 1e-3,
    "msec": 1e-3,
    "millisecond": 1e-3,
    "milliseconds": 1e-3,
    "us": 1e-6,
    "usec": 1e-6,
    "microsecond": 1e-6,
    "microseconds": 1e-6,
}
"""Units of time in seconds."""
_GAP = 30.0  # medians of people differ by less, and those in seconds and milliseconds by more
_SHORTEST = 0.01  # seconds; nobody responds faster to what was shown


def in_seconds(unit: str) -> float | None:
    """Return a unit of time in seconds; None for another unit."""
    return SECONDS.get(unit.lower())


def believable(
    path: Path,
    read: Sequence[EpochsFile | Problem],
    target: str,
    unit: str,
    max_rt: float | None,
    problems: list[Problem],
) -> list[EpochsFile | Problem]:
    """Return files that were read, with times in seconds, without targets that can't be believed.

    Parameters
    ----------
    path : the folder, for messages.
    read : the files, or a problem with each.
    target, unit : column of the targets, and its unit.
    max_rt : longest time in seconds; 10 s by default, or the end of the window if that is more.
    problems : gets what is wrong with all files.

    Raises
    ------
    SparseEEGError : files have different units, and none is more frequent; or `max_rt` has no effect.
    """
    factor = in_seconds(unit)
    if factor is None and max_rt is not None:
        raise SparseEEGError(
            f"{path}: max_rt has no effect: the target {target} is not a time; give its unit "
            "(--target-unit), or leave --max-rt out"
        )
    read = _of_one_unit(path, read, target, factor is not None)
    return _believed(path, read, target, factor, max_rt, problems)


def _of_one_unit(
    path: Path, read: Sequence[EpochsFile | Problem], target: str, a_time: bool
) -> list[EpochsFile | Problem]:
    """Return files that were read, with a problem in place of those whose targets have another unit.

    Their medians are apart from those of most files. Targets that are not known to be times may differ as
    much for other reasons: only factors near 1000 and 1,000,000 count, where all medians are positive.
    """
    files = [result for result in read if isinstance(result, EpochsFile)]
    if a_time:
        files = [result for result in files if (result.target > 0).any()]
    medians = np.array([_median(result, a_time) for result in files])
    if not len(files) or (medians <= 0).any():
        return list(read)
    groups = _groups(medians)
    counts = np.bincount(groups)
    main = counts.argmax()
    usual = float(np.median(medians[groups == main]))
    problems: dict[Path, Problem] = {}
    for number in np.flatnonzero(groups != main):
        file, median = files[number].path, medians[number]
        if not (a_time or _is_factor(median / usual)):
            continue
        if counts[groups[number]] == counts[main]:
            other = int(np.argmax(groups == main))
            raise SparseEEGError(
                f"{path}: the median of column {target} is {medians[other]:.4g} in {files[other].path.name}, "
                f"but {median:.4g} in {file.name}: their units differ; write it in one unit in all files"
            )
        reason = (
            f"the median of column {target} is {median:.4g} in this file, but {usual:.4g} in most files: its "
            "unit differs; write it in one unit in all files"
        )
        kind = f"because column {target} has another unit than in most files"
        problems[file] = Problem(file, reason, LEFT_OUT, kind=kind)
    return [result if isinstance(result, Problem) else problems.get(result.path, result) for result in read]


def _median(result: EpochsFile, a_time: bool) -> float:
    """Return the median of the targets; of times, that of those after the event."""
    return float(np.median(result.target[result.target > 0] if a_time else result.target))


def _groups(medians: np.ndarray) -> np.ndarray:
    """Return a number for each median: another one behind each gap."""
    order = np.argsort(medians)
    ordered = medians[order]
    groups = np.zeros(len(medians), dtype=np.int64)
    groups[order[1:]] = np.cumsum(ordered[1:] > _GAP * ordered[:-1])
    return groups


def _is_factor(ratio: float) -> bool:
    """Say whether a ratio, or its inverse, is about 1000 or 1,000,000."""
    return any(abs(abs(np.log10(ratio)) - power) < 0.5 for power in (3, 6))


def _believed(
    path: Path,
    read: Sequence[EpochsFile | Problem],
    target: str,
    factor: float | None,
    max_rt: float | None,
    problems: list[Problem],
) -> list[EpochsFile | Problem]:
    """Return files with times in seconds, without epochs whose target can't be believed; see `believable`.

    factor : unit of the times in seconds; None for targets that are no times. Of these, no more is known than
    that none is far from all others.
    """
    files = [result for result in read if isinstance(result, EpochsFile)]
    every = np.concatenate([result.target for result in files]) if files else np.empty(0)
    usual = float(np.median(np.abs(every))) if len(every) else 0.0
    if factor is not None and 0 < usual * factor < _SHORTEST:
        reason = f"half of the times in column {target} are shorter than {usual * factor:.4g} s"
        problems.append(Problem(path, reason, "kept; check --target-unit", "nothing"))

    def one(result: EpochsFile) -> EpochsFile | Problem:
        if factor is None:
            what = f"are more than {FAR_OFF:,.0f} times the median of column {target}"
            return _without(result, [(np.abs(result.target) > (FAR_OFF * usual or np.inf), what)])
        end = result.tmin + result.n_times / result.sfreq
        longest = max(MAX_RT, end) if max_rt is None else max_rt
        times = result.target * factor
        inside = (times > 0) & (times <= longest)
        apart = _far_from_others(times, inside)
        if isinstance(apart, str):
            reason = f"column {target} has {apart}: their units differ; write it in one unit"
            return Problem(result.path, reason, LEFT_OUT, kind=f"because column {target} has two units")
        far = f"have a time far from the others of the file in column {target}; write it in one unit"
        long = f"have a time longer than {longest:g} s in column {target}; --max-rt sets the limit"
        return _without(
            replace(result, target=times),
            [
                (times <= 0, f"have a time of 0 s or less in column {target}"),
                (times > longest, long),
                (apart, far),
            ],
        )

    return [one(result) if isinstance(result, EpochsFile) else result for result in read]


def _far_from_others(times: np.ndarray, inside: np.ndarray) -> np.ndarray | str:
    """Return which times of a file are in another unit than most; words on both if none is more frequent.

    They lie below a gap, or about 1000 or 1,000,000 times above the others; a slow response is no other unit.

    inside : the times that count.
    """
    far = np.zeros(len(times), dtype=bool)
    groups = _groups(times[inside])
    if not len(groups) or groups.max() == 0:
        return far
    counts = np.bincount(groups)
    medians = [float(np.median(times[inside][groups == number])) for number in range(len(counts))]
    main = int(counts.argmax())
    wrong = [
        number
        for number, median in enumerate(medians)
        if number < main or (number > main and _is_factor(median / medians[main]))
    ]
    for number in wrong:
        if counts[number] == counts[main]:
            return f"as many times near {medians[main]:.4g} s as near {medians[number]:.4g} s"
    far[inside] = np.isin(groups, wrong)
    return far


def _without(result: EpochsFile, wrong: Sequence[tuple[np.ndarray, str]]) -> EpochsFile | Problem:
    """Return a file without the epochs that are wrong, each for the first reason that fits."""
    good, problems = np.ones(len(result.target), dtype=bool), list(result.problems)
    for bad, what in wrong:
        count, before = int((bad & good).sum()), int(good.sum())
        good &= ~bad
        reason = f"{count} of {before} epochs {what}"
        if not good.any():
            median = float(np.median(result.target))
            reason += f"; the median is {median:.4g}: check the column and --target-unit"
            return Problem(result.path, reason, LEFT_OUT, kind=f"because all epochs {what}")
        if count:
            problems.append(Problem(result.path, reason, DROPPED, "windows", count, what))
    if good.all():
        return result
    kept = {name: getattr(result, name)[good] for name in ("signal", "target", "trial", "event")}
    return replace(result, **kept, problems=tuple(problems))
