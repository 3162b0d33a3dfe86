"""Folders that look like runs of `train` but hold a comparison or a pretraining."""

from pathlib import Path

from pydantic import BaseModel

from sparseeg.data.tasks import PRETRAINING
from sparseeg.errors import SparseEEGError, command
from sparseeg.files.yaml import read_yaml
from sparseeg.training.config import PretrainConfig
from sparseeg.training.subjects import SHARED

_TABLE = "compare.md"


class _About(BaseModel):
    """The part of a config.yaml that says which kind it is; a file written by hand may leave the task out."""

    class Data(BaseModel):
        task: str = ""

    data: Data


def check_trained(run: Path) -> None:
    """Raise SparseEEGError where a folder holds a comparison or a pretraining, and say what can be done."""
    if (run / "config.yaml").exists():
        if _is_pretraining(run):
            raise SparseEEGError(
                f"{run} is a pretraining, which has no scores and predicts no target; start from it with "
                f"`{command('train', '--init', run)}`"
            )
    elif (run / SHARED).exists():
        table = run / _TABLE
        found = f"its scores are in {table}" if table.exists() else "the same `compare` command finishes it"
        runs = run / "runs"
        raise SparseEEGError(
            f"{run} is a comparison of several runs: {found}; name one of its runs, which are in {runs}"
        )


def check_pretrained(run: Path) -> None:
    """Raise SparseEEGError where a folder holds a run of `train`, which `pretrain` can't continue."""
    path = run / "config.yaml"
    if path.exists() and read_yaml(path, _About).data.task != PRETRAINING:
        raise SparseEEGError(
            f"{run} is a run of `sparseeg train`; continue it with "
            f"`{command('train', '--out', run, '--resume')}`"
        )


def check_config(path: Path) -> None:
    """Raise SparseEEGError where a file holds the settings of a pretraining, which `train` can't repeat."""
    if read_yaml(path, _About).data.task == PRETRAINING:
        raise SparseEEGError(
            f"{path} holds the settings of a pretraining, not of `sparseeg train`; start from its weights "
            f"with `{command('train', '--init', path.parent)}`"
        )


def _is_pretraining(run: Path) -> bool:
    try:
        return PretrainConfig.read(run).data.task == PRETRAINING
    except SparseEEGError:  # a run of `train` has other settings
        return False
