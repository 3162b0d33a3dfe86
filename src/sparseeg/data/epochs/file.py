"""Read one file of MNE epochs: a metadata column, and the resampled and cropped signal."""

import math
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import mne
import numpy as np
import pandas as pd
from mne.io.constants import FIFF

from sparseeg.data.bids.layout import bids_file
from sparseeg.data.problems import LEFT_OUT, Problem, noted, summarise
from sparseeg.data.provenance import FileInfo
from sparseeg.data.signals.channels import channel_problems
from sparseeg.data.signals.constant import constant_notes, is_constant
from sparseeg.data.signals.eeglab import read_eeglab_epochs
from sparseeg.data.signals.fif import check_tags
from sparseeg.data.signals.fit_channels import ChannelFit
from sparseeg.data.signals.resample import rate_ratio, resample, same_rate
from sparseeg.data.signals.select_channels import Selection, select_channels
from sparseeg.errors import one_line
from sparseeg.files.content import check_content
from sparseeg.files.tsv import finite_numbers, not_numbers

DROPPED = "these epochs dropped"
_SAME_SAMPLE = 1e-3  # of a sample


@dataclass(frozen=True)
class Crop:
    """The part of each epoch to keep; None keeps what is in the file.

    Parameters
    ----------
    tmin, tmax : seconds from the event.
    sfreq : sampling rate in Hz.
    margin : seconds kept around the crop, as far as the epoch reaches.
    """

    tmin: float | None = None
    tmax: float | None = None
    sfreq: float | None = None
    margin: float = 0.0

    def samples(self, times: np.ndarray, sfreq: float) -> tuple[int, int]:
        """Return the first sample and the number of samples of the half-open crop.

        It begins at the first sample at or after `tmin`, because after resampling there may be no sample at
        `tmin`. It may reach outside the epoch.
        """
        first = 0 if self.tmin is None else int(np.ceil((self.tmin - times[0]) * sfreq - 1e-6))
        if self.tmax is None:
            return first, len(times) - first
        begin = times[0] if self.tmin is None else self.tmin
        return first, round((self.tmax - begin) * sfreq)

    def __str__(self) -> str:
        begin = "the start" if self.tmin is None else f"{self.tmin:g} s"
        return f"{begin} to {'the end' if self.tmax is None else f'{self.tmax:g} s'}"


@dataclass(frozen=True)
class EpochsFile:
    """The usable epochs of one file.

    Parameters
    ----------
    signal : (epoch, time, channel) in microvolts, with the margin.
    before : samples of `signal` before the crop.
    n_times : samples of the crop.
    target : (epoch,), targets.
    trial : (epoch,), number of each epoch in the file.
    event : (epoch,), sample of each event, as the file says.
    ch_names : channels, in their order.
    sfreq : sampling rate in Hz.
    tmin : seconds from the event to the first sample of the crop.
    info : what the file says about band, reference and baseline.
    problems : what is wrong with the file.
    path : the file.
    found : the EEG channels that it has.
    """

    signal: np.ndarray
    before: int
    n_times: int
    target: np.ndarray
    trial: np.ndarray
    event: np.ndarray
    ch_names: tuple[str, ...]
    sfreq: float
    tmin: float
    info: FileInfo
    problems: tuple[Problem, ...]
    path: Path
    found: Selection

    def fitted(self, fit: ChannelFit) -> "EpochsFile":
        """Return the epochs with other channels, and a note on what was done about missing and bad ones."""
        problems = [*self.problems, *channel_problems(self.path, self.found, fit)]
        signal = self.signal
        if not fit.keeps_all:
            made = fit.apply(signal.reshape(-1, signal.shape[2]).T).T
            signal = np.ascontiguousarray(made).reshape(*signal.shape[:2], -1)
        return replace(self, signal=signal, ch_names=fit.ch_names, problems=tuple(problems))


@dataclass(frozen=True)
class MissingColumn(Problem):
    """The metadata of a file lack the target column, or it holds no number.

    Parameters
    ----------
    numeric : their columns of numbers.
    is_text : whether the column is there, with text only.
    """

    numeric: tuple[str, ...] = ()
    is_text: bool = False


def read_epochs_file(path: Path, target: str | None, crop: Crop) -> EpochsFile | Problem:
    """Return the epochs of a file that have a target, or a problem if there are none.

    Epochs are resampled before they are cropped, so that the crop has no artefacts at its edges.
    """
    try:
        with mne.utils.use_log_level("error"):
            notes: list[str] = []
            epochs = _open(path, notes)
            problems = noted(path, notes)
            values = _targets(epochs.metadata, path, target, problems)
            if isinstance(values, Problem):
                return values
            return _windows(epochs, path, values, crop, problems)
    except Exception as error:  # a reader may raise any error for a damaged file
        return Problem(path, f"can't be read: {one_line(error)}", LEFT_OUT)


def _open(path: Path, notes: list[str]) -> mne.BaseEpochs:
    check_content(path)
    if path.suffix.lower() == ".set":
        return read_eeglab_epochs(path, notes)
    check_tags(path)
    return mne.read_epochs(path, preload=True)


def _targets(
    metadata: pd.DataFrame | None, path: Path, target: str | None, problems: list[Problem]
) -> np.ndarray | Problem:
    """Return the target of each epoch; NaN if it has none."""
    if metadata is None:
        return MissingColumn(path, "its epochs have no metadata", LEFT_OUT)
    numeric = tuple(map(str, metadata.select_dtypes("number").columns))
    if target not in metadata.columns:
        return MissingColumn(path, f"its metadata has no column {target!r}", LEFT_OUT, numeric=numeric)
    column = metadata[target]
    values, text = finite_numbers(column)
    missing = int(np.isnan(values).sum()) - len(text)
    if len(text) and np.isnan(values).all():
        reason = not_numbers(column, str(target), text, "epoch")
        return MissingColumn(path, reason, LEFT_OUT, numeric=numeric, is_text=True)
    if len(text):
        reason = not_numbers(column, str(target), text, "epoch")
        kind = f"have no number in column {target}"
        problems.append(Problem(path, reason, DROPPED, "windows", len(text), kind))
    if missing:
        reason = f"column {target} is missing for {missing} of {len(values)} epochs"
        problems.append(Problem(path, reason, DROPPED, "windows", missing, f"lack the column {target}"))
    return values


def _windows(
    epochs: mne.BaseEpochs, path: Path, target: np.ndarray, crop: Crop, problems: list[Problem]
) -> EpochsFile | Problem:
    found = select_channels(epochs, bids_file(path), problems)
    epochs.pick(list(found.names), exclude=())
    volts, times, sfreq = resampled(epochs, crop)
    first, count = crop.samples(times, sfreq)
    if first < 0 or count < 1 or first + count > len(times):
        reason = f"its epochs cover {times[0]:.3f} to {times[-1] + 1 / sfreq:.3f} s, not {crop}"
        return Problem(path, reason, LEFT_OUT)
    reach = round(crop.margin * sfreq)
    begin, end = max(0, first - reach), min(len(times), first + count + reach)
    signal = np.ascontiguousarray((volts[:, :, begin:end] * 1e6).astype(np.float32).transpose(0, 2, 1))
    finite = np.asarray(np.isfinite(signal).all(axis=(1, 2)))
    lost = int(np.sum(~finite & ~np.isnan(target)))
    if lost:
        reason = f"{lost} of {len(finite)} epochs hold NaN or infinite samples"
        kind = "hold NaN or infinite samples"
        problems.append(Problem(path, reason, DROPPED, "windows", lost, kind))
    good = np.flatnonzero(finite & ~np.isnan(target))
    if not len(good):
        return Problem(path, f"no usable epoch of {len(finite)}: {summarise(problems)}", LEFT_OUT)
    inside = signal[good, first - begin : first - begin + count]
    constant = int(is_constant(inside.transpose(0, 2, 1)).sum())
    notes = constant_notes(constant, len(good), "epochs")
    problems += [Problem(path, note, "kept", "nothing") for note in notes]
    return EpochsFile(
        signal=signal[good],
        before=first - begin,
        n_times=count,
        target=target[good],
        trial=good,
        event=epochs.events[good, 0],
        ch_names=tuple(epochs.ch_names),
        sfreq=sfreq,
        tmin=float(times[first]),
        info=info_of(epochs, sfreq, path),
        problems=tuple(problems),
        path=path,
        found=found,
    )


def info_of(epochs: mne.BaseEpochs, sfreq: float, path: Path) -> FileInfo:
    """Return what a file says of band, reference and baseline of its epochs, resampled to `sfreq` Hz."""
    info = epochs.info
    projected = any(
        projector["active"] and projector["kind"] == FIFF.FIFFV_PROJ_ITEM_EEG_AVREF
        for projector in info["projs"]
    )
    referenced = projected or bool(info["custom_ref_applied"])
    # Files keep single precision.
    high_pass, low_pass = (float(f"{info[name]:.6g}") for name in ("highpass", "lowpass"))
    # EEGLAB writes no baseline. That of MNE begins at a sample, which lies at other times at other rates.
    baseline = () if epochs.baseline is None else tuple(round(float(end), 2) for end in epochs.baseline)
    known = None if path.suffix.lower() == ".set" else baseline
    return FileInfo(high_pass, min(low_pass, sfreq / 2), referenced, known)


def resampled(epochs: mne.BaseEpochs, crop: Crop) -> tuple[np.ndarray, np.ndarray, float]:
    """Return volts (epoch, channel, time), times and rate, resampled if the crop has another rate.

    Files of different rates get the same times: multiples of the new sampling interval, or as far from
    `crop.tmin` if that is the time of a sample of the file.
    """
    volts, times, sfreq = epochs.get_data(copy=False), epochs.times, float(epochs.info["sfreq"])
    wanted = crop.sfreq
    if wanted is None or same_rate(sfreq, wanted):
        return volts, times, sfreq
    ratio = rate_ratio(sfreq, wanted)
    before = _samples_before(times[0] * sfreq, (crop.tmin or 0.0) * sfreq, ratio, volts.shape[-1])
    skipped = math.ceil(before * ratio)
    padded = np.pad(volts, [(0, 0), (0, 0), (before, 0)], mode="reflect")
    volts = resample(padded, sfreq, wanted)[..., skipped:]
    start = times[0] - before / sfreq + skipped / wanted
    times = np.round(start + np.arange(volts.shape[-1]) / wanted, 9) + 0.0  # zero is not negative
    return volts, times, float(wanted)


def _samples_before(first: float, tmin: float, ratio: Fraction, most: int) -> int:
    """Return how many samples before an epoch resampling must begin, to give a sample at the event or tmin.

    Parameters
    ----------
    first, tmin : first sample of the epoch and begin of the crop, in samples from the event.
    ratio : new samples per sample.
    most : limit of the result; the nearest possible time where the ratio needs more.
    """
    anchor = round(tmin) if abs(tmin - round(tmin)) < _SAME_SAMPLE else 0
    begin = round(first) - anchor - np.arange(min(ratio.denominator, most))
    beside = begin * ratio.numerator % ratio.denominator
    return int(np.argmin(np.minimum(beside, ratio.denominator - beside)))
