"""Read dataset_description.json of BIDS folders."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from sparseeg.data.problems import Problem
from sparseeg.errors import SparseEEGError, one_line
from sparseeg.files.atomic import read_json

NAME = "dataset_description.json"


def read_description(root: Path) -> dict[str, Any]:
    """Return the content of dataset_description.json; empty without one, SparseEEGError for a damaged one."""
    return read_json(root / NAME, dict) if (root / NAME).exists() else {}


def is_derivative(root: Path) -> bool:
    """Return whether a data set is a processed version of another, as its description or its place says."""
    found = read_description(root)
    named = str(found.get("DatasetType") or "").strip().lower() == "derivative"
    made = any(found.get(name) for name in ("SourceDatasets", "PipelineDescription"))
    return named or made or root.resolve().parent.name == "derivatives"


def is_simulated(root: Path) -> bool:
    """Return whether dataset_description.json marks the data set as simulated."""
    return read_description(root).get("Simulated") is True


def any_simulated(roots: Iterable[Path]) -> tuple[bool, list[Problem]]:
    """Return whether one of the data sets is simulated, and a problem for each that can't say so."""
    found, problems = False, []
    for root in sorted(roots):
        try:
            found = is_simulated(root) or found
        except SparseEEGError as error:
            path = root / NAME
            reason = one_line(error).removeprefix(f"{path} ")
            problems.append(Problem(path, reason, "read as recorded data, not as simulated", "nothing"))
    return found, problems
