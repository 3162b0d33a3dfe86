"""What all runs of a comparison share, and who trains: `settings.json`, written before any training."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sparseeg.data.provenance import Provenance
from sparseeg.errors import SparseEEGError
from sparseeg.files.atomic import read_json, write_json
from sparseeg.files.lock import is_empty
from sparseeg.training.config import DataConfig
from sparseeg.training.subjects import SHARED, SharedRecord, difference

FILE = SHARED
# An older version doesn't know every field.
_DEFAULTS = {
    name: field.default for name, field in DataConfig.model_fields.items() if not field.is_required()
}


@dataclass(frozen=True)
class Settings(SharedRecord):
    """What every run of a comparison has in common.

    Parameters
    ----------
    given, subjects : as in `SharedRecord`.
    data, split : as in `TrainConfig`, without the path of the data.
    windows : what the windows were when the comparison was started; version 0.1.0 did not keep it.
    """

    data: dict[str, Any]
    split: dict[str, Any]
    windows: Provenance | None = None

    @staticmethod
    def windows_of(folder: Path) -> Provenance | None:
        """Return what the windows of the comparison in a folder are, where it says so."""
        return read_json(folder / FILE, Settings).windows if (folder / FILE).exists() else None

    def check(self, folder: Path) -> None:
        """Raise SparseEEGError unless a folder is empty or holds a comparison with these settings."""
        path = folder / FILE
        if not path.exists():
            if folder.exists() and not is_empty(folder):
                raise SparseEEGError(
                    f"{folder} is not empty and has no {FILE}, which says who trains in a comparison; choose "
                    "another --out"
                )
            return
        before = read_json(path, Settings)
        moved = _changed(before, self) or difference(before.subjects, self.subjects)
        if moved:
            raise SparseEEGError(f"{folder} was started with other settings: {moved}; choose another --out")

    def write(self, folder: Path) -> None:
        """Write to the folder of a comparison, unless its settings are there already."""
        if not (folder / FILE).exists():
            folder.mkdir(parents=True, exist_ok=True)
            write_json(folder / FILE, asdict(self))


def _changed(before: Settings, now: Settings) -> str | None:
    """Return the first value that differs, in words."""
    pairs: Sequence[tuple[dict[str, Any], dict[str, Any]]] = (
        (_DEFAULTS | before.data, now.data),
        (before.split, now.split),
        (before.given, now.given),
    )
    for then, here in pairs:
        for name in {**then, **here}:
            if then.get(name) != here.get(name):
                return f"{name} was {then.get(name)} and is {here.get(name)} now"
    return None
