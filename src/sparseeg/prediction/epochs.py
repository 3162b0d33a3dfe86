"""Predict for files of MNE epochs: one row per epoch."""

from dataclasses import fields
from pathlib import Path

import numpy as np
import pandas as pd

from sparseeg import __version__
from sparseeg.data.epochs.choose import PATTERNS
from sparseeg.data.epochs.file import Crop
from sparseeg.data.epochs.new_file import NewEpochs, read_new_epochs
from sparseeg.errors import SparseEEGError
from sparseeg.prediction.predictor import Predictor
from sparseeg.prediction.recordings import BATCH, COLUMNS, PredictionRequest
from sparseeg.training.inputs import Inputs

_APPLIES = {"bad", "reference"}  # of a request; the rest is about recordings


def is_epochs(path: Path) -> bool:
    """Return whether a file holds epochs, by its name, as MNE wants it."""
    return any(path.match(pattern) for pattern in PATTERNS)


def predict_epochs(
    predictor: Predictor, path: Path, request: PredictionRequest
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Predict for each epoch of a file.

    Returns
    -------
    DataFrame : one row per epoch, with the columns of `predict_recording` and `epoch`, its number in the file
        from 0. `onset` is the time of the event in seconds, as the file's events say.
    notes : changes to the epochs, and those that were left out.

    Raises
    ------
    SparseEEGError : the file can't be read or doesn't fit the network, or the request is about recordings.
    """
    check_request(request, path)
    inputs, spec = predictor.inputs, predictor.spec
    length = spec.n_times / spec.sfreq
    # A window without an event lies anywhere in a recording: the first of the epoch is as good as others.
    anywhere = not inputs.task.locked and inputs.provenance.file_info is None
    crop = Crop(None, None, spec.sfreq) if anywhere else Crop(inputs.tmin, inputs.tmin + length, spec.sfreq)
    epochs = read_new_epochs(
        path,
        predictor.channels,
        crop,
        length=spec.n_times,
        bad=request.bad,
        flat=inputs.flat,
        reference=request.reference or inputs.processing.reference or (),
    )
    notes = [*epochs.notes, *_compared(epochs, inputs, path)]
    parts = np.array_split(epochs.signal, -(-len(epochs.signal) // BATCH))
    predictions = [predictor(part) for part in parts]
    table = pd.DataFrame(
        {
            "onset": epochs.onset,
            "duration": length,
            "prediction": np.concatenate([prediction.value for prediction in predictions]),
            "unit": inputs.task.unit,
            "interval_low": np.concatenate([prediction.low for prediction in predictions]),
            "interval_high": np.concatenate([prediction.high for prediction in predictions]),
            "event": epochs.event,
            "file": str(path),
            "model": predictor.name,
            "version": __version__,
            "epoch": epochs.number,
        }
    )
    return table[[*COLUMNS, "epoch"]], tuple(notes)


def check_request(request: PredictionRequest, path: Path) -> None:
    """Raise SparseEEGError where a request asks for what can only be done with a recording."""
    for field in fields(request):
        if field.name not in _APPLIES and getattr(request, field.name) != field.default:
            raise SparseEEGError(
                f"--{field.name.replace('_', '-')} has no effect on epochs, as in {path}: they are cut and "
                "filtered already; leave it out, or give the recording"
            )


def _compared(epochs: NewEpochs, inputs: Inputs, path: Path) -> list[str]:
    """Return a note on what can't be compared; SparseEEGError for another band, reference or baseline."""
    info = inputs.provenance.file_info
    if info is None:
        return [
            f"the file says {epochs.info}; not compared with the training signals, {inputs.processing.band}"
        ]
    if not info.fits(epochs.info):
        raise SparseEEGError(
            f"{path} says {epochs.info}, but the training epochs {info}; filter, re-reference and "
            "baseline-correct the epochs alike in MNE, and save them again"
        )
    if info.baseline is None:
        return [f"the file says {epochs.info.corrected}; that of the training epochs is not known"]
    return []
