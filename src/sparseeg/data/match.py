"""Where windows meet other windows or a network: they are made alike, or refused with what differs.

Channels are reordered and left out, and a reference is subtracted: that gives what a new preparation would. A
filter or another rate would not, because a store keeps only the stretches of signal around its windows.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from sparseeg.data.provenance import Processing, Provenance
from sparseeg.data.signals.continuous import AVERAGE, reference_rows
from sparseeg.data.signals.remixed import Remixed
from sparseeg.data.windows import WindowSet
from sparseeg.errors import SparseEEGError, nearest

TOLERANCE = 1e-6  # seconds or Hz: -0.3 + 0.8 is not -0.2 + 0.7 in floating point


def match(
    windows: WindowSet, wanted: Provenance, whose: str, name: str | None = None
) -> tuple[WindowSet, list[str]]:
    """Return windows that are as `wanted`, and a note on each thing that was done to them.

    Parameters
    ----------
    windows : what is there.
    wanted : what the other side holds or takes.
    whose : names the other side in messages, as "the run RUN".
    name : names the windows there; their source by default.

    Raises
    ------
    SparseEEGError : target, rate, filter, position in time, or channels that can't be made alike; the message
        says what differs and how to prepare the windows.
    """
    there, name = windows.provenance, name or windows.source
    _check_target(name, there, wanted, whose)
    _refuse(list(_differences(there, wanted)), whose, name)
    columns = _columns(name, there.ch_names, wanted.ch_names, whose)
    reference = _reference(name, there, wanted, whose, columns)
    notes = []
    if len(columns) < len(there.ch_names):
        notes.append(f"{name}: {len(there.ch_names) - len(columns)} channels left out")
    elif columns != list(range(len(columns))):
        notes.append(f"{name}: channels put into the same order")
    if reference is not None:
        notes.append(f"{name}: re-referenced to {', '.join(wanted.processing.reference or ())}")
    same = reference is None and columns == list(range(len(there.ch_names)))
    return replace(
        windows,
        signals=windows.signals if same else [Remixed(one, columns, reference) for one in windows.signals],
        ch_names=wanted.ch_names,
        processing=replace(windows.processing, reference=wanted.processing.reference),
    ), notes


def check_processing(there: Processing, wanted: Processing, whose: str, name: str) -> None:
    """Raise SparseEEGError unless signals have the rate, filter and reference of others; see `match`."""
    differing = list(_signal_differences(there, wanted))
    if there.reference != wanted.reference:
        own, other = (", ".join(one.reference or ("the recording's own",)) for one in (there, wanted))
        mend = f"with --reference {other}" if wanted.reference else "without --reference"
        differing.append((f"referenced to {own} instead of {other}", mend))
    _refuse(differing, whose, name)


def concatenate(sets: Sequence[WindowSet], names: Sequence[str] | None = None) -> tuple[WindowSet, list[str]]:
    """Return the windows of all sets as one, in their order, made like the first; and notes as of `match`.

    names : of the sets in messages; their sources by default.

    Raises
    ------
    SparseEEGError : as in `match`.
    """
    if len(sets) == 1:
        return sets[0], []
    first, notes = sets[0], []
    parts = [first]
    names = names or [part.source for part in sets]
    for other, name in zip(sets[1:], names[1:], strict=True):
        part, done = match(other, first.provenance, names[0], name)
        parts.append(part)
        notes += done
    before = np.cumsum([0] + [len(part.signals) for part in parts])
    tables = [
        part.table.assign(recording=part.table["recording"] + number)
        for part, number in zip(parts, before[:-1], strict=True)
    ]
    # numbers of samples, which have no place for "not known"
    partial = [name for name in ("earliest", "latest") if any(name not in table for table in tables)]
    tables = [table.drop(columns=partial, errors="ignore") for table in tables]
    together = replace(
        first,
        signals=[signal for part in parts for signal in part.signals],
        table=pd.concat(tables, ignore_index=True),
        source=", ".join(dict.fromkeys(part.source for part in parts)),
        simulated=any(part.simulated for part in parts),
        problems=tuple(problem for part in parts for problem in part.problems),
    )
    return together, notes


def _check_target(source: str, there: Provenance, wanted: Provenance, whose: str) -> None:
    """Raise SparseEEGError where two sides don't decode the same."""
    own, other = there.task, wanted.task
    for name, here, expected in (
        ("the target", own.target, other.target),
        ("the unit of the target", own.unit, other.unit),
    ):
        if here != expected:
            raise SparseEEGError(f"{source}: {name} is {here}, but that of {whose} is {expected}")
    if own.locked != other.locked:
        timed, untimed = (source, whose) if own.locked else (whose, source)
        raise SparseEEGError(
            f"{own.target} is a time after an event in {timed}, but not in {untimed}; "
            "they can't be decoded as one"
        )


def _differences(there: Provenance, wanted: Provenance) -> Iterator[tuple[str, str]]:
    """Yield what can't be made alike, and how `sparseeg prepare` makes it so."""
    own, other = there.processing, wanted.processing
    yield from _signal_differences(own, other)
    if not _same(there.duration, wanted.duration, 0.5 / other.sfreq):
        yield f"windows of {there.duration:g} s instead of {wanted.duration:g} s", _times(wanted)
    elif not _same(there.tmin, wanted.tmin):
        yield f"windows begin at {there.tmin:g} s instead of {wanted.tmin:g} s", _times(wanted)


def _signal_differences(own: Processing, other: Processing) -> Iterator[tuple[str, str]]:
    """Yield in what rate and filter differ, and how `sparseeg prepare` makes them the same."""
    if not _same(own.sfreq, other.sfreq):
        yield f"sampled at {own.sfreq:g} Hz instead of {other.sfreq:g} Hz", f"with --sfreq {other.sfreq:g}"
    if not (_same(own.low_cut, other.low_cut) and _same(own.high_cut, other.high_cut)):
        edges = [("--low-cut", other.low_cut), ("--high-cut", other.high_cut)]
        options = [f"{option} {edge:g}" for option, edge in edges if edge is not None]
        mend = f"with {' '.join(options)}" if options else "without --low-cut and --high-cut"
        yield f"{own.band} instead of {other.band}", mend


def _refuse(differing: Sequence[tuple[str, str]], whose: str, name: str) -> None:
    """Raise SparseEEGError with all that differs and how to prepare the windows, where anything does."""
    if differing:
        said, mends = zip(*differing, strict=True)
        raise SparseEEGError(
            f"{name} does not fit {whose}: {'; '.join(said)}; prepare it {' and '.join(mends)}"
        )


def _times(wanted: Provenance) -> str:
    """Say how `sparseeg prepare` gives such windows."""
    if wanted.task.rule is None and not wanted.task.locked:
        return f"with --crop {wanted.duration:g}"
    return f"with --tmin {wanted.tmin:g} --tmax {round(wanted.tmin + wanted.duration, 6):g}"


def _same(one: float | None, other: float | None, tolerance: float = TOLERANCE) -> bool:
    if one is None or other is None:
        return one is other
    return math.isclose(one, other, rel_tol=0, abs_tol=tolerance)


def _columns(source: str, there: Sequence[str], wanted: Sequence[str], whose: str) -> list[int]:
    """Return the column of each wanted channel; names may differ in their capitals."""
    known = {name.lower(): number for number, name in enumerate(there)}
    lacking = [name for name in wanted if name.lower() not in known]
    if lacking:
        listed = ", ".join(lacking[:5]) + (f" and {len(lacking) - 5} more" if len(lacking) > 5 else "")
        raise SparseEEGError(
            f"{source} lacks channel {listed} of {whose}.{nearest(lacking[0], there)} Its {len(there)} "
            f"channels are {', '.join(there[:5])}{', ...' if len(there) > 5 else ''}"
        )
    return [known[name.lower()] for name in wanted]


def _reference(
    source: str, there: Provenance, wanted: Provenance, whose: str, columns: list[int]
) -> list[int] | None:
    """Return the columns whose mean is still to be subtracted; None for none."""
    own, other = there.processing.reference, wanted.processing.reference
    if own == other or (own and other and set(own) == set(other)):
        # The average of more channels than are kept is another one.
        whole = other != (AVERAGE,) or len(there.ch_names) == len(wanted.ch_names)
        return None if whole else columns
    if other is None:
        raise SparseEEGError(
            f"{source}: re-referenced to {', '.join(own or ())}, but {whose} has the recordings' own "
            "reference; prepare it without --reference"
        )
    return columns if other == (AVERAGE,) else reference_rows(there.ch_names, other)
