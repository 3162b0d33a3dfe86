"""Read dataset_description.json of BIDS folders."""

import json
from pathlib import Path
from typing import Any


def read_description(root: Path) -> dict[str, Any]:
    """Return the content of dataset_description.json; empty if it is missing or can't be read."""
    try:
        description = json.loads((root / "dataset_description.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return description if isinstance(description, dict) else {}


def is_simulated(root: Path) -> bool:
    """Return whether dataset_description.json marks the data set as simulated."""
    return read_description(root).get("Simulated") is True
