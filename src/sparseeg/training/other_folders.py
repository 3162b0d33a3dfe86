"""Folders that look like runs of `train` but hold a comparison or a pretraining."""

from pathlib import Path

from sparseeg.data.tasks import PRETRAINING
from sparseeg.errors import SparseEEGError
from sparseeg.training.config import PretrainConfig
from sparseeg.training.subjects import SHARED

_TABLE = "compare.md"


def check_trained(run: Path) -> None:
    """Raise SparseEEGError where a folder holds a comparison or a pretraining, and say what can be done."""
    if (run / "config.yaml").exists():
        if _is_pretraining(run):
            raise SparseEEGError(
                f"{run} is a pretraining, which has no scores and predicts no target; start from it with "
                f"`sparseeg train --init {run}`"
            )
    elif (run / SHARED).exists():
        table = run / _TABLE
        found = f"its scores are in {table}" if table.exists() else "the same `compare` command finishes it"
        raise SparseEEGError(f"{run} is a comparison of several runs: {found}; they are in {run / 'runs'}")


def _is_pretraining(run: Path) -> bool:
    try:
        return PretrainConfig.read(run).data.task == PRETRAINING
    except SparseEEGError:  # a run of `train` has other settings
        return False
