"""One continuous recording, read and conditioned block by block."""

import mne
import numpy as np

from sparseeg.data.bids.layout import BidsFile
from sparseeg.data.problems import Problem
from sparseeg.data.provenance import Processing
from sparseeg.data.signals.breaks import Breaks
from sparseeg.data.signals.conditioning import Conditioning
from sparseeg.data.signals.raw import open_raw
from sparseeg.errors import SparseEEGError
from sparseeg.files.tsv import read_tsv

# BIDS channel types that are EEG; the reference electrode of HBN (Cz) belongs to its 129 channels
EEG_TYPES = ("EEG", "REF")
_BLOCK = 4_000_000  # values read at once, 32 MB


def open_recording(file: BidsFile, problems: list[Problem]) -> mne.io.BaseRaw:
    """Open a recording with all of its channels, and note what is left out of it.

    Raises
    ------
    Exception : as in `open_raw`.
    """
    notes: list[str] = []
    raw = open_raw(file.path, notes, channel_types(file))
    problems += [Problem(file.path, note, "read nevertheless", "nothing") for note in notes]
    return raw


class Continuous:
    """The EEG channels of one recording, conditioned as a `Processing` says.

    A recording that is resampled gets a note among `problems`.

    Parameters
    ----------
    raw : the recording; channels that are no EEG are removed from it.
    file : its file.
    processing : how it is processed.
    breaks : its breaks, in its own samples; each side of a cut is filtered separately.
    problems : gets what is wrong with it.

    Raises
    ------
    SparseEEGError : the processing doesn't fit the recording.
    """

    def __init__(
        self,
        raw: mne.io.BaseRaw,
        file: BidsFile,
        processing: Processing,
        breaks: Breaks,
        problems: list[Problem],
    ) -> None:
        self._raw = raw
        wanted = _eeg_channels(self._raw, file)
        if wanted != self._raw.ch_names:  # choosing all of them takes a tenth of the time of reading them
            self._raw.pick(wanted, exclude=())
        if processing.channels is not None and sorted(processing.channels) == sorted(self._raw.ch_names):
            self._raw.reorder_channels(list(processing.channels))
        self.ch_names: tuple[str, ...] = tuple(self._raw.ch_names)
        sfreq = float(self._raw.info["sfreq"])
        self._conditioning = Conditioning(sfreq, self.ch_names, processing)
        self._cuts = breaks.cuts.tolist()
        self.breaks = breaks.resampled(self._conditioning.ratio)  # in the samples of `microvolts`
        self.n_samples = self._conditioning.n_samples(self._raw.n_times)
        if self._conditioning.ratio != 1:
            reason = f"sampled at {sfreq:g} Hz instead of {processing.sfreq:g} Hz"
            problems.append(Problem(file.path, reason, f"resampled to {processing.sfreq:g} Hz", "nothing"))

    @property
    def block(self) -> int:
        """Number of samples to read at once: fast, in little memory."""
        return max(1, int(_BLOCK / len(self.ch_names) * min(1.0, float(self._conditioning.ratio))))

    def microvolts(self, first: int, last: int) -> np.ndarray:
        """Return the samples from `first` to before `last`, (time, channel); the same in any blocks."""

        def read(begin: int, end: int) -> np.ndarray:
            return self._raw.get_data(start=begin, stop=end)

        return self._conditioning.block(read, self._raw.n_times, first, last, self._cuts).T


def _eeg_channels(raw: mne.io.BaseRaw, file: BidsFile) -> list[str]:
    kinds = dict(zip(raw.ch_names, raw.get_channel_types(), strict=True))
    names = [name for name, kind in kinds.items() if kind == "eeg"]
    types = channel_types(file)
    return [name for name in names if types.get(name, "EEG") in EEG_TYPES]


def channel_types(file: BidsFile) -> dict[str, str]:
    """Return the types of channels in the channels.tsv of a recording; none if there is no such table.

    The table only refines what the signal file says itself.
    """
    try:
        table = read_tsv(file.sidecar("channels.tsv"))
        return dict(zip(table["name"], table["type"].fillna("EEG").str.upper(), strict=True))
    except (SparseEEGError, KeyError):
        return {}
