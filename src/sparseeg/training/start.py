"""Initial weights: those of another run, pretrained or trained on another target."""

from pathlib import Path

import torch
from torch import nn

from sparseeg.data.match import check_processing
from sparseeg.data.splits import Split
from sparseeg.data.windows import WindowSet
from sparseeg.engines import Report
from sparseeg.errors import SparseEEGError
from sparseeg.models.files import read_spec, read_weights
from sparseeg.models.network import HasPatches
from sparseeg.training import lineage
from sparseeg.training.inputs import FILE as INPUTS
from sparseeg.training.inputs import Inputs
from sparseeg.training.subjects import SplitSubjects

HEAD = "final_layer."


def start_from(
    run: Path,
    model: str,
    network: nn.Module,
    windows: WindowSet,
    split: Split,
    report: Report,
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
    now = SplitSubjects.of(windows, split)
    lineage.ancestors(None, run, [now]).describe(now.scored[1], report)
    _check_processing(run, path, windows, report)
    _check_channels(network, path, windows, report)
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


def _check_processing(run: Path, path: Path, windows: WindowSet, report: Report) -> None:
    """Raise SparseEEGError where the network learned from signals of another rate, filter or reference."""
    run = lineage.place(run)[0]
    if not (run / INPUTS).exists():
        report(f"{run} does not say how the signals of its network were prepared: not compared")
        return
    inputs = Inputs.read(run, read_spec(path))
    for note in check_processing(windows.provenance, inputs.provenance, f"the run {run}", windows.source):
        report(note)


def _check_channels(network: nn.Module, path: Path, windows: WindowSet, report: Report) -> None:
    """Raise SparseEEGError where weights of one channel would be those of another.

    Networks for another number of channels have weights of another shape, which are not taken.
    """
    spec, own = read_spec(path), [name.lower() for name in windows.ch_names]
    if not spec.ch_names:
        report(f"{path} does not name the channels of its network: not compared")
        return
    there = [name.lower() for name in spec.ch_names]
    if len(there) != len(own) or there == own:
        return
    if isinstance(network, HasPatches) and _same_places(network, own, spec.build(), there):
        return
    number = next(number for number, name in enumerate(own) if name != there[number])
    raise SparseEEGError(
        f"{windows.source}: channel {number + 1} is {windows.ch_names[number]}, but that of the network in "
        f"{path} is {spec.ch_names[number]}; prepare the data with the channels in its order"
    )


def _same_places(network: HasPatches, own: list[str], other: nn.Module, there: list[str]) -> bool:
    """Say whether networks that read positions have the same ones for channels of the same name."""
    assert isinstance(other, HasPatches)  # of the same model
    places = dict(zip(own, network.electrode_positions, strict=True))
    others = dict(zip(there, other.electrode_positions, strict=True))
    return all(torch.equal(places[name], others[name]) for name in places.keys() & others.keys())


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
