"""Export the networks of a run as one graph, to ONNX or torch.export, for any number of windows."""

import importlib
import json
import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch

from sparseeg import __version__
from sparseeg.errors import SparseEEGError, not_installed
from sparseeg.files.atomic import write_whole
from sparseeg.models.ensemble import Ensemble
from sparseeg.prediction import Predictor

INPUT, OUTPUT = "windows", "prediction"
TOLERANCE = 1e-4
_BATCH = 100
_VERBOSE_LOGGERS = ("torch.onnx._internal.exporter._registration", "onnxscript", "onnx_ir")

PredictFunction = Callable[[np.ndarray], np.ndarray]
"""Windows (batch, channel, time) -> predictions (batch, 1)."""


def export_onnx(predictor: Predictor, out: Path, windows: np.ndarray) -> float:
    """Write the networks of a run as ONNX, and return the largest difference from their predictions.

    The graph maps `windows` (batch, channel, time), float32 of any unit, to `prediction` (batch, 1). Its
    metadata hold channels, sampling rate, target, unit, and the time of the first sample.

    Parameters
    ----------
    predictor : the run.
    out : file to write.
    windows : windows on which onnxruntime is compared with the networks, (window, channel, time).

    Raises
    ------
    SparseEEGError : packages of `sparseeg[export]` are missing, the network can't be exported, or the
        predictions of the graph differ by more than 1e-4. Nothing is written then.
    """
    onnx, runtime = needed("onnx"), needed("onnxruntime")
    needed("onnxscript")
    network, example = _network(predictor)
    with _quiet(), _exporting(predictor, "ONNX"), TemporaryDirectory() as temporary:
        path = Path(temporary) / "model.onnx"
        torch.onnx.export(
            network,
            (example,),
            path,
            dynamo=True,
            verbose=False,
            external_data=False,
            input_names=[INPUT],
            output_names=[OUTPUT],
            dynamic_shapes=({0: torch.export.Dim("batch", min=1)},),
        )
        model = onnx.load(path)
    for key, value in _about(predictor).items():
        entry = model.metadata_props.add()
        entry.key, entry.value = key, value if isinstance(value, str) else json.dumps(value)
    content = model.SerializeToString()
    session = runtime.InferenceSession(content, providers=["CPUExecutionProvider"])
    difference = check(predictor, windows, lambda x: session.run([OUTPUT], {INPUT: x})[0], "the ONNX graph")
    write_whole(out, content)
    return difference


def export_torch(predictor: Predictor, out: Path, windows: np.ndarray) -> float:
    """Write the networks of a run as a `torch.export` program (.pt2); otherwise as `export_onnx`."""
    network, example = _network(predictor)
    with _quiet(), _exporting(predictor, "torch.export"):
        batch = torch.export.Dim("batch", min=1)
        program = torch.export.export(network, (example,), dynamic_shapes=({0: batch},))
    with TemporaryDirectory() as temporary:
        path = Path(temporary) / "model.pt2"
        torch.export.save(program, path, extra_files={"sparseeg.json": json.dumps(_about(predictor))})
        loaded = torch.export.load(path).module()
        with torch.inference_mode():
            difference = check(
                predictor, windows, lambda x: loaded(torch.from_numpy(x)).numpy(), "the exported program"
            )
        write_whole(out, path.read_bytes())
    return difference


def needed(name: str) -> Any:
    """Import an optional package.

    Raises
    ------
    SparseEEGError : it is not installed; the message says how to install it.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise not_installed(name, "sparseeg[export]", error) from error


def _network(predictor: Predictor) -> tuple[Ensemble, torch.Tensor]:
    """Return the networks as one, and two example windows, because exporters treat one as a special case."""
    network = Ensemble(predictor.networks, predictor.config.partitions).eval()
    return network, torch.randn(2, predictor.spec.n_chans, predictor.spec.n_times)


def _about(predictor: Predictor) -> dict[str, Any]:
    inputs, spec = predictor.inputs, predictor.spec
    return {
        "model": predictor.name,
        "version": __version__,
        "task": inputs.task.name,
        "target": inputs.task.target,
        "unit": inputs.task.unit,
        "sfreq": spec.sfreq,
        "tmin": inputs.tmin,
        "ch_names": list(spec.ch_names or ()),
    }


@contextmanager
def _exporting(predictor: Predictor, format: str) -> Iterator[None]:
    """Turn errors of an exporter into a SparseEEGError of one line."""
    try:
        yield
    except SparseEEGError:
        raise
    except Exception as error:  # exporters may raise any error for a layer that they don't support
        lines = [line for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
        reason = next((line for line in lines if line.startswith("<class")), lines[0])  # as torch.onnx writes
        raise SparseEEGError(f"{predictor.name} can't be exported as {format}: {reason}") from error


@contextmanager
def _quiet() -> Iterator[None]:
    """Suppress the warnings and log messages of exporters."""
    loggers = [logging.getLogger(name) for name in _VERBOSE_LOGGERS]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def check(predictor: Predictor, windows: np.ndarray, predict: PredictFunction, what: str) -> float:
    """Return the largest difference between predictions of an export and of its run.

    The tolerance is absolute, or a few rounding errors of float32 if targets are large.

    Parameters
    ----------
    predictor : the run.
    windows : windows to predict for, (window, channel, time).
    predict : the export.
    what : its name in messages.

    Raises
    ------
    SparseEEGError : the difference exceeds the tolerance.
    """
    parts = [windows[first : first + _BATCH] for first in range(0, len(windows), _BATCH)]
    parts += [windows[:1]]  # another batch size
    expected = np.concatenate([predictor(part).value for part in parts])
    found = np.concatenate([predict(part)[:, 0] for part in parts])
    difference = float(np.abs(found - expected).max())
    allowed = max(TOLERANCE, 8 * float(np.spacing(np.float32(np.abs(expected).max()))))
    unit = predictor.inputs.task.unit
    if not difference <= allowed:  # including NaN
        raise SparseEEGError(
            f"predictions of {what} differ from the run by up to {difference:.2g} {unit}; at most "
            f"{allowed:.2g} is allowed, nothing was written"
        )
    return difference
