"""What windows are: what is decoded, what was done to their signals, and where in time they lie."""

from dataclasses import dataclass
from typing import Any, Literal

from pydantic import TypeAdapter, ValidationError

from sparseeg.data.bids import hbn
from sparseeg.data.tasks import Task
from sparseeg.errors import SparseEEGError
from sparseeg.files.yaml import describe


@dataclass(frozen=True)
class Processing:
    """What is done to a signal, in this order: filter, resample, re-reference, convert.

    Parameters
    ----------
    sfreq : Hz of the result; a recording at another rate is resampled.
    low_cut, high_cut : edges in Hz of a zero-phase FIR filter (MNE's design); None leaves that side alone.
    reference : "average", or the channels whose mean is subtracted; None keeps the recording's own.
    dtype : of the result.
    channels : their order, for a recording that has just these; None keeps the recording's own.
    """

    sfreq: float = hbn.SFREQ
    low_cut: float | None = None
    high_cut: float | None = None
    reference: tuple[str, ...] | None = None
    dtype: Literal["float32", "float16"] = "float32"
    channels: tuple[str, ...] | None = None

    @property
    def band(self) -> str:
        """The filter in words."""
        if self.low_cut is None and self.high_cut is None:
            return "not filtered"
        if self.high_cut is None:
            return f"high-pass filtered at {self.low_cut:g} Hz"
        if self.low_cut is None:
            return f"low-pass filtered at {self.high_cut:g} Hz"
        return f"filtered from {self.low_cut:g} to {self.high_cut:g} Hz"


@dataclass(frozen=True)
class Provenance:
    """What a set of windows, or a network, says of the windows that belong to it.

    Parameters
    ----------
    task : what is decoded.
    processing : what was done to the signals.
    ch_names : channels, in their order.
    n_times : samples per window.
    tmin : seconds from the event that a window is locked to until its first sample.
    """

    task: Task
    processing: Processing
    ch_names: tuple[str, ...]
    n_times: int
    tmin: float

    @property
    def sfreq(self) -> float:
        """Sampling rate in Hz."""
        return self.processing.sfreq

    @property
    def duration(self) -> float:
        """Seconds of a window."""
        return self.n_times / self.sfreq

    def to_dict(self) -> dict[str, Any]:
        """Return the content as JSON knows it."""
        return _ADAPTER.dump_python(self, mode="json")

    @classmethod
    def from_dict(cls, content: Any) -> "Provenance":
        """Return what `to_dict` gave; SparseEEGError says which field doesn't fit."""
        try:
            return _ADAPTER.validate_python(content)
        except ValidationError as error:
            raise SparseEEGError(describe(error)) from error


_ADAPTER = TypeAdapter(Provenance)
