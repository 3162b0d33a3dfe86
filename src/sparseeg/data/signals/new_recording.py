"""Any recording that MNE reads, made into what a network was trained on, with the events in it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mne
import numpy as np
import pandas as pd

from sparseeg.data.bids.layout import BidsFile
from sparseeg.data.signals.continuous import filter_kernel, filtered, reference_rows
from sparseeg.data.signals.fit_channels import ChannelFit, check_bad, fit_channels
from sparseeg.data.signals.raw import open_raw
from sparseeg.data.signals.resample import rate_ratio, resample
from sparseeg.errors import SparseEEGError, one_line
from sparseeg.files.tsv import read_tsv

_NO_EVENTS = pd.DataFrame({"onset": [], "name": []})
# Beyond these, in volts, the median channel's deviation isn't that of EEG: the unit in the file is wrong.
PLAUSIBLE = (1e-8, 1e-2)


@dataclass(frozen=True)
class NewRecording:
    """A recording as a network takes it.

    Parameters
    ----------
    path : its file.
    signal : (channel, time) in microvolts, float32, the network's channels at its rate.
    sfreq : Hz.
    events : `onset` in seconds from the first sample, `name`, in order of time; from events.tsv beside the
        file, or else from the annotations in it.
    notes : what was done to it that a reader should know.
    """

    path: Path
    signal: np.ndarray
    sfreq: float
    events: pd.DataFrame
    notes: tuple[str, ...]


def read_new(
    path: Path,
    wanted: Sequence[dict[str, Any]],
    sfreq: float,
    *,
    bad: Collection[str] = (),
    flat: Collection[str] = (),
    low_cut: float | None = None,
    high_cut: float | None = None,
    reference: tuple[str, ...] | None = None,
    events: Path | None = None,
    column: str | None = "value",
) -> NewRecording:
    """Read a recording of any format that `mne.io.read_raw` knows.

    Parameters
    ----------
    wanted, bad, flat : see `fit_channels`; channels that the file or channels.tsv call bad are added.
    sfreq : Hz of the result.
    low_cut, high_cut, reference : as in `Processing`; the reference is subtracted after the channels are fit.
    events, column : file of events in place of the one beside the recording, and the column of their names;
        None for a recording whose events aren't wanted.

    Raises
    ------
    SparseEEGError : not there, not readable, or its channels, rate or events don't fit; the file is named.
    """
    if not path.exists():
        raise SparseEEGError(f"{path} does not exist")
    try:
        with mne.utils.use_log_level("error"):
            raw = open_raw(path)
            notes: list[str] = []
            check_bad(bad, raw.ch_names)
            fit = fit_channels(
                raw.ch_names,
                wanted,
                {*bad, *raw.info["bads"], *_bad_channels(path)},
                flat,
                reference or (),
            )
            if fit.interpolated:
                notes.append(f"interpolated by spherical splines: {', '.join(fit.interpolated)}")
            signal = _signal(raw, fit, sfreq, (low_cut, high_cut), reference, notes)
            found = _NO_EVENTS if column is None else read_events(path, raw, events, column)
    except SparseEEGError as error:
        raise SparseEEGError(f"{path}: {error}") from error
    except Exception as error:  # readers raise whatever a damaged file leads them to
        raise SparseEEGError(f"{path}: can't be read: {one_line(error)}") from error
    return NewRecording(path, signal, sfreq, found, tuple(notes))


def _bad_channels(path: Path) -> list[str]:
    """Return the channels that channels.tsv beside a BIDS recording calls bad."""
    table = _sidecar(path, "channels.tsv")
    if table is None:
        return []
    content = read_tsv(table)
    if not {"name", "status"} <= set(content):
        return []
    return content.loc[content["status"].astype(str).str.lower() == "bad", "name"].astype(str).tolist()


def _sidecar(path: Path, suffix: str) -> Path | None:
    """Return another file of a recording with a BIDS name, where it is there."""
    found = BidsFile(path, path.parent).sidecar(suffix)
    return found if path.stem.endswith("_eeg") and found.is_file() else None


def _signal(
    raw: Any,
    fit: ChannelFit,
    sfreq: float,
    edges: tuple[float | None, float | None],
    reference: tuple[str, ...] | None,
    notes: list[str],
) -> np.ndarray:
    own = float(raw.info["sfreq"])
    if rate_ratio(own, sfreq) != 1:
        notes.append(f"resampled from {own:g} to {sfreq:g} Hz")
    kernel = filter_kernel(own, *edges)
    volts = fit.apply(raw.get_data())
    spread = float(np.median(volts.std(axis=1)))
    if np.isfinite(spread) and spread > 0 and not PLAUSIBLE[0] <= spread <= PLAUSIBLE[1]:
        notes.append(f"amplitudes of {spread:.2g} V, if the file says its unit rightly; taken as they are")
    return conditioned(volts, own, sfreq, kernel, reference_rows(fit.ch_names, reference))


def conditioned(
    volts: np.ndarray, own: float, sfreq: float, kernel: np.ndarray | None, reference: list[int] | None
) -> np.ndarray:
    """Return a signal (channel, time) filtered, resampled from `own` to `sfreq` Hz, referenced; microvolts.

    kernel, reference : of `filter_kernel` and `reference_rows`.
    """
    if kernel is not None:
        volts = filtered(volts, kernel)
    volts = resample(volts, own, sfreq)
    if reference is not None:
        volts = volts - volts[reference].mean(axis=0)
    with np.errstate(over="ignore"):  # what float32 can't hold is infinite, and found as such
        return (volts * 1e6).astype(np.float32)


def read_events(path: Path, raw: Any, events: Path | None, column: str) -> pd.DataFrame:
    """Return `onset` and `name` of each event of a recording: of events.tsv, or else its annotations."""
    events = events or _sidecar(path, "events.tsv")
    if events is None:
        # MNE counts from before a cropped recording's first sample, whether there is a date or not.
        onset = np.asarray(raw.annotations.onset, dtype=np.float64) - raw.first_time
        names = np.asarray(raw.annotations.description, dtype=object)
    else:
        content = read_tsv(events)
        for name in ("onset", column):
            if name not in content:
                raise SparseEEGError(
                    f"{events} has no column {name!r}; it has {', '.join(map(str, content))}"
                )
        onset = pd.to_numeric(content["onset"], errors="coerce").to_numpy(dtype=np.float64)
        names = content[column].astype(str).to_numpy(dtype=object)
    table = pd.DataFrame({"onset": onset, "name": names})
    return table[np.isfinite(onset)].sort_values("onset", kind="stable", ignore_index=True)
