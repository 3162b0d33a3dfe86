"""A new file of MNE epochs, prepared as a network's training data."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mne
import numpy as np

from sparseeg.data.epochs.choose import later_part_of
from sparseeg.data.epochs.file import Crop, info_of, resampled
from sparseeg.data.provenance import FileInfo
from sparseeg.data.signals.conditioning import reference_rows
from sparseeg.data.signals.fif import check_tags
from sparseeg.data.signals.fit_channels import check_bad, fit_channels
from sparseeg.data.signals.new_recording import find_channels
from sparseeg.errors import SparseEEGError, one_line


@dataclass(frozen=True)
class NewEpochs:
    """Epochs prepared for a network.

    Parameters
    ----------
    signal : (epoch, channel, time) in microvolts, the channels of the network at its sampling rate.
    number : (epoch,), number of each epoch in the file, from 0.
    onset : (epoch,), time of its event in seconds, as the file's events say.
    event : (epoch,), name of its event.
    info : what the file says about band, reference and baseline.
    notes : changes to the epochs that users should know of.
    """

    signal: np.ndarray
    number: np.ndarray
    onset: np.ndarray
    event: np.ndarray
    info: FileInfo
    notes: tuple[str, ...]


def read_new_epochs(
    path: Path,
    wanted: Sequence[dict[str, Any]],
    crop: Crop,
    *,
    length: int,
    bad: Collection[str] = (),
    flat: Collection[str] = (),
    reference: tuple[str, ...] = (),
) -> NewEpochs:
    """Read all epochs of a file, without targets.

    Parameters
    ----------
    wanted, bad, flat : see `fit_channels`. Channels that the file marks as bad count as bad, too.
    crop, length : the window of each epoch, its sampling rate, and its number of samples.
    reference : channels whose mean is subtracted after the channels have been matched, or "average".

    Raises
    ------
    SparseEEGError : the file can't be read, its channels don't fit, or its epochs don't cover the window.
    """
    first = later_part_of(path)
    if first is not None and first.exists():
        raise SparseEEGError(f"{path} is a part of {first.name}, which is read with it; give only {first}")
    if not path.exists():
        raise SparseEEGError(f"{path} does not exist")
    try:
        with mne.utils.use_log_level("error"):
            check_tags(path)
            epochs = mne.read_epochs(path, preload=True)
            return _prepared(epochs, path, wanted, crop, length, {*bad}, flat, reference)
    except SparseEEGError as error:
        raise SparseEEGError(f"{path}: {error}") from error
    except Exception as error:  # a reader may raise any error for a damaged file
        raise SparseEEGError(f"{path}: can't be read: {one_line(error)}") from error


def _prepared(
    epochs: mne.BaseEpochs,
    path: Path,
    wanted: Sequence[dict[str, Any]],
    crop: Crop,
    length: int,
    bad: set[str],
    flat: Collection[str],
    reference: tuple[str, ...],
) -> NewEpochs:
    rate = float(epochs.info["sfreq"])
    onset = epochs.events[:, 0] / rate
    notes: list[str] = []
    check_bad(bad, epochs.ch_names)
    selection = find_channels(epochs, path, [channel["ch_name"] for channel in wanted], notes)
    epochs.pick(list(selection.names), exclude=())
    unusable = bad | set(selection.bad)
    fit = fit_channels(epochs.ch_names, wanted, unusable, flat, reference, own=selection.positions)
    if fit.interpolated:
        notes.append(f"interpolated by spherical splines: {', '.join(fit.interpolated)}")
    volts, times, sfreq = resampled(epochs, crop)
    if sfreq != rate:
        notes.append(f"resampled from {rate:g} to {sfreq:g} Hz")
    begin, _ = crop.samples(times, sfreq)
    if begin < 0 or begin + length > len(times):
        raise SparseEEGError(
            f"its epochs cover {times[0]:.3f} to {times[-1] + 1 / sfreq:.3f} s, but the network needs "
            f"{length / sfreq:g} s from {crop}"
        )
    kept = volts[:, :, begin : begin + length].transpose(1, 0, 2)
    fitted = fit.apply(kept.reshape(len(kept), -1)).reshape(len(wanted), -1, length).transpose(1, 0, 2) * 1e6
    if reference:
        fitted -= fitted[:, reference_rows(fit.ch_names, reference)].mean(axis=1, keepdims=True)
    names = {code: name for name, code in epochs.event_id.items()}
    clean = np.isfinite(fitted).all(axis=(1, 2))
    if not clean.any():
        raise SparseEEGError("all epochs hold NaN or infinite samples")
    if not clean.all():
        notes.append(f"{int((~clean).sum())} epochs hold NaN or infinite samples and were left out")
    return NewEpochs(
        signal=fitted[clean].astype(np.float32),
        number=np.flatnonzero(clean),
        onset=onset[clean],
        event=np.array([names.get(code, str(code)) for code in epochs.events[:, 2]], dtype=object)[clean],
        info=info_of(epochs, sfreq, path),
        notes=tuple(notes),
    )
