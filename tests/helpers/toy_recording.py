"""One recording of sixty trials, known by arithmetic, written in every format that the tests can write.

Every sample is a multiple of 0.1 uV, and every format stores these exactly.
"""

from collections.abc import Sequence
from pathlib import Path

import edfio
import mne
import numpy as np
import pandas as pd
from scipy.io import savemat

from helpers.formats import write_neuroscan

SFREQ, TRIALS, SECONDS = 100, 60, 248
CH_NAMES = ("Fz", "Cz", "Pz", "Oz")
STEP = 0.1  # microvolts
ONSETS = 4.0 + 4.0 * np.arange(TRIALS)
RESPONSE_TIMES = 0.6 + 0.03 * (np.arange(TRIALS) % 50)

Mark = tuple[float, float, str]
"""(onset, duration, name) of an annotation in a file, in seconds."""


def samples(sfreq: int = SFREQ, n_channels: int = len(CH_NAMES), seconds: int = SECONDS) -> np.ndarray:
    """Return (channel, time) microvolts; no two stretches of a second are the same."""
    time = np.arange(seconds * sfreq)
    channel = np.arange(1, n_channels + 1)[:, None]
    return ((time * (317 + 2 * channel) + time // 7919 * 1013) % 7919 - 3959) * STEP


def events() -> pd.DataFrame:
    """Return the content of an events.tsv: a stimulus `go` and a response `press` per trial."""
    rows = [(onset, "go") for onset in ONSETS]
    rows += [(onset + rt, "press") for onset, rt in zip(ONSETS, RESPONSE_TIMES, strict=True)]
    table = pd.DataFrame(sorted(rows), columns=["onset", "value"])
    table.insert(1, "duration", "n/a")
    return table.assign(onset=table["onset"].map(lambda onset: f"{onset:.6f}"))


def windows(data: np.ndarray, trials: Sequence[int]) -> np.ndarray:
    """Return (trial, channel, time): 0.5 to 2.5 s after the stimuli."""
    first = np.round((ONSETS[list(trials)] + 0.5) * SFREQ).astype(int)
    return np.stack([data[:, begin : begin + 2 * SFREQ] for begin in first])


def write_edf(
    path: Path,
    data: np.ndarray,
    marks: Sequence[Mark] = (),
    *,
    others: Sequence[tuple[str, int, np.ndarray]] = (),
    gaps: dict[int, float] | None = None,
) -> None:
    """Write EDF or BDF, by the ending of the path.

    Parameters
    ----------
    others : further channels, each at its own rate.
    gaps : seconds by which time jumps before a record of one second. If given, even without any, the file
        says that it is discontinuous.
    """
    bdf = path.suffix.lower() == ".bdf"
    kind, signal = (edfio.Bdf, edfio.BdfSignal) if bdf else (edfio.Edf, edfio.EdfSignal)
    highest = 2 ** (23 if bdf else 15)
    span = (-round(highest * STEP, 1), round((highest - 1) * STEP, 1))
    rows = [(name, SFREQ, row) for name, row in zip(CH_NAMES, data, strict=True)]
    channels = [
        signal(
            row,
            rate,
            label=name,
            physical_dimension="uV",
            physical_range=span,
            digital_range=(-highest, highest - 1),
        )
        for name, rate, row in [*rows, *others]
    ]
    notes = [edfio.EdfAnnotation(onset, duration or None, name) for onset, duration, name in marks]
    if gaps is not None and not notes:
        notes.append(edfio.EdfAnnotation(0.0, None, "start"))
    kind(channels, data_record_duration=1, annotations=notes or None).write(path)
    if gaps is not None:
        _make_discontinuous(path, gaps, 3 if bdf else 2)


def _make_discontinuous(path: Path, gaps: dict[int, float], width: int) -> None:
    content = bytearray(path.read_bytes())
    content[192:197] = b"BDF+D" if width == 3 else b"EDF+D"
    start, channels = int(content[184:192]), int(content[252:256])
    labels = [bytes(content[256 + 16 * i :][:16]).strip() for i in range(channels)]
    counts = [int(content[256 + 216 * channels + 8 * i :][:8]) for i in range(channels)]
    index = next(i for i, label in enumerate(labels) if label.endswith(b"Annotations"))
    shift = 0.0
    for record in range((len(content) - start) // (width * sum(counts))):
        shift += gaps.get(record, 0.0)
        first = start + width * (record * sum(counts) + sum(counts[:index]))
        last = first + width * counts[index]
        onset, rest = bytes(content[first:last]).split(b"\x14", 1)
        changed = f"+{float(onset) + shift:g}".encode() + b"\x14" + rest
        content[first:last] = changed[: last - first].ljust(last - first, b"\0")
    path.write_bytes(content)


def write_brainvision(
    path: Path,
    data: np.ndarray,
    marks: Sequence[Mark] = (),
    *,
    data_file: str | None = None,
    named: str | None = None,
) -> None:
    """Write BrainVision, with 16-bit integers of 0.1 uV; a mark `New Segment` gets that type.

    With `named`, the header names files of that name, as before they were renamed.
    """
    data_file, marker_file = data_file or f"{path.stem}.eeg", f"{path.stem}.vmrk"
    said = (data_file, marker_file) if named is None else (f"{named}.eeg", f"{named}.vmrk")
    names = "".join(f"Ch{n + 1}={name},,{STEP},uV\n" for n, name in enumerate(CH_NAMES))
    path.write_text(
        "Brain Vision Data Exchange Header File Version 1.0\n[Common Infos]\n"
        f"DataFile={said[0]}\nMarkerFile={said[1]}\nDataFormat=BINARY\nDataOrientation=MULTIPLEXED\n"
        f"NumberOfChannels={len(data)}\nSamplingInterval={1_000_000 // SFREQ}\n"
        f"[Binary Infos]\nBinaryFormat=INT_16\n[Channel Infos]\n{names}"
    )
    lines = ["Mk1=New Segment,,1,1,0,00000000000000000000"]
    for number, (onset, duration, name) in enumerate(marks, 2):
        kind, text = (name, "") if name == "New Segment" else ("Comment", name)
        lines.append(
            f"Mk{number}={kind},{text},{round(onset * SFREQ) + 1},{max(1, round(duration * SFREQ))},0"
        )
    header = "Brain Vision Data Exchange Marker File, Version 1.0\n[Common Infos]\n[Marker Infos]\n"
    path.with_name(marker_file).write_text(header + "\n".join(lines) + "\n")
    np.round(data.T / STEP).astype("<i2").tofile(path.with_name(data_file))


def write_eeglab(path: Path, data: np.ndarray, marks: Sequence[Mark] = (), *, fdt: str | None = None) -> None:
    """Write an EEGLAB data set; with `fdt`, the samples go to a file of that name."""
    labels = np.array([(name, "EEG") for name in CH_NAMES], dtype=[("labels", object), ("type", object)])
    # latencies count from 1; EEGLAB writes a boundary between two samples as the half between them
    rows = [
        (name, onset * SFREQ + (0.5 if name == "boundary" else 1.0), duration * SFREQ)
        for onset, duration, name in marks
    ]
    kinds = [("type", object), ("latency", object), ("duration", object)]
    if fdt is not None:
        data.T.astype("<f4").tofile(path.with_name(fdt))
    eeg = {
        "setname": path.stem,
        "filename": path.name,
        "nbchan": len(data),
        "pnts": data.shape[1],
        "trials": 1,
        "srate": float(SFREQ),
        "xmin": 0.0,
        "xmax": (data.shape[1] - 1) / SFREQ,
        "data": data.astype(np.float32) if fdt is None else fdt,
        "chanlocs": labels,
        "event": np.array(rows, dtype=kinds),
        "ref": "common",
    } | {name: [] for name in ("icawinv", "icasphere", "icaweights", "icaact", "epoch")}
    savemat(path, {"EEG": eeg}, appendmat=False)


def write_fif(path: Path, data: np.ndarray, marks: Sequence[Mark] = ()) -> None:
    """Write FIF in double precision."""
    raw = mne.io.RawArray(1e-6 * data, mne.create_info(list(CH_NAMES), SFREQ, "eeg"), verbose="error")
    raw.set_annotations(mne.Annotations(*zip(*marks, strict=True)) if marks else None)
    raw.save(path, fmt="double", verbose="error")


def write_cnt(path: Path, data: np.ndarray, marks: Sequence[Mark] = ()) -> None:
    """Write a file of Neuroscan, whose events have no duration."""
    samples = [(round(onset * SFREQ), name) for onset, _, name in marks]
    write_neuroscan(path, data, CH_NAMES, SFREQ, samples, STEP)


WRITERS = {
    ".bdf": write_edf,
    ".edf": write_edf,
    ".vhdr": write_brainvision,
    ".set": write_eeglab,
    ".BDF": write_edf,
    ".EDF": write_edf,
    ".VHDR": write_brainvision,
    ".SET": write_eeglab,
    ".fif": write_fif,
    ".fif.gz": write_fif,
    ".cnt": write_cnt,
}
