"""How a run folder starts: its configuration, then who trains, and only then the training.

A kill at any moment leaves a folder that the same command goes on with.
"""

from collections.abc import Sequence
from pathlib import Path

from sparseeg.data.splits import Split
from sparseeg.data.windows import WindowSet
from sparseeg.errors import SparseEEGError
from sparseeg.files import lock
from sparseeg.files.atomic import unfinished_target
from sparseeg.training import subjects
from sparseeg.training.config import PretrainConfig, TrainConfig
from sparseeg.training.lineage import seen_by
from sparseeg.training.subjects import SplitSubjects, check_subjects, write_subjects

_BEFORE_TRAINING = ("config.yaml", subjects.FILE, "input.json", "problems.tsv", lock.NAME)
_TRAINED = ("model.safetensors", "checkpoints", "members", "folds", "selection", "controls", "effort.json")


def start_run(
    run: Path,
    config: TrainConfig | PretrainConfig,
    windows: WindowSet,
    splits: Sequence[Split],
    *,
    recorded: bool = False,
) -> None:
    """Write `config.yaml` and `splits.json` to a run folder, new or started before.

    Parameters
    ----------
    recorded : whether the comparison that the run belongs to says who trains, and was checked.

    Raises
    ------
    SparseEEGError : the run was started with other subjects or doesn't say with whom, or its initial weights
        know targets of subjects that validate or test. Nothing is written then.
    """
    now = [SplitSubjects.of(windows, split) for split in splits]
    if (run / subjects.FILE).exists():
        check_subjects(run, now)
    elif not recorded and any((run / name).exists() for name in _TRAINED):
        raise SparseEEGError(
            f"{run} holds networks but no {subjects.FILE}: who trained them can't be known; train into "
            "another folder"
        )
    if isinstance(config, TrainConfig) and config.init is not None:
        seen = seen_by(Path(config.init))
        for split in now:
            seen.check(split.test, split.valid, "; split the subjects as that run did")
    run.mkdir(parents=True, exist_ok=True)
    config.write(run)
    write_subjects(run, now)


def nothing_trained(run: Path) -> bool:
    """Say whether a folder holds no more than a run has before its training, or isn't there."""
    names = [path.name for path in run.iterdir()] if run.is_dir() else []
    return all(name in _BEFORE_TRAINING or unfinished_target(name) for name in names)
