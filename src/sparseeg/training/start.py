"""Initial weights: those of another run, pretrained or trained on another target."""

from collections.abc import Callable
from pathlib import Path

from torch import nn

from sparseeg.data.match import check_processing
from sparseeg.data.splits import Split
from sparseeg.data.windows import WindowSet
from sparseeg.errors import SparseEEGError
from sparseeg.models.files import read_spec, read_weights
from sparseeg.training.inputs import FILE as INPUTS
from sparseeg.training.inputs import Inputs
from sparseeg.training.lineage import seen_by
from sparseeg.training.subjects import SplitSubjects

HEAD = "final_layer."


def start_from(
    run: Path,
    model: str,
    network: nn.Module,
    windows: WindowSet,
    split: Split,
    report: Callable[[str], None],
) -> None:
    """Give a network the weights of the run in a folder, and report which.

    Weights are taken where name and shape are the same, except for the last layer, which belongs to a target.
    Of several networks in the folder, the first is taken.

    Raises
    ------
    SparseEEGError : there is no finished network, it is of another kind or nothing of it fits, it knows
        targets of subjects that validate or test here, or its record is damaged.
    """
    path = network_file(run, model)
    now, seen = SplitSubjects.of(windows, split), seen_by(run)
    seen.check(now.test, now.valid, "; split the subjects as that run did")
    seen.describe(now.test or now.valid, report)
    _check_processing(run, path, windows, report)
    own = {key: value for key, value in network.state_dict().items() if not key.startswith(HEAD)}
    there = read_weights(path)
    taken = {
        key: there[key] for key, value in own.items() if key in there and there[key].shape == value.shape
    }
    if not taken:
        raise SparseEEGError(f"{run}: none of its weights fit this network; build both with the same options")
    network.load_state_dict(taken, strict=False)
    left = [key for key in own if key not in taken]
    new = ", ".join([*left, "the last layer"])
    report(f"{len(taken)} of {len(own)} tensors below the last layer are taken from {path}; new: {new}")


def _check_processing(run: Path, path: Path, windows: WindowSet, report: Callable[[str], None]) -> None:
    """Raise SparseEEGError where the network learned from signals of another rate, filter or reference."""
    if not (run / INPUTS).exists():
        report(f"{run} does not say how the signals of its network were prepared: not compared")
        return
    inputs = Inputs.read(run, read_spec(path))
    for note in check_processing(windows.provenance, inputs.provenance, f"the run {run}", windows.source):
        report(note)


def network_file(run: Path, model: str) -> Path:
    """Return the file that a network can start from; SparseEEGError where there is none for this model."""
    paths = (run / "model.safetensors", *sorted(run.glob("members/*/model.safetensors")))
    path = next((path for path in paths if path.is_file()), None)
    if path is None:
        raise SparseEEGError(f"{run} holds no finished network: there is no model.safetensors to start from")
    name = read_spec(path).name
    if name != model:
        raise SparseEEGError(f"{run} holds a {name}; only another {name} can start from it")
    return path
