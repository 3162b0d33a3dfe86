"""Which subjects a network has seen: those of its run, and of every run that its weights come from."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from pydantic import BaseModel

from sparseeg.data.tasks import PRETRAINING
from sparseeg.engines import Report
from sparseeg.errors import SparseEEGError
from sparseeg.files.atomic import read_json, write_json
from sparseeg.files.yaml import read_yaml
from sparseeg.training import config, subjects
from sparseeg.training.subjects import SharedRecord, SplitSubjects, read_subjects

ANCESTORS = "ancestors.json"
_GROUPS = ("folds", "members", "controls")  # folders of a run that hold networks in folders of their own
# Every config.yaml holds these, the last of them near its end: a file without one was cut short.
_IN_TRAIN, _IN_PRETRAIN = ("init", "refit", "boosting"), ("precision",)
# Only a run writes these: where they are, weights are not alone, and a record is missing.
_OF_A_RUN = (
    *("calibration.json", "checkpoints", "controls", "effort.json", "folds", "logs", "metrics.json"),
    *("predictions.tsv", "selection", ANCESTORS),
)


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

    trained: dict[str, str] = field(default_factory=dict)
    validated: dict[str, str] = field(default_factory=dict)
    pretrained: dict[str, str] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)

    def __or__(self, other: "Seen") -> "Seen":
        return Seen(
            other.trained | self.trained,
            other.validated | self.validated,
            other.pretrained | self.pretrained,
            self.unknown + other.unknown,
        )

    @property
    def names(self) -> set[str]:
        """Names of all subjects."""
        return {*self.trained, *self.validated, *self.pretrained}

    def check(self, test: Iterable[str], valid: Iterable[str] = (), advice: str = "") -> None:
        """Raise SparseEEGError where the network knows targets of subjects that shall test or validate it.

        A subject who validated may validate again.
        """
        for part, scored, known in (
            ("test", test, self.validated | self.trained),
            ("validation", valid, self.trained),
        ):
            found = set(scored) & known.keys()
            if found:
                raise SparseEEGError(
                    f"{self.told(found)}: subjects whose targets shaped a network or its initial weights "
                    f"can't be {part} subjects{advice}"
                )

    def told(self, subjects: Iterable[str]) -> str:
        """Return which of some subjects trained or validated which network, all of them by name."""
        by_deed: dict[str, list[str]] = {}
        for subject in sorted(subjects):
            did, run = next(
                (did, known[subject])
                for did, known in (("trained", self.trained), ("validated", self.validated))
                if subject in known
            )
            by_deed.setdefault(f"{did} the network in {run}", []).append(subject)
        return "; ".join(
            f"subject{'s' * (len(names) > 1)} {', '.join(names)} {deed}" for deed, names in by_deed.items()
        )

    def write(self, run: Path) -> None:
        """Keep in a run what its initial weights have seen, as `ancestors.json`."""
        write_json(run / ANCESTORS, asdict(self))

    def same_subjects(self, other: "Seen") -> bool:
        """Say whether both name the same subjects, wherever the runs are."""
        return all(
            getattr(self, part).keys() == getattr(other, part).keys()
            for part in ("trained", "validated", "pretrained")
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
    run, number, chooses = place(folder)
    if run in _later:
        raise SparseEEGError(
            f"{run} and {_later[-1]} start from each other's weights (init in config.yaml): who trained them "
            "can't be known; give the weights alone, model.safetensors in a new folder"
        )
    record = _read(run)
    if record is None:
        _check_alone(folder)
        return Seen(unknown=[f"{folder}: no record of who trained its network; its subjects aren't checked"])
    if number is not None and not 1 <= number <= len(record.splits):
        raise SparseEEGError(f"{run / subjects.FILE} has {len(record.splits)} splits, but {folder} is there")
    splits = record.splits if number is None else [record.splits[number - 1]]
    train = dict.fromkeys((subject for split in splits for subject in split.train), str(run))
    valid = dict.fromkeys((subject for split in splits for subject in split.valid), str(run))
    if record.pretraining:
        return Seen(pretrained=train | valid)
    own = Seen(trained=train | valid if record.refit and not chooses else train, validated=valid)
    before = kept(run)
    if record.init is None:
        if before is not None:
            raise SparseEEGError(
                f"{run / 'config.yaml'} names no initial weights (init), but {run / ANCESTORS} says who "
                "trained them: one of them was changed; restore it"
            )
        return own
    return own | (seen_by(Path(record.init), (*_later, run)) if before is None else before)


def ancestors(run: Path | None, init: Path, splits: Sequence[SplitSubjects]) -> Seen:
    """Return what the weights of another run have seen, from which a network starts.

    Parameters
    ----------
    run : folder that was trained from these weights before; it knows their subjects if `init` was moved.
    init : folder of the other run.
    splits : of the network that starts.

    Raises
    ------
    SparseEEGError : they know targets of subjects that validate or test, their record can't be read, or
        another run is at `init` now.
    """
    before = None if run is None else kept(run)
    if before is None:
        seen = seen_by(init)
    elif not init.exists() or seen_by(init).same_subjects(before):
        seen = before
    else:
        raise SparseEEGError(
            f"{run} started from other weights than those in {init} now: other subjects trained them; put "
            "them back, or train into another folder"
        )
    for split in splits:
        seen.check(split.test, split.valid, "; split the subjects as that run did")
    return seen


def kept(run: Path) -> Seen | None:
    """Return what a run keeps about its initial weights; None for a run of an earlier version."""
    return read_json(run / ANCESTORS, Seen) if os.path.lexists(run / ANCESTORS) else None


def _check_alone(folder: Path) -> None:
    """Raise SparseEEGError unless a folder holds weights, and nothing of a run without its record."""
    if not folder.exists():
        raise SparseEEGError(
            f"{folder} does not exist: who trained the network that was there can't be known; put it back"
        )
    found = [name for name in _OF_A_RUN if os.path.lexists(folder / name)]
    weights = [folder / "model.safetensors", *folder.glob("members/*/model.safetensors")]
    if found or not any(path.exists() for path in weights):
        there = f"{found[0]} but no" if found else "no network and no"
        raise SparseEEGError(
            f"{folder} has {there} record (config.yaml, {subjects.FILE}): who trained its network can't be "
            "known; restore the record, or give the weights alone, model.safetensors in a new folder"
        )


def place(folder: Path) -> tuple[Path, int | None, bool]:
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
    comparison = subjects.comparison_of(run)
    if comparison is None:
        return None
    found = read_json(comparison / subjects.SHARED, SharedRecord)
    return _Record(found.subjects, refit=bool(found.given.get("refit")))
