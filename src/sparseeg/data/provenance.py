"""Provenance of windows: what is decoded, how signals were processed, and where in time windows lie."""

from dataclasses import dataclass
from typing import Any, Literal, get_args

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

    Raises
    ------
    SparseEEGError : `channels` is none of these.
    """

    sfreq: float = hbn.SFREQ
    low_cut: float | None = None
    high_cut: float | None = None
    reference: tuple[str, ...] | None = None
    dtype: Literal["float32", "float16"] = "float32"
    channels: ChannelChoice | None = None

    def __post_init__(self) -> None:
        if self.channels not in (None, *get_args(ChannelChoice)):
            choices = ", ".join(map(repr, get_args(ChannelChoice)))
            raise SparseEEGError(f"channels={self.channels!r}: it is {choices} or None")

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
    """What MNE files say about band, reference and baseline of their signals.

    The band may be that of the amplifier or of a filter that somebody applied: the files don't say which.
    Signals of different bands differ in either case, so windows with different infos don't fit each other.
    The info of other windows, such as those of recordings, is not known. Where these meet windows with an
    info, a note says that it was not compared.

    Parameters
    ----------
    high_pass, low_pass : edges of the band in Hz, not above half the sampling rate of the windows.
    referenced : whether a reference was applied; the files don't say which.
    baseline : interval in seconds whose mean was subtracted; empty if none was, None if that is not known.
    """

    high_pass: float
    low_pass: float
    referenced: bool
    baseline: tuple[float, ...] | None = None

    def __str__(self) -> str:
        reference = "re-referenced" if self.referenced else "with the reference of the recording"
        band = f"{self.high_pass:g} to {self.low_pass:g} Hz, {reference}"
        return band if self.baseline is None else f"{band}, {self.corrected}"

    @property
    def corrected(self) -> str:
        """Description of the baseline."""
        if self.baseline is None:
            return "a baseline that is not known"
        if not self.baseline:
            return "without baseline correction"
        return f"baseline {self.baseline[0]:g} to {self.baseline[1]:g} s"

    def fits(self, other: "FileInfo", rereferenced: bool = False) -> bool:
        """Say whether signals were processed alike, as far as both files say it.

        rereferenced : whether both got another reference since.
        """
        return (
            (rereferenced or self.referenced == other.referenced)
            and self._band() == other._band()
            and (None in (self.baseline, other.baseline) or self.baseline == other.baseline)
        )

    def _band(self) -> tuple[float, float]:
        return round(self.high_pass, 6), round(self.low_pass, 6)


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
