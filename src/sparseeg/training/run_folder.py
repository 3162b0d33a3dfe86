"""How a run folder starts: its configuration, then who trains, and only then the training.

A kill at any moment leaves a folder that the same command goes on with.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from sparseeg.data.splits import Split
from sparseeg.data.windows import WindowSet
from sparseeg.engines import ignore
from sparseeg.errors import SparseEEGError, in_words
from sparseeg.files import lock
from sparseeg.files.atomic import unfinished_target
from sparseeg.training import fingerprints, inputs, lineage, people, started_windows, subjects
from sparseeg.training.config import PretrainConfig, TrainConfig
from sparseeg.training.fingerprints import write_fingerprints
from sparseeg.training.people import other_people, write_people
from sparseeg.training.started_windows import write_started
from sparseeg.training.subjects import (
    SplitSubjects,
    check_subjects,
    networks_say_who_trained,
    write_subjects,
)

BEFORE_TRAINING = (
    *("config.yaml", subjects.FILE, people.FILE, fingerprints.FILE, started_windows.FILE),
    *(lineage.ANCESTORS, inputs.FILE, "problems.tsv", lock.NAME),
)
_TRAINED = ("model.safetensors", "checkpoints", "members", "folds", "selection", "controls", "effort.json")


def start_run(
    run: Path,
    config: TrainConfig | PretrainConfig,
    windows: WindowSet,
    splits: Sequence[Split],
    *,
    recorded: bool = False,
) -> None:
    """Write what says who trains, and how, to a run folder, new or started before: all but the networks.

    Parameters
    ----------
    recorded : whether the comparison that the run belongs to says who trains, and was checked.

    Raises
    ------
    SparseEEGError : the run was started with other subjects, trained with another configuration or doesn't
        say with which, or its initial weights know targets of subjects that validate or test. Nothing is
        written then.
    """
    now = [SplitSubjects.of(windows, split) for split in splits]
    trained = any((run / name).exists() for name in _TRAINED)
    if (run / subjects.FILE).exists():
        check_subjects(run, now)
    if trained:
        _check_config(run, config, recorded)
    init = config.init if isinstance(config, TrainConfig) else None
    known = None
    if init is not None:
        named = other_people(Path(init), windows, ignore) if Path(init).exists() else windows
        scored = [SplitSubjects.of(named, split) for split in splits]
        known = lineage.ancestors(run if trained else None, Path(init), scored)
    run.mkdir(parents=True, exist_ok=True)
    config.write(run)
    write_people(run, windows)
    if not trained:
        (run / inputs.FILE).unlink(missing_ok=True)  # of an earlier start, perhaps with other data
        write_started(run, windows)
    if not trained or not ((run / fingerprints.FILE).exists() or networks_say_who_trained(run)):
        write_fingerprints(run, windows, None if init is None else lineage.place(Path(init))[0])
    write_subjects(run, now)
    if known is None:
        (run / lineage.ANCESTORS).unlink(missing_ok=True)
    else:
        known.write(run)


def _check_config(run: Path, config: TrainConfig | PretrainConfig, recorded: bool) -> None:
    """Raise SparseEEGError unless the networks in a run were trained by this configuration.

    The device and the path of the data may differ.
    """
    for name in ("config.yaml", subjects.FILE):
        if not (run / name).exists():
            if recorded:  # version 0.1.0 kept one record for all runs of a comparison
                return
            raise SparseEEGError(
                f"{run} holds networks but no {name}: who trained them, and how, can't be known; train into "
                "another folder"
            )
    before = type(config).read(run)
    then, now = (
        one.model_dump(exclude={"device": True, "data": {"path", "test_path"}}) for one in (before, config)
    )
    for name, value, new in _changed(then, now):
        raise SparseEEGError(
            f"{run} holds networks that were trained with other settings: {name} was {in_words(value)} "
            f"and is {in_words(new)} now; train into another folder"
        )


def _changed(then: Mapping[str, Any], now: Mapping[str, Any], of: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Yield each setting that differs, as `augment.jitter`, with both of its values."""
    for name in {**then, **now}:
        before, after = then.get(name), now.get(name)
        if isinstance(before, Mapping) and isinstance(after, Mapping):
            yield from _changed(before, after, f"{of}{name}.")
        elif before != after:
            yield f"{of}{name}", before, after


def nothing_trained(run: Path) -> bool:
    """Say whether a folder holds no more than a run has before its training, or isn't there."""
    names = [path.name for path in run.iterdir()] if run.is_dir() else []
    return all(name in BEFORE_TRAINING or unfinished_target(name) for name in names)
