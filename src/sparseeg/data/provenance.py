"""Provenance of windows: what is decoded, how signals were processed, and where in time windows lie."""

from dataclasses import dataclass
from typing import Any, Literal

from pydantic import TypeAdapter, ValidationError

from sparseeg.data.bids import hbn
from sparseeg.data.tasks import Task
from sparseeg.errors import SparseEEGError
from sparseeg.files.yaml import describe

ChannelChoice = Literal["common", "interpolate", "strict"]


@dataclass(frozen=True)
class Processing:
    """How a signal is processed, in this order: filter, resample, re-reference, convert.

    Parameters
    ----------
    sfreq : sampling rate of the result in Hz; recordings at another rate are resampled.
    low_cut, high_cut : edges in Hz of a zero-phase FIR filter (MNE's design); None leaves that side
        unfiltered.
    reference : `("average",)`, or the channels whose mean is subtracted; None keeps that of the recording.
    dtype : dtype of the result.
    channels : how recordings with different channels are made alike, as in `plan_channels`. None chooses by
        what the recordings have; in the processing of windows, it says that nothing had to be done.
    """

    sfreq: float = hbn.SFREQ
    low_cut: float | None = None
    high_cut: float | None = None
    reference: tuple[str, ...] | None = None
    dtype: Literal["float32", "float16"] = "float32"
    channels: ChannelChoice | None = None

    @property
    def band(self) -> str:
        """Description of the filter, as "high-pass filtered at 1 Hz"."""
        if self.low_cut is None and self.high_cut is None:
            return "not filtered"
        if self.high_cut is None:
            return f"high-pass filtered at {self.low_cut:g} Hz"
        if self.low_cut is None:
            return f"low-pass filtered at {self.high_cut:g} Hz"
        return f"filtered from {self.low_cut:g} to {self.high_cut:g} Hz"

    @property
    def in_words(self) -> str:
        """Description of filter, reference and rate."""
        reference = f"referenced to {', '.join(self.reference)}" if self.reference else "own reference"
        return f"{self.band}, {reference}, {self.sfreq:g} Hz"


@dataclass(frozen=True)
class FileInfo:
    """What MNE files say about the band and the reference of their signals.

    The band may be that of the amplifier or of a filter that somebody applied: the files don't say which.
    Signals of different bands differ in either case, so windows with different infos don't fit each other.
    The info of other windows, such as those of recordings, is not known. Where these meet windows with an
    info, a note says that it was not compared.

    Parameters
    ----------
    high_pass, low_pass : edges of the band in Hz, not above half the sampling rate of the windows.
    referenced : whether a reference was applied; the files don't say which.
    """

    high_pass: float
    low_pass: float
    referenced: bool

    def __str__(self) -> str:
        reference = "re-referenced" if self.referenced else "with the reference of the recording"
        return f"{self.high_pass:g} to {self.low_pass:g} Hz, {reference}"


@dataclass(frozen=True)
class Provenance:
    """Description of the windows in a set, or of those that a network takes.

    Parameters
    ----------
    task : what is decoded.
    processing : how the signals were processed.
    ch_names : channels, in their order.
    n_times : samples per window.
    tmin : seconds from the event to the first sample of a window, for windows that are locked to an event.
    file_info : what the files say about signals that were processed before; None if it is not known.
    """

    task: Task
    processing: Processing
    ch_names: tuple[str, ...]
    n_times: int
    tmin: float
    file_info: FileInfo | None = None

    @property
    def sfreq(self) -> float:
        """Sampling rate in Hz."""
        return self.processing.sfreq

    @property
    def duration(self) -> float:
        """Length of a window in seconds."""
        return self.n_times / self.sfreq

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as JSON types."""
        return _ADAPTER.dump_python(self, mode="json")

    @classmethod
    def from_dict(cls, content: Any) -> "Provenance":
        """Return the provenance that `to_dict` wrote.

        Raises
        ------
        SparseEEGError : a field is missing or not valid.
        """
        try:
            return _ADAPTER.validate_python(content)
        except ValidationError as error:
            raise SparseEEGError(describe(error)) from error


_ADAPTER = TypeAdapter(Provenance)
