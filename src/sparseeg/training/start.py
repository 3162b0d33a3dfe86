"""Where a network starts from: the weights of another run, pretrained or trained on another target."""

from collections.abc import Callable
from pathlib import Path

import yaml
from torch import nn

from sparseeg.data.splits import Split
from sparseeg.data.tasks import PRETRAINING
from sparseeg.data.windows import WindowSet
from sparseeg.errors import SparseEEGError
from sparseeg.models.files import read_spec, read_weights
from sparseeg.training.parts import Parts, read_parts

HEAD = "final_layer."


def start_from(
    run: Path,
    model: str,
    network: nn.Module,
    windows: WindowSet,
    split: Split,
    report: Callable[[str], None],
) -> None:
    """Give a network the weights of the run in a folder, and say which it got.

    Weights go where name and shape are the same; the last layer, which belongs to a target, stays as it is.
    Of several networks in the folder the first one counts.

    Raises
    ------
    SparseEEGError : no finished network there, one of another kind, one of which nothing fits, or one that
        was trained on targets of subjects who are to validate or test this one.
    """
    path = network_file(run, model)
    _check_subjects(run, windows, split, report)
    own = {key: value for key, value in network.state_dict().items() if not key.startswith(HEAD)}
    there = read_weights(path)
    taken = {
        key: there[key] for key, value in own.items() if key in there and there[key].shape == value.shape
    }
    if not taken:
        raise SparseEEGError(f"{run}: none of its weights fits this network; build it with the same options")
    network.load_state_dict(taken, strict=False)
    left = [key for key in own if key not in taken]
    rest = f"; new are {', '.join(left)} and the last layer" if left else "; new is the last layer"
    report(f"{len(taken)} of {len(own)} tensors below the last layer start as in {path}{rest}")


def network_file(run: Path, model: str) -> Path:
    """Return the file that a network can start from; SparseEEGError where there is none of its kind."""
    paths = (run / "model.safetensors", *sorted(run.glob("members/*/model.safetensors")))
    path = next((path for path in paths if path.is_file()), None)
    if path is None:
        raise SparseEEGError(f"{run} holds no finished network: no model.safetensors to start from")
    name = read_spec(path).name
    if name != model:
        raise SparseEEGError(f"{run} holds a network {name}; only another {name} can start from it")
    return path


def _check_subjects(run: Path, windows: WindowSet, split: Split, report: Callable[[str], None]) -> None:
    """Refuse to score on subjects whose targets the network knows; say how many signals it knows."""
    try:
        parts = read_parts(run)
        config = yaml.safe_load((run / "config.yaml").read_text())
        task, earlier = config["data"]["task"], config.get("init")
    except (SparseEEGError, OSError, KeyError, TypeError, yaml.YAMLError):
        return  # weights alone, which don't say where they are from
    if earlier is not None:  # what it started from itself, it knows as well
        _check_subjects(Path(earlier), windows, split, report)
    trained = _names(parts, "train")
    known = trained | _names(parts, "valid")
    tests, validates = (set(windows.subjects[rows].tolist()) for rows in (split.test, split.valid))
    if task == PRETRAINING:
        scored = tests or validates
        if scored & known:
            report(
                f"{len(scored & known)} of the {len(scored)} subjects that are scored took part in the "
                "pretraining, without targets"
            )
        return
    for subjects, word in ((tests & known, "test"), (validates & trained, "validate")):
        if subjects:
            raise SparseEEGError(
                f"subject {min(subjects)} trained the network in {run}; it can't {word} one that starts from "
                "there: split the subjects in the same way"
            )


def _names(parts: list[Parts], part: str) -> set[str]:
    return {subject for split in parts for subject in split[part]}
