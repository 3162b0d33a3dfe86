"""One continuous recording, read and conditioned block by block."""

import mne
import numpy as np

from sparseeg.data.bids.layout import BidsFile
from sparseeg.data.problems import Problem, noted
from sparseeg.data.provenance import Processing
from sparseeg.data.signals.breaks import Breaks
from sparseeg.data.signals.channels import WantedChannels, channel_problems
from sparseeg.data.signals.conditioning import Conditioning
from sparseeg.data.signals.raw import open_raw
from sparseeg.data.signals.select_channels import channel_types, select_channels
from sparseeg.errors import SparseEEGError, one_line

_BLOCK = 4_000_000  # values read at once, 32 MB


def open_recording(file: BidsFile, problems: list[Problem]) -> mne.io.BaseRaw:
    """Open a recording with all of its channels, and note what is left out of it.

    Raises
    ------
    Exception : as in `open_raw`.
    """
    notes: list[str] = []
    raw = open_raw(file.path, notes, channel_types(file))
    problems += noted(file.path, notes)
    _check_rate(file, float(raw.info["sfreq"]), problems)
    return raw


def _check_rate(file: BidsFile, sfreq: float, problems: list[Problem]) -> None:
    """Note an eeg.json that can't be read, or gives another sampling rate than the recording has."""
    path = file.sidecar("eeg.json")
    try:
        said = file.metadata("eeg.json").get("SamplingFrequency")
    except SparseEEGError as error:
        problems.append(Problem(path, one_line(error), "read without it", "nothing"))
        return
    if isinstance(said, int | float) and abs(said - sfreq) > 0.01 * sfreq:
        reason = f"says that {file.path.name} is sampled at {said:g} Hz, but it is at {sfreq:g} Hz"
        problems.append(Problem(path, reason, "the rate of the recording is taken", "nothing"))


class Continuous:
    """The EEG channels of one recording, conditioned as a `Processing` says.

    A recording that is resampled gets a note among `problems`.

    Parameters
    ----------
    raw : the recording; channels that are not EEG are removed from it.
    file : its file.
    processing : how it is processed.
    wanted : the channels that it should have; None keeps its own.
    breaks : its breaks, in its own samples; each side of a cut is filtered separately.
    problems : gets what is wrong with it.

    Raises
    ------
    SparseEEGError : the processing or the wanted channels don't fit the recording.
    """

    def __init__(
        self,
        raw: mne.io.BaseRaw,
        file: BidsFile,
        processing: Processing,
        wanted: WantedChannels | None,
        breaks: Breaks,
        problems: list[Problem],
    ) -> None:
        self._raw = raw
        reference = processing.reference or ()
        self.found = select_channels(raw, file, problems, reference)
        chosen = list(self.found.names)
        if chosen != self._raw.ch_names:  # choosing all of them takes a tenth of the time of reading them
            self._raw.pick(chosen, exclude=())
        fit = None if wanted is None else wanted.fit(self.found, reference)
        self._fit = None if fit is None or fit.keeps_all else fit
        self.ch_names = self.found.names if fit is None else fit.ch_names
        problems += channel_problems(file.path, self.found, fit)
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
        return max(1, int(_BLOCK / len(self.found.names) * min(1.0, float(self._conditioning.ratio))))

    def microvolts(self, first: int, last: int) -> np.ndarray:
        """Return the samples from `first` to before `last`, (time, channel); the same in any blocks."""

        def read(begin: int, end: int) -> np.ndarray:
            volts = self._raw.get_data(start=begin, stop=end)
            return volts if self._fit is None else self._fit.apply(volts)

        return self._conditioning.block(read, self._raw.n_times, first, last, self._cuts).T
