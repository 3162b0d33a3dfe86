"""Pack trained runs into a zip for the challenge, and check it in a clean process before it is written."""

import io
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from sparseeg.data.bids import hbn
from sparseeg.engines import Report
from sparseeg.errors import SparseEEGError
from sparseeg.files.atomic import write_whole
from sparseeg.models.partitions import Partitions
from sparseeg.models.registry import BRAINDECODE_PREFIX
from sparseeg.prediction import Predictor
from sparseeg.prediction.example_windows import example_windows
from sparseeg.submission.archive import ENTRY, unpack
from sparseeg.submission.bundle import bundle
from sparseeg.submission.challenge import N_TIMES, TASKS, TOLERANCE, VOLTS, check_windows
from sparseeg.submission.entry import WEIGHTS
from sparseeg.submission.sandbox import SandboxResult, run_submission
from sparseeg.training.inference import answer

CONSTANTS = {1: 1.594, 2: 0.0}  # mean of 73,525 response times of HBN-EEG in s; factors have mean zero
N_EXAMPLES = 128  # windows on which the zip is checked
# A loader that imports submission.py by its path doesn't search its folder for the other modules.
_FIND_MODULES = "import pathlib, sys\nsys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))\n"


@dataclass(frozen=True)
class PackCheck:
    """Result of running the zip in a clean process, for one challenge.

    Parameters
    ----------
    challenge : 1 or 2.
    difference : largest difference from the predictions of the runs.
    seconds_per_window, peak_bytes : at batch size 1; on Windows, the memory is None.
    """

    challenge: int
    difference: float
    seconds_per_window: float
    peak_bytes: int | None


def pack(runs: Mapping[int, Sequence[Path]], out: Path, report: Report | None = None) -> list[PackCheck]:
    """Write a submission, and return the results of checking it.

    Parameters
    ----------
    runs : run folders by challenge, 1 (response time) and 2 (externalizing). The prediction of several runs
        is their mean; without a run, it is a constant.
    out : the zip to write.
    report : called with notes for the user.

    Raises
    ------
    SparseEEGError : a run has another task or other windows than the challenge, or the zip doesn't predict in
        a clean process what the runs predict. Nothing is written then.
    """
    predictors = {challenge: [Predictor(run) for run in runs.get(challenge, ())] for challenge in TASKS}
    files: dict[str, bytes] = {
        name: source.encode() for name, source in bundle("sparseeg.submission.entry", ENTRY).items()
    }
    files[ENTRY] = _FIND_MODULES.encode() + files[ENTRY]
    for challenge, chosen in predictors.items():
        for predictor in chosen:
            _check_fits(challenge, predictor)
        buffer = io.BytesIO()
        torch.save(_content(challenge, chosen), buffer)
        files[WEIGHTS.format(challenge)] = buffer.getvalue()
        note = _note(challenge, chosen)
        if report is not None and note is not None:
            report(note)
    archive = _zipped(files)
    with tempfile.TemporaryDirectory(prefix="sparseeg-") as temporary:
        path, folder = Path(temporary) / "submission.zip", Path(temporary) / "unpacked"
        path.write_bytes(archive)
        folder.mkdir()
        unpack(path, folder)
        checks = [_check(challenge, chosen, folder, out.name) for challenge, chosen in predictors.items()]
    write_whole(out, archive)
    return checks


def _note(challenge: int, predictors: Sequence[Predictor]) -> str | None:
    """Return what a user should know of the networks for a challenge."""
    names = sorted({predictor.spec.name for predictor in predictors})
    if not names:
        return f"challenge {challenge}: no run, predicts the constant {CONSTANTS[challenge]:g}"
    if any(name.startswith(BRAINDECODE_PREFIX) for name in names):
        return (
            f"challenge {challenge}: {', '.join(names)} comes from the braindecode of the scoring image "
            "(1.2.0), which may differ from the one installed here"
        )
    return None


def _content(challenge: int, predictors: Sequence[Predictor]) -> dict[str, Any]:
    """Return the content of a challenge's file of weights: the arguments of `entry.ChallengeNetwork`."""
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
    """Return the partitions in evaluation, which must be the same for all runs."""
    found = {predictor.config.partitions for predictor in predictors}
    if len(found) > 1:
        values = ", ".join(sorted(map(str, found)))
        raise SparseEEGError(f"runs with different partitions in evaluation ({values}) can't be combined")
    return next(iter(found), 1)


def _check_fits(challenge: int, predictor: Predictor) -> None:
    """Raise SparseEEGError unless a run takes the windows of a challenge and predicts its target."""
    spec, found = predictor.spec, predictor.inputs.provenance
    names = spec.ch_names or (hbn.CH_NAMES if spec.n_chans == len(hbn.CH_NAMES) else found.ch_names)
    processing = replace(found.processing, sfreq=spec.sfreq)
    found = replace(found, processing=processing, ch_names=tuple(names), n_times=spec.n_times)
    check_windows(challenge, found, f"the run {predictor.run}")


def _zipped(files: dict[str, bytes]) -> bytes:
    """Return a zip of files, whose bytes only depend on the files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in sorted(files.items()):
            entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            entry.external_attr = 0o100644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, content)
    return buffer.getvalue()


def _check(challenge: int, predictors: Sequence[Predictor], folder: Path, name: str) -> PackCheck:
    """Predict with the unpacked submission: one window at a time in volts, and all at once in microvolts."""
    runs = [predictor.run for predictor in predictors]
    windows, _ = example_windows(runs, len(hbn.CH_NAMES), N_TIMES, N_EXAMPLES)
    expected = np.full(N_EXAMPLES, CONSTANTS[challenge])
    if predictors:
        networks = [network for predictor in predictors for network in predictor.networks]
        with torch.inference_mode():
            expected = answer(networks, torch.from_numpy(windows), _partitions(predictors)).mean
    volts = windows * np.float32(VOLTS)
    single = run_submission(folder, challenge, (window[None] for window in volts), name=name)
    batch = run_submission(folder, challenge, [windows], name=name)
    _check_same(challenge, single, expected, "single windows in volts", name)
    _check_same(challenge, batch, expected, f"a batch of {N_EXAMPLES} in microvolts", name)
    difference = float(np.abs(single.values - expected).max())
    return PackCheck(challenge, difference, single.seconds / len(windows), single.peak_bytes)


def _check_same(challenge: int, result: SandboxResult, expected: np.ndarray, what: str, name: str) -> None:
    difference = np.abs(result.values - expected).max()
    if not difference <= TOLERANCE:
        raise SparseEEGError(
            f"{name}: predictions for challenge {challenge}, {what}, differ from the run by up to "
            f"{difference:.2g}; at most {TOLERANCE:g} is allowed, nothing was written"
        )
