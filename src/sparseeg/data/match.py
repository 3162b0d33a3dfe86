"""Match windows to other windows or to a network: convert what can be converted, refuse other differences.

Channels are reordered, dropped or interpolated and a reference is subtracted, which gives the same as
preparing the data again. Another rate or filter is refused: a store only keeps the segments around its
windows, which can't be filtered or resampled as a recording is. The same holds for another band, reference or
baseline in the info of MNE files, and for another time or target.
"""

import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from sparseeg.data.people import tell_apart
from sparseeg.data.provenance import FileInfo, Processing, Provenance
from sparseeg.data.signals.conditioning import AVERAGE
from sparseeg.data.signals.fit_channels import ChannelFit, fit_channels
from sparseeg.data.signals.positions import chs_info
from sparseeg.data.signals.remixed import RemixedSignal
from sparseeg.data.windows import WindowSet
from sparseeg.errors import SparseEEGError, counted

TOLERANCE = 1e-6  # seconds or Hz: -0.3 + 0.8 is not -0.2 + 0.7 in floating point


def match(
    windows: WindowSet,
    wanted: Provenance,
    whose: str,
    name: str | None = None,
    *,
    interpolate: bool = False,
    flat: Collection[str] = (),
) -> tuple[WindowSet, list[str]]:
    """Return windows converted to a wanted provenance, and a note on each conversion.

    Parameters
    ----------
    windows : the windows to convert.
    wanted : provenance of the other windows, or of those that a network takes.
    whose : name of the other side in messages, as "the run RUN".
    name : name of the windows in messages; their source by default.
    interpolate : whether channels that are missing may be interpolated, as `fit_channels` does.
    flat : wanted channels that are set to zero, as in `fit_channels`.

    Raises
    ------
    SparseEEGError : target, rate, filter, time, channels or what files say about band and reference differ in
        a way that can't be converted; the message says what differs and how to prepare the windows.
    """
    own, name = windows.provenance, name or windows.source
    _check_target(name, own, wanted, whose)
    _refuse(list(_differences(own, wanted)), whose, name)
    _check_info(name, own, wanted, whose)
    fit = _fit(name, own, wanted, whose, interpolate, flat)
    reference = _reference(name, own, wanted, whose, fit)
    notes = [*_other_events(name, own, wanted, whose), *_unknown_info(name, own, wanted, whose)]
    notes += [f"{name}: {note}" for note in _conversions(own.ch_names, fit)]
    if (own.processing.channels == "interpolate") != (wanted.processing.channels == "interpolate"):
        done, others = (name, whose) if own.processing.channels == "interpolate" else (whose, name)
        notes.append(f"bad channels were interpolated in {done}, but kept in {others}")
    if reference is not None:
        notes.append(f"{name}: re-referenced to {', '.join(wanted.processing.reference or ())}")
    signals = windows.signals
    if reference is not None or not fit.keeps_all:
        signals = [RemixedSignal(signal, fit, reference) for signal in signals]
    return replace(
        windows,
        signals=signals,
        ch_names=wanted.ch_names,
        processing=replace(windows.processing, reference=wanted.processing.reference),
    ), notes


def check_processing(windows: Provenance, other: Provenance, whose: str, name: str) -> list[str]:
    """Check that signals have a wanted rate, filter and reference; return a note on what can't be compared.

    Parameters
    ----------
    windows, other : provenance of the signals, and the wanted one.
    whose, name : as in `match`.

    Raises
    ------
    SparseEEGError : they differ; the message says how to prepare the signals.
    """
    own, wanted = windows.processing, other.processing
    differing = list(_signal_differences(own, wanted))
    if own.reference != wanted.reference:
        reference = ", ".join(own.reference or ("the recording's own",))
        expected = ", ".join(wanted.reference or ("the recording's own",))
        remedy = f"with --reference {expected}" if wanted.reference else "without --reference"
        differing.append((f"referenced to {reference} instead of {expected}", remedy))
    _refuse(differing, whose, name)
    _check_info(name, windows, other, whose)
    return _unknown_info(name, windows, other, whose)


def concatenate(sets: Sequence[WindowSet], names: Sequence[str] | None = None) -> tuple[WindowSet, list[str]]:
    """Return the windows of several sets as one set, and a note on each conversion.

    Parameters
    ----------
    sets : the sets; all are converted to the provenance of the first, and people are told apart by data set
        and subject. Whatever files say about band and reference must be the same in all sets of which it is
        known.
    names : names of the sets in messages; their sources by default.

    Raises
    ------
    SparseEEGError : as in `match`.
    """
    if len(sets) == 1:
        return sets[0], []
    sets, notes = tell_apart(sets)
    first = sets[0]
    parts = [first]
    names = names or [part.source for part in sets]
    for other, name in zip(sets[1:], names[1:], strict=True):
        part, conversions = match(other, first.provenance, names[0], name, interpolate=True)
        for earlier, whose in zip(parts, names, strict=False):
            _check_info(name, part.provenance, earlier.provenance, whose)
        parts.append(part)
        notes += conversions
    before = np.cumsum([0] + [len(part.signals) for part in parts])
    tables = [
        part.table.assign(recording=part.table["recording"] + number)
        for part, number in zip(parts, before[:-1], strict=True)
    ]
    # These are integers, which have no missing value.
    partial = [name for name in ("earliest", "latest") if any(name not in table for table in tables)]
    tables = [table.drop(columns=partial, errors="ignore") for table in tables]
    return replace(
        first,
        signals=[signal for part in parts for signal in part.signals],
        table=pd.concat(tables, ignore_index=True),
        source=", ".join(dict.fromkeys(part.source for part in parts)),
        simulated=any(part.simulated for part in parts),
        problems=tuple(problem for part in parts for problem in part.problems),
        people=" and ".join(dict.fromkeys(part.people for part in parts if part.people)),
        file_info=_common_info(parts),
        unanswered=sum(part.unanswered for part in parts),
    ), notes


def _check_target(source: str, windows: Provenance, wanted: Provenance, whose: str) -> None:
    """Raise SparseEEGError if two sides decode different targets."""
    own, other = windows.task, wanted.task
    for name, value, expected in (
        ("the target", own.target, other.target),
        ("the unit of the target", own.unit, other.unit),
    ):
        if value != expected:
            raise SparseEEGError(f"{source}: {name} is {value}, but that of {whose} is {expected}")
    if own.locked != other.locked:
        timed, untimed = (source, whose) if own.locked else (whose, source)
        raise SparseEEGError(
            f"{own.target} is a time after an event in {timed}, but not in {untimed}; "
            "they can't be decoded as the same target"
        )


def _other_events(name: str, windows: Provenance, wanted: Provenance, whose: str) -> Iterator[str]:
    """Yield a note if both sides know their events and these differ.

    It is not refused: laboratories name the same events differently. Epochs don't know their events.
    """
    own, other = windows.task.rule, wanted.task.rule
    if own is None or other is None or not windows.task.locked:
        return
    pairs = (("stimulus", own.stimulus, other.stimulus), ("response", own.response, other.response))
    for kind, events, expected in pairs:
        if events and expected and set(events) != set(expected):  # runs of version 0.1.0 kept no response
            yield (
                f"{name}: events of the {kind} are {', '.join(events)}, those of {whose} are "
                f"{', '.join(expected)}; scores are comparable only if they mean the same"
            )


def _differences(windows: Provenance, wanted: Provenance) -> Iterator[tuple[str, str]]:
    """Yield each difference that can't be converted, and the options of `sparseeg prepare` that remove it."""
    own, other = windows.processing, wanted.processing
    yield from _signal_differences(own, other)
    if not _same(windows.duration, wanted.duration, 0.5 / other.sfreq):
        yield f"windows of {windows.duration:g} s instead of {wanted.duration:g} s", _time_options(wanted)
    elif not _same(windows.tmin, wanted.tmin):
        yield f"windows begin at {windows.tmin:g} s instead of {wanted.tmin:g} s", _time_options(wanted)


def _signal_differences(own: Processing, other: Processing) -> Iterator[tuple[str, str]]:
    """Yield differences of rate and filter, and the options of `sparseeg prepare` that remove them."""
    if not _same(own.sfreq, other.sfreq):
        yield f"sampled at {own.sfreq:g} Hz instead of {other.sfreq:g} Hz", f"with --sfreq {other.sfreq:g}"
    if not (_same(own.low_cut, other.low_cut) and _same(own.high_cut, other.high_cut)):
        edges = [("--low-cut", other.low_cut), ("--high-cut", other.high_cut)]
        options = [f"{option} {edge:g}" for option, edge in edges if edge is not None]
        remedy = f"with {' '.join(options)}" if options else "without --low-cut and --high-cut"
        yield f"{own.band} instead of {other.band}", remedy


def _check_info(name: str, windows: Provenance, wanted: Provenance, whose: str) -> None:
    """Raise SparseEEGError if files say another band or reference than those of the other side."""
    own, other = windows.file_info, wanted.file_info
    if own is None or other is None:
        return
    # A reference that was subtracted here replaces that of the files.
    if not own.fits(other, rereferenced=wanted.processing.reference is not None):
        raise SparseEEGError(
            f"{name} does not fit {whose}: its files say {own} instead of {other}; filter, re-reference and "
            "baseline-correct the epochs alike in MNE, and save them again"
        )


def _common_info(parts: Sequence[WindowSet]) -> FileInfo | None:
    """Return what the files of all parts say."""
    infos = [part.file_info for part in parts if part.file_info is not None]
    if len(infos) < len(parts):
        return None
    return replace(infos[0], baseline=None) if any(info.baseline is None for info in infos) else infos[0]


def _unknown_info(name: str, windows: Provenance, wanted: Provenance, whose: str) -> list[str]:
    """Return a note on what only the files of one side say: band, reference and baseline, or the last."""
    own, other = windows.file_info, wanted.file_info
    if own is not None and other is not None:
        said, expected = (None if info.baseline is None else info.corrected for info in (own, other))
    else:
        said, expected = (None if info is None else str(info) for info in (own, other))
    if (said is None) == (expected is None):
        return []
    known, unknown = (whose, name) if said is None else (name, whose)
    return [f"{known}: files say {said or expected}; those of {unknown} are not known and were not compared"]


def _refuse(differing: Sequence[tuple[str, str]], whose: str, name: str) -> None:
    """Raise SparseEEGError with all differences and their remedies, if there are any."""
    if differing:
        differences, remedies = zip(*differing, strict=True)
        raise SparseEEGError(
            f"{name} does not fit {whose}: {'; '.join(differences)}; prepare it {' and '.join(remedies)}"
        )


def _time_options(wanted: Provenance) -> str:
    """Return the options of `sparseeg prepare` that give windows with the wanted times."""
    if wanted.task.rule is None and not wanted.task.locked:
        return f"with --crop {wanted.duration:g}"
    return f"with --tmin {wanted.tmin:g} --tmax {round(wanted.tmin + wanted.duration, 6):g}"


def _same(one: float | None, other: float | None, tolerance: float = TOLERANCE) -> bool:
    if one is None or other is None:
        return one is other
    return math.isclose(one, other, rel_tol=0, abs_tol=tolerance)


def _fit(
    name: str,
    windows: Provenance,
    wanted: Provenance,
    whose: str,
    interpolate: bool,
    flat: Collection[str],
) -> ChannelFit:
    """Return how the wanted channels are made; SparseEEGError where one is missing or two could be meant."""
    reference = wanted.processing.reference or ()
    channels = chs_info(wanted.ch_names)
    try:
        return fit_channels(
            windows.ch_names, channels, (), flat, reference, interpolate=interpolate, whose=whose
        )
    except SparseEEGError as error:
        raise SparseEEGError(f"{name}: {error}") from error


def _conversions(names: Sequence[str], fit: ChannelFit) -> Iterator[str]:
    """Yield what is done to channels."""
    used = [column for column in fit.columns.tolist() if column >= 0]
    if fit.interpolated:
        yield f"interpolated by spherical splines: {', '.join(fit.interpolated)}"
    if fit.zeroed:
        yield f"set to zero, as in training: {', '.join(fit.zeroed)}"
    dropped = [name for at, name in enumerate(names) if at not in used and name not in fit.zeroed]
    if dropped:
        more = ", ..." if len(dropped) > 8 else ""
        yield f"{counted(len(dropped), 'channel')} dropped: {', '.join(dropped[:8])}{more}"
    elif used != sorted(used):
        yield "channels reordered"


def _reference(
    source: str, windows: Provenance, wanted: Provenance, whose: str, fit: ChannelFit
) -> ChannelFit | None:
    """Return the channels whose mean must be subtracted; None for none."""
    own, other = windows.processing.reference, wanted.processing.reference
    if own == other or (own and other and set(own) == set(other)):
        # The average of other channels is a different reference.
        whole = other != (AVERAGE,) or sorted(fit.columns) == list(range(len(windows.ch_names)))
        return None if whole else fit
    if other is None:
        raise SparseEEGError(
            f"{source} is re-referenced to {', '.join(own or ())}, but {whose} has the original reference of "
            "the recordings; prepare it without --reference"
        )
    if other == (AVERAGE,):
        return fit
    return _fit(source, windows, replace(wanted, ch_names=other), whose, interpolate=False, flat=())
