"""Which subjects a network has seen: those of its run, and of every run that its weights come from."""

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from sparseeg.data.tasks import PRETRAINING
from sparseeg.errors import SparseEEGError
from sparseeg.files.atomic import read_json
from sparseeg.files.yaml import read_yaml
from sparseeg.training import config, subjects
from sparseeg.training.subjects import SplitSubjects, read_subjects

Report = Callable[[str], None]
_GROUPS = ("folds", "members", "controls")  # folders of a run that hold networks in folders of their own
# Every config.yaml holds these, the last of them near its end: a file without one was cut short.
_IN_TRAIN, _IN_PRETRAIN = ("init", "refit", "boosting"), ("precision",)


@dataclass(frozen=True)
class Seen:
    """What a network has seen, each subject with the run that showed it.

    Parameters
    ----------
    trained : subjects whose targets trained the network.
    validated : subjects whose targets chose the epoch, the shrinkage and the intervals.
    pretrained : subjects whose signals took part in pretraining, without targets.
    unknown : where the record ends, in a line each.
    """

    trained: dict[str, Path] = field(default_factory=dict)
    validated: dict[str, Path] = field(default_factory=dict)
    pretrained: dict[str, Path] = field(default_factory=dict)
    unknown: tuple[str, ...] = ()

    def __or__(self, other: "Seen") -> "Seen":
        return Seen(
            other.trained | self.trained,
            other.validated | self.validated,
            other.pretrained | self.pretrained,
            self.unknown + other.unknown,
        )

    def check(self, test: Iterable[str], valid: Iterable[str] = (), advice: str = "") -> None:
        """Raise SparseEEGError where the network knows targets of subjects that shall test or validate it.

        A subject who validated may validate again.
        """
        for part, scored, known in (
            ("test", test, self.validated | self.trained),
            ("validation", valid, self.trained),
        ):
            for subject in sorted(set(scored) & known.keys()):
                did = "trained" if subject in self.trained else "validated"
                raise SparseEEGError(
                    f"subject {subject} {did} the network in {known[subject]}: subjects whose targets shaped "
                    f"a network or its initial weights can't be {part} subjects{advice}"
                )

    def describe(self, scored: Iterable[str], report: Report) -> None:
        """Report what is not known, and how many of the scored subjects took part in pretraining."""
        for line in self.unknown:
            report(line)
        people = set(scored)
        both = people & self.pretrained.keys()
        if both:
            report(
                f"{len(both)} of the {len(people)} subjects that are scored took part in the pretraining, "
                "without targets"
            )


def seen_by(folder: Path, _later: tuple[Path, ...] = ()) -> Seen:
    """Return what the network in a folder has seen, in its own run and in those that it started from.

    Parameters
    ----------
    folder : a run, or a folder in it that holds a network, as that of one fold.

    Raises
    ------
    SparseEEGError : the record of one of the runs is damaged or incomplete, or runs start from each other.
    """
    run, number, chooses = _place(folder)
    if run in _later:
        raise SparseEEGError(
            f"{run} and {_later[-1]} start from each other's weights (init in config.yaml): who trained them "
            "can't be known; give the weights alone, model.safetensors in a new folder"
        )
    record = _read(run)
    if record is None:
        return Seen(unknown=(f"{folder}: no record of who trained its network; its subjects aren't checked",))
    if number is not None and not 1 <= number <= len(record.splits):
        raise SparseEEGError(f"{run / subjects.FILE} has {len(record.splits)} splits, but {folder} is there")
    splits = record.splits if number is None else [record.splits[number - 1]]
    train = dict.fromkeys((subject for split in splits for subject in split.train), run)
    valid = dict.fromkeys((subject for split in splits for subject in split.valid), run)
    if record.pretraining:
        return Seen(pretrained=train | valid)
    own = Seen(trained=train | valid if record.refit and not chooses else train, validated=valid)
    return own if record.init is None else own | seen_by(Path(record.init), (*_later, run))


def _place(folder: Path) -> tuple[Path, int | None, bool]:
    """Return the run that a folder with a network is in, its fold, and whether it chooses for a refit."""
    run, number, chooses = folder.resolve(), None, False
    while len(_missing(run)) == 2 and (run.name == "selection" or run.parent.name in _GROUPS):
        if run.name == "selection":
            run, chooses = run.parent, True
            continue
        if run.parent.name == "folds" and run.name.isdecimal():
            number = int(run.name)
        run = run.parents[1]
    return run, number, chooses


@dataclass(frozen=True)
class _Record:
    """What a run folder says about its training."""

    splits: list[SplitSubjects]
    pretraining: bool = False
    refit: bool = False
    init: str | None = None


class _About(BaseModel):
    """The part of a config.yaml that says which kind it is."""

    class Data(BaseModel):
        task: str

    data: Data


@dataclass(frozen=True)
class _Settings:
    """settings.json of a comparison."""

    given: dict[str, Any]
    subjects: list[SplitSubjects]


def _read(run: Path) -> _Record | None:
    """Return the record of a run; None where there is none at all."""
    missing = _missing(run)
    if len(missing) == 2:
        return _read_comparison(run)
    if missing:
        raise SparseEEGError(
            f"{run} has no {missing[0]}: who trained its network can't be known; restore the file, or give "
            "the weights alone, model.safetensors in a new folder"
        )
    splits = read_subjects(run)
    if read_yaml(run / "config.yaml", _About).data.task == PRETRAINING:
        _check_whole(run, config.PretrainConfig.read(run), _IN_PRETRAIN)
        return _Record(splits, pretraining=True)
    trained = config.TrainConfig.read(run)
    _check_whole(run, trained, _IN_TRAIN)
    return _Record(splits, refit=trained.refit, init=trained.init)


def _missing(run: Path) -> list[str]:
    """Return which of the two files of a record are not there; a dangling link is there, and damaged."""
    return [name for name in ("config.yaml", subjects.FILE) if not os.path.lexists(run / name)]


def _check_whole(run: Path, read: BaseModel, names: tuple[str, ...]) -> None:
    for name in names:
        if name not in read.model_fields_set:
            raise SparseEEGError(f"{run / 'config.yaml'} is damaged: it doesn't say {name}")


def _read_comparison(run: Path) -> _Record | None:
    """Return the record of a run in a comparison of version 0.1.0, which kept one for all of its runs."""
    if len(run.parents) < 3 or run.parents[1].name != "runs":
        return None
    settings = run.parents[2] / "settings.json"
    if not os.path.lexists(settings):
        return None
    found = read_json(settings, _Settings)
    return _Record(found.subjects, refit=bool(found.given.get("refit")))
