"""ONNX and torch.export: a run's networks as one graph, for any number of windows, without code of ours."""

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
_TALKATIVE = ("torch.onnx._internal.exporter._registration", "onnxscript", "onnx_ir")

Run = Callable[[np.ndarray], np.ndarray]


def export_onnx(predictor: Predictor, out: Path, windows: np.ndarray) -> float:
    """Write a run as ONNX; return how far onnxruntime is from the networks on `windows` at most.

    The graph maps `windows` (batch, channel, time), float32 of any unit, to `prediction` (batch, 1). What is
    needed to use it stands in its metadata: channels, rate, target, unit, the time of the first sample.

    Raises
    ------
    SparseEEGError : packages of `sparseeg[export]` are missing, the network can't be exported, or the graph's
        answers are more than 1e-4 away. Nothing is written then.
    """
    onnx, runtime = needed("onnx"), needed("onnxruntime")
    needed("onnxscript")
    network, example = _network(predictor)
    with _quiet(), _exporting(predictor, "ONNX"), TemporaryDirectory() as place:
        path = Path(place) / "model.onnx"
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
    difference = check(predictor, windows, lambda x: session.run([OUTPUT], {INPUT: x})[0], "ONNX")
    write_whole(out, content)
    return difference


def export_torch(predictor: Predictor, out: Path, windows: np.ndarray) -> float:
    """Write a run as a program of `torch.export` (.pt2); see `export_onnx` for arguments and errors."""
    network, example = _network(predictor)
    with _quiet(), _exporting(predictor, "torch.export"):
        batch = torch.export.Dim("batch", min=1)
        program = torch.export.export(network, (example,), dynamic_shapes=({0: batch},))
    with TemporaryDirectory() as place:
        path = Path(place) / "model.pt2"
        torch.export.save(program, path, extra_files={"sparseeg.json": json.dumps(_about(predictor))})
        loaded = torch.export.load(path).module()
        with torch.inference_mode():
            difference = check(predictor, windows, lambda x: loaded(torch.from_numpy(x)).numpy(), "it")
        write_whole(out, path.read_bytes())
    return difference


def needed(name: str) -> Any:
    """Return an optional package; SparseEEGError says how to install it where it is missing."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise not_installed(name, "sparseeg[export]", error) from error


def _network(predictor: Predictor) -> tuple[Ensemble, torch.Tensor]:
    """Return the networks as one, and windows of the shape that they take; two, since one is special."""
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
    try:
        yield
    except SparseEEGError:
        raise
    except Exception as error:  # exporters raise whatever a layer they don't know leads them to
        lines = [line for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
        telling = next((line for line in lines if line.startswith("<class")), lines[0])  # of torch.onnx
        raise SparseEEGError(f"{predictor.name} can't be exported as {format}: {telling}") from error


@contextmanager
def _quiet() -> Iterator[None]:
    """Leave out what exporters tell their developers."""
    loggers = [logging.getLogger(name) for name in _TALKATIVE]
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


def check(predictor: Predictor, windows: np.ndarray, run: Run, format: str) -> float:
    """Return the largest difference from the run's own predictions; SparseEEGError beyond the tolerance.

    It is absolute, or what rounding does to large targets in float32 where that is more.
    """
    parts = [windows[at : at + _BATCH] for at in range(0, len(windows), _BATCH)]
    parts += [windows[:1]]  # another batch size
    expected = np.concatenate([predictor(part).value for part in parts])
    found = np.concatenate([run(part)[:, 0] for part in parts])
    difference = float(np.abs(found - expected).max())
    allowed = max(TOLERANCE, 8 * float(np.spacing(np.float32(np.abs(expected).max()))))
    unit = predictor.inputs.task.unit
    if not difference <= allowed:  # nor where it is no number
        raise SparseEEGError(
            f"{format} answers up to {difference:.2g} {unit} away from the run; at most "
            f"{allowed:.2g} is allowed, nothing was written"
        )
    return difference
