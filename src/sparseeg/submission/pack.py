"""Trained runs to the challenge's zip, which is tried out before it is written."""

import io
import tempfile
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from sparseeg.data import tasks
from sparseeg.data.bids import hbn
from sparseeg.errors import SparseEEGError
from sparseeg.files.atomic import write_whole
from sparseeg.models.partitions import Partitions
from sparseeg.models.registry import BRAINDECODE_PREFIX
from sparseeg.prediction import Predictor
from sparseeg.prediction.windows_to_try import windows_to_try
from sparseeg.submission.archive import ENTRY, unpack
from sparseeg.submission.bundle import bundle
from sparseeg.submission.challenge import N_TIMES, TASKS, TOLERANCE, VOLTS, check_windows
from sparseeg.submission.entry import WEIGHTS
from sparseeg.submission.sandbox import Answers, ask
from sparseeg.training.inference import answer

CONSTANTS = {1: 1.594, 2: 0.0}  # mean of 73,525 response times of HBN-EEG in s; factors have mean zero
N_TRIED = 128
# A loader that imports submission.py by its path doesn't look for the other modules beside it.
_FIND_MODULES = "import pathlib, sys\nsys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))\n"

Report = Callable[[str], None]


@dataclass(frozen=True)
class Tried:
    """What the zip did in a clean process, for one challenge."""

    challenge: int
    difference: float
    seconds_per_window: float
    peak_bytes: int


def pack(runs: Mapping[int, Sequence[Path]], out: Path, report: Report = lambda line: None) -> list[Tried]:
    """Write a submission of the runs for each challenge; what it did when it was tried out is returned.

    Parameters
    ----------
    runs : run folders by challenge, 1 (response time) and 2 (externalizing); several answer with their mean,
        none with a constant.
    out : the zip.

    Raises
    ------
    SparseEEGError : a run of another task or with other windows than the challenge's; a zip that doesn't
        answer in a clean process as the run does. Nothing is written then.
    """
    asked = {challenge: [Predictor(run) for run in runs.get(challenge, ())] for challenge in TASKS}
    files: dict[str, bytes] = {
        name: source.encode() for name, source in bundle("sparseeg.submission.entry", ENTRY).items()
    }
    files[ENTRY] = _FIND_MODULES.encode() + files[ENTRY]
    for challenge, predictors in asked.items():
        for predictor in predictors:
            _check_fits(challenge, predictor)
        buffer = io.BytesIO()
        torch.save(_content(challenge, predictors), buffer)
        files[WEIGHTS.format(challenge)] = buffer.getvalue()
        names = sorted({predictor.spec.name for predictor in predictors})
        if not names:
            report(f"challenge {challenge}: no run, answered with the constant {CONSTANTS[challenge]:g}")
        elif any(name.startswith(BRAINDECODE_PREFIX) for name in names):
            report(
                f"challenge {challenge}: {', '.join(names)} comes from the braindecode of the scoring image "
                "(1.2.0), which may differ from the one here"
            )
    archive = _zipped(files)
    with tempfile.TemporaryDirectory(prefix="sparseeg-") as place:
        path, folder = Path(place) / "submission.zip", Path(place) / "unpacked"
        path.write_bytes(archive)
        folder.mkdir()
        unpack(path, folder)
        tried = [_try(challenge, predictors, folder, out.name) for challenge, predictors in asked.items()]
    write_whole(out, archive)
    return tried


def _content(challenge: int, predictors: Sequence[Predictor]) -> dict[str, Any]:
    """Return what the file of a challenge's weights holds: the arguments of `entry.Answer`."""
    return {
        "networks": [
            {"spec": asdict(predictor.spec), "weights": network.state_dict()}
            for predictor in predictors
            for network in predictor.networks
        ],
        "partitions": _partitions(predictors),
        "constant": float(predictors[0].networks[0].final_layer.mean) if predictors else CONSTANTS[challenge],
    }


def _partitions(predictors: Sequence[Predictor]) -> Partitions:
    """Return what layers of random attention attend to, the same in all runs."""
    found = {predictor.config.partitions for predictor in predictors}
    if len(found) > 1:
        raise SparseEEGError(f"runs with different partitions in evaluation ({found}) can't answer as one")
    return next(iter(found), 1)


def _check_fits(challenge: int, predictor: Predictor) -> None:
    """Raise SparseEEGError unless a run predicts what a challenge asks for, from its windows."""
    run, inputs, spec = predictor.run, predictor.inputs, predictor.spec
    task = tasks.TASKS[TASKS[challenge]]
    if inputs.task.name != task.name:
        raise SparseEEGError(f"{run} predicts {inputs.task.name}; challenge {challenge} asks for {task.name}")
    if task.rule is not None and set(inputs.stimulus) != set(task.rule.stimulus):
        events = " or ".join(inputs.stimulus) or "events that are not known"
        raise SparseEEGError(
            f"{run}: its windows are locked to {events}, the challenge's to {' or '.join(task.rule.stimulus)}"
        )
    check_windows(f"{run}: its network takes", spec.n_chans, spec.n_times, spec.sfreq)
    if inputs.task.locked and abs(inputs.tmin - task.tmin) * spec.sfreq > 0.5:
        raise SparseEEGError(
            f"{run}: its windows begin {inputs.tmin:g} s after the stimulus, the challenge's {task.tmin:g} s"
        )
    for name in ("low_cut", "high_cut", "reference"):
        value = getattr(inputs.processing, name)
        if value is not None:
            raise SparseEEGError(
                f"{run}: trained on data prepared with {name} {value}; the challenge's windows come without, "
                "and a submission does nothing to them"
            )
    for own, there in zip(spec.ch_names or hbn.CH_NAMES, hbn.CH_NAMES, strict=True):
        if own.lower() != there.lower():
            raise SparseEEGError(f"{run}: its network takes {own} where the challenge has {there}")


def _zipped(files: dict[str, bytes]) -> bytes:
    """Return a zip of files; the same files give the same bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in sorted(files.items()):
            entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            entry.external_attr = 0o100644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, content)
    return buffer.getvalue()


def _try(challenge: int, predictors: Sequence[Predictor], folder: Path, name: str) -> Tried:
    """Ask the unpacked submission one by one in volts, and all at once in microvolts."""
    runs = [predictor.run for predictor in predictors]
    windows, _ = windows_to_try(runs, len(hbn.CH_NAMES), N_TIMES, N_TRIED)
    expected = np.full(N_TRIED, CONSTANTS[challenge])
    if predictors:
        networks = [network for predictor in predictors for network in predictor.networks]
        with torch.inference_mode():
            expected = answer(networks, torch.from_numpy(windows), _partitions(predictors)).mean
    volts = windows * np.float32(VOLTS)
    alone = ask(folder, challenge, (window[None] for window in volts), name=name)
    together = ask(folder, challenge, [windows], name=name)
    for answers, words in ((alone, "one by one in volts"), (together, "128 at once in microvolts")):
        _check_same(challenge, answers, expected, words, name)
    difference = float(np.abs(alone.values - expected).max())
    return Tried(challenge, difference, alone.seconds / len(windows), alone.peak_bytes)


def _check_same(challenge: int, answers: Answers, expected: np.ndarray, words: str, name: str) -> None:
    difference = np.abs(answers.values - expected).max()
    if not difference <= TOLERANCE:
        raise SparseEEGError(
            f"{name}: challenge {challenge}, asked {words}, answers up to {difference:.2g} away from the "
            f"run; at most {TOLERANCE:g} is allowed, nothing was written"
        )
