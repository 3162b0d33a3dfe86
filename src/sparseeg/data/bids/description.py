"""Read dataset_description.json of BIDS folders."""

from pathlib import Path
from typing import Any

from sparseeg.errors import SparseEEGError
from sparseeg.files.atomic import read_json


def read_description(root: Path) -> dict[str, Any]:
    """Return the content of dataset_description.json; empty if it is missing or can't be read."""
    try:
        return read_json(root / "dataset_description.json", dict)
    except SparseEEGError:
        return {}


def is_simulated(root: Path) -> bool:
    """Return whether dataset_description.json marks the data set as simulated."""
    return read_description(root).get("Simulated") is True
