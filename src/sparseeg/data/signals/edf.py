"""What MNE doesn't check in EDF and BDF files: their headers, several sampling rates, and gaps.

Source: EDF (Kemp et al. 1992), EDF+ (Kemp and Olivan 2003), BDF (BioSemi).
"""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sparseeg.data.problems import listed
from sparseeg.data.signals.cut_off import longer, shorter
from sparseeg.data.signals.labels import label_type
from sparseeg.errors import SparseEEGError, counted

ANNOTATIONS = ("EDF Annotations", "BDF Annotations")
_STIM = ("status", "trigger")  # MNE repeats their values where their rate differs
UNITS = ("uV", "\u00b5V", "\u03bcV", "\x83\xcaV", "mV", "V")  # that MNE reads
_ONSET = re.compile(rb"([+-]\d+(?:\.\d*)?)\x14")
_TIME = 32  # bytes, more than a time has
# Seconds by which times are rounded, and their drift if the duration of records is, which has 8 characters.
_ROUNDED, _DRIFT = 0.01, 1e-5


@dataclass(frozen=True)
class EdfHeader:
    """The parts of a header that say where samples are, and when.

    Parameters
    ----------
    labels : of all channels, with those of annotations.
    samples : samples per record of each channel.
    n_records, seconds : number of records in the file, and the duration of each.
    stated : number of records that the header states; none or less if it isn't known.
    start : position of the first record in the file.
    width : bytes per sample.
    discontinuous : whether there may be gaps between the records.
    units : physical dimension of each channel.
    ranges : physical and digital minimum and maximum of each channel, as they are written.
    """

    labels: tuple[str, ...]
    samples: tuple[int, ...]
    n_records: int
    stated: int
    seconds: float
    start: int
    width: int
    discontinuous: bool
    units: tuple[str, ...]
    ranges: tuple[tuple[str, ...], ...]

    @property
    def signals(self) -> list[int]:
        """Indices of the channels with a sampling rate of their own: neither annotations nor triggers."""
        others = (*ANNOTATIONS, *_STIM)
        return [i for i, name in enumerate(self.labels) if name not in others and name.lower() not in others]


def read_header(path: Path) -> EdfHeader:
    """Return the header of an EDF or BDF file.

    Readers trust the number of channels, and would read one field as another if it were wrong.

    Raises
    ------
    SparseEEGError : the header is damaged, states a wrong number of channels, or is that of the other format.
    """
    width = 3 if path.suffix.lower() == ".bdf" else 2
    with path.open("rb") as file:
        fixed = file.read(256)
        content = {b"\xff": ".bdf", b"0": ".edf"}.get(fixed[:1], path.suffix.lower())
        if content != path.suffix.lower():  # read as the other format, its samples would be noise
            raise SparseEEGError(f"its content is that of a {content} file; rename it")
        try:
            start, channels = int(fixed[184:192]), int(fixed[252:256])
            records, seconds = int(fixed[236:244]), float(fixed[244:252].replace(b",", b".")) or 1.0  # as MNE
        except ValueError as error:
            raise SparseEEGError("its header is damaged or truncated") from error
        if channels < 1 or start != 256 * (1 + channels):
            described = start // 256 - 1
            raise SparseEEGError(f"its header says {channels} channels, but describes {described}")
        fields = file.read(256 * channels)
        size = file.seek(0, 2)
    try:
        samples = tuple(int(text) for text in _field(fields, 216, 8, channels))
    except ValueError as error:
        raise SparseEEGError("its header is damaged or truncated") from error
    if min(samples) < 0 or sum(samples) < 1:
        raise SparseEEGError("its header is damaged: it states no samples")
    labels = tuple(text.strip().decode("latin-1") for text in _field(fields, 0, 16, channels))
    units = tuple(text.strip().decode("latin-1") for text in _field(fields, 96, 8, channels))
    ends = (_field(fields, before, 8, channels) for before in (104, 112, 120, 128))
    ranges = tuple(
        tuple(text.decode("latin-1").strip() for text in limits) for limits in zip(*ends, strict=True)
    )
    there = (size - start) // (width * sum(samples))
    plus = fixed[192:197].decode("latin-1").upper() in ("EDF+D", "BDF+D")
    return EdfHeader(labels, samples, there, records, seconds, start, width, plus, units, ranges)


def _field(fields: bytes, before: int, width: int, channels: int) -> list[bytes]:
    """Return a field of every channel; `before` is the width of the fields before it."""
    first = before * channels
    return [fields[first + width * i : first + width * (i + 1)] for i in range(channels)]


def note_size(header: EdfHeader, notes: list[str]) -> None:
    """Note a file with fewer or more records than its header states; MNE reads those that are there."""
    if header.stated > header.n_records:
        notes.append(shorter(header.n_records, header.stated, "records"))
    elif 0 < header.stated < header.n_records:
        notes.append(longer(header.n_records, header.stated, "records"))


def check_units(header: EdfHeader, notes: list[str], types: Mapping[str, str] | None = None) -> None:
    """Note EEG channels without a unit, which MNE reads as volts.

    Parameters
    ----------
    header, notes, types : as in `channels_of_one_rate`.

    Raises
    ------
    SparseEEGError : an EEG channel has a unit that MNE would read as volts, although it says something else.
    """
    found: dict[str, list[str]] = {}
    for i in header.signals:
        name, unit = header.labels[i], header.units[i]
        if unit not in UNITS and (types or {}).get(name, label_type(name)) == "EEG":
            found.setdefault(unit, []).append(name)
    without = found.pop("", [])
    for unit, names in found.items():
        raise SparseEEGError(
            f"{listed(names, 'channel')} {'has' if len(names) == 1 else 'have'} the unit {unit!r}, which is "
            "not read; write the file in uV"
        )
    if without:
        notes.append(f"no unit for {listed(without, 'channel')}; read as volts")


def check_ranges(header: EdfHeader, types: Mapping[str, str] | None = None) -> None:
    """Raise SparseEEGError if an EEG channel has no range, so that its samples have no unit."""
    for i in header.signals:
        name = header.labels[i]
        if (types or {}).get(name, label_type(name)) != "EEG":
            continue
        for kind, limits in (("physical", header.ranges[i][:2]), ("digital", header.ranges[i][2:])):
            try:
                low, high = (float(text.replace(",", ".")) for text in limits)
            except ValueError:
                low = high = np.nan
            if not abs(high - low) > 0:
                raise SparseEEGError(
                    f"the {kind} range of channel {name} is {limits[0]} to {limits[1]}, so the voltage of "
                    "its samples is not known; export the file again"
                )


def channels_of_one_rate(
    header: EdfHeader, notes: list[str], types: Mapping[str, str] | None = None
) -> list[str] | None:
    """Return the labels of the channels of one sampling rate, if there are several rates; None otherwise.

    The rate is that of most EEG channels, and the higher one of two. MNE computes the
    samples of the channels of other rates from those that are read at once, wrongly unless these are whole
    records.

    Parameters
    ----------
    header : of the file.
    notes : gets a note on the channels that are left out.
    types : types of channels by label, as in channels.tsv; those of other channels follow from their labels.

    Raises
    ------
    SparseEEGError : a label belongs to channels of two rates, so that they can't be told apart.
    """
    signals = header.signals
    if len({header.samples[i] for i in signals}) < 2:
        return None
    names = {i: header.labels[i] for i in signals}
    eeg = [i for i, name in names.items() if (types or {}).get(name, label_type(name)) == "EEG"] or signals
    counts = Counter(header.samples[i] for i in eeg)
    chosen = max(counts, key=lambda samples: (counts[samples], samples))
    kept = {header.labels[i] for i in signals if header.samples[i] == chosen}
    left = [i for i in signals if header.samples[i] != chosen]
    twice = kept & {header.labels[i] for i in left}
    if twice:
        raise SparseEEGError(
            f"it has channels of the same name at two sampling rates: {', '.join(sorted(twice))}"
        )
    rates = ", ".join(
        f"{samples / header.seconds:g}" for samples in sorted({header.samples[i] for i in left})
    )
    notes.append(
        f"it has several sampling rates; read at {chosen / header.seconds:g} Hz, without "
        f"{listed((header.labels[i] for i in left), 'channel')} ({rates} Hz)"
    )
    others = [name for i, name in enumerate(header.labels) if i not in signals and name not in ANNOTATIONS]
    return [*kept, *others]


def check_continuous(path: Path, header: EdfHeader) -> None:
    """Raise SparseEEGError if there are gaps between the records of a file, by the times that they have.

    MNE would join the records, and read events after a gap at wrong times or not at all. Files that say that
    they are continuous (EDF+C or BDF+C) may have gaps, too; their times may be missing or rounded.
    """
    onset = _record_onsets(path, header)
    known = np.flatnonzero(np.isfinite(onset))
    if not len(known) or (not header.discontinuous and np.ptp(onset[known]) == 0):
        return
    start = onset[known[0]] - header.seconds * known[0]
    due = header.seconds * known
    half = header.seconds / max(2, 2 * max(header.samples[i] for i in header.signals or [0]))  # a sample
    tolerance = 0 * due + half if header.discontinuous else max(half, _ROUNDED) + _DRIFT * due
    late = onset[known] - start - due
    wrong = np.abs(late) > tolerance
    if not wrong.any():
        return
    gaps = max(1, int(np.sum(np.abs(np.diff(late)) > np.max(tolerance))))
    first = int(np.argmax(wrong))
    said = "is discontinuous (EDF+D or BDF+D)"
    if not header.discontinuous:
        said = "says that it is continuous, but is not"
    raise SparseEEGError(
        f"it {said}: {counted(gaps, 'gap')} between its records, the first after {due[first]:g} s of "
        f"signal, where the time goes on at {onset[known[first]] - start:g} s; export it as a continuous "
        "file (EDF+C or BDF+C), or each part as a file of its own"
    )


def _record_onsets(path: Path, header: EdfHeader) -> np.ndarray:
    """Return the time of each record in seconds, from the channel of annotations; NaN where there is none.

    Raises
    ------
    SparseEEGError : the file says that it is discontinuous, but a record has no time.
    """
    onset = np.full(header.n_records, np.nan)
    index = next((i for i, name in enumerate(header.labels) if name in ANNOTATIONS), None)
    if index is None and header.discontinuous:
        raise SparseEEGError(
            "it says that it is discontinuous (EDF+D or BDF+D), but has no annotations with the times of its "
            "records; export it as a continuous file (EDF+C or BDF+C)"
        )
    if index is None:
        return onset
    before = header.width * sum(header.samples[:index])
    step = header.width * sum(header.samples)
    length = min(_TIME, header.width * header.samples[index])
    with path.open("rb", buffering=0) as file:
        for record in range(header.n_records):
            file.seek(header.start + record * step + before)
            found = _ONSET.match(file.read(length))
            if found is not None:
                onset[record] = float(found[1])
            elif header.discontinuous:
                raise SparseEEGError(
                    f"it says that it is discontinuous (EDF+D or BDF+D), but record {record + 1} has no "
                    "time; export it as a continuous file (EDF+C or BDF+C)"
                )
    return onset
