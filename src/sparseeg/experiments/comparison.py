"""Several models on the same splits and seeds, compared in pairs; goes on where it was interrupted."""

import json
import re
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pydantic import ValidationError

from sparseeg import machine
from sparseeg.data.windows import WindowSet
from sparseeg.errors import SparseEEGError, one_line
from sparseeg.evaluation import compare
from sparseeg.experiments import predictions as scoring
from sparseeg.experiments import run as runs
from sparseeg.experiments.engines import each
from sparseeg.experiments.folds import Fold, make_folds
from sparseeg.files.atomic import write_json, write_whole
from sparseeg.files.yaml import describe, name_and_value
from sparseeg.models.registry import check_name
from sparseeg.training.config import AugmentConfig, DataConfig, SplitConfig, TrainConfig
from sparseeg.training.ensemble import NETWORK, SELECTION, load_members, member_folders, training_seconds
from sparseeg.training.fit import EFFORT
from sparseeg.training.inference import predict
from sparseeg.training.parts import difference, subjects_of
from sparseeg.training.recipes import configure

Report = Callable[[str], None]
BASELINES = {
    "training-mean": "train_mean",
    "ridge": "ridge",
    "gradient-boosting": "hist_gradient_boosting",
    "ceiling": "ceiling",
}
COSTS = ("parameters", "training_s", "windows_per_s")
PREDICTIONS, LINES, SETTINGS = "predictions.tsv", "runs.tsv", "settings.json"
_OWN = ("augment", "data", "model", "seed", "split")  # what a comparison sets itself, or writes otherwise


@dataclass(frozen=True)
class Entry:
    """One line of a comparison.

    Parameters
    ----------
    name : as it was asked for, as `light-sparse-attention-cnn@output=latency`.
    model : name of a network or of a baseline.
    given : what differs from the network's recipe: fields of `TrainConfig`, of its `augment`, or options of
        the network.
    runs : seeds that it is trained with, where not as many as the others.
    """

    name: str
    model: str
    given: dict[str, Any] = field(default_factory=dict)
    runs: int | None = None

    @classmethod
    def parse(cls, text: str) -> "Entry":
        """Read MODEL or MODEL@NAME=VALUE@...; SparseEEGError for anything else."""
        model, *words = text.split("@")
        if model not in BASELINES:
            check_name(model)
        given: dict[str, Any] = {}
        n_runs = None
        if words and model in BASELINES:
            raise SparseEEGError(f"{text}: {model} has no options")
        for word in words:
            name, value = name_and_value(word)
            if name == "runs":
                if not isinstance(value, int) or value < 1:
                    raise SparseEEGError(f"{text}: runs takes a number from 1 on")
                n_runs = value
            elif name in _OWN:
                raise SparseEEGError(f"{text}: {name} is no option of a single model")
            elif name in AugmentConfig.model_fields:
                given.setdefault("augment", {})[name] = value
            elif name in TrainConfig.model_fields:
                given[name] = value
            else:
                given.setdefault("model_options", {})[name] = value
        return cls(text, model, given, n_runs)

    @property
    def is_network(self) -> bool:
        """Whether it is trained, and has a recipe."""
        return self.model not in BASELINES

    def configure(self, data: DataConfig, split: SplitConfig, **given: Any) -> TrainConfig:
        """Return how it is trained; what it asks for goes before what is `given`.

        Raises SparseEEGError for values that don't fit.
        """
        try:
            return configure(data, self.model, split, **{**given, **self.given})
        except ValidationError as error:
            raise SparseEEGError(f"{self.name}: {describe(error)}") from error

    def seeds(self, seeds: int) -> range:
        """Return the seeds of its runs where the others have `seeds`; what is exact has one."""
        if not self.is_network:
            return range(1)
        # Networks of one ensemble differ in their seed; so must those of two ensembles.
        return range(0, (self.runs or seeds) * self.given.get("seeds", 1), self.given.get("seeds", 1))


@dataclass
class Comparison:
    """A folder that fills with the runs of the models, and what is in it.

    `predictions.tsv` holds the scored trials with a column of predictions per run, `runs.tsv` a line about
    each run: what stands in both isn't trained again. `settings.json` says what all runs share, and who
    trained; the run folders are below `runs/`.

    Parameters
    ----------
    out : the folder.
    windows, data, split : what is decoded, as in `TrainConfig`.
    given : what replaces the recipe of every network, as `device`.
    """

    out: Path
    windows: WindowSet
    data: DataConfig
    split: SplitConfig
    given: dict[str, Any] = field(default_factory=dict)
    report: Report = print

    def __post_init__(self) -> None:
        self.folds = make_folds(self.out, self.windows, self.split)
        self.predictions = self._trials()
        self.lines: list[dict[str, Any]] = []
        self.entries: Sequence[Entry] = ()
        if self.given.get("refit") and any(fold.part != "test" for fold in self.folds):
            raise SparseEEGError("--refit trains on the validation subjects too: name releases to --test on")
        if (self.out / LINES).exists():
            self._check_settings()
            self._read()

    def run(self, entries: Sequence[Entry], seeds: int, workers: int = 1) -> None:
        """Train and predict what isn't there yet; a model that fails gets a line with the reason.

        What was asked for before and failed is tried again. `workers` runs are trained at a time.
        """
        self.entries = entries
        asked = {entry.name for entry in entries}
        self.lines = [line for line in self.lines if "note" not in line or line["model"] not in asked]
        known = {line["run"] for line in self.lines}
        missing = [
            (entry, seed)
            for entry in entries
            for seed in entry.seeds(seeds)
            if f"{entry.name}#{seed}" not in known
        ]
        # What shares its networks with others comes after them.
        for waits in (False, True):
            part = [job for job in missing if (self._alone(job[0]) != self._folder(job[0])) == waits]
            for prediction, line in each(self, Comparison.attempt, part, workers):
                if prediction is not None:
                    self.predictions[line["run"]] = prediction
                self.lines.append(line)
                self._write()

    def attempt(self, entry: Entry, seed: int) -> tuple[np.ndarray | None, dict[str, Any]]:
        """Return the predictions of one run, None where it failed, and the line about it."""
        name = f"{entry.name}#{seed}"
        self.report(f"{entry.name}, seed {seed}")
        line: dict[str, Any] = {"run": name, "model": entry.name, "commit": machine.commit()}
        try:
            prediction, effort = self._one(entry, seed)
        except Exception as error:  # whatever a network does, the others are compared
            line["note"] = f"failed: {one_line(error)}"
            self.report(f"{entry.name} {line['note']}")
            (self.out / "failures").mkdir(parents=True, exist_ok=True)
            write_whole(self.out / "failures" / f"{_slug(name)}.txt", traceback.format_exc())
            return None, line
        return prediction, line | effort

    def columns(self, entries: Sequence[Entry]) -> dict[str, list[str]]:
        """Return the columns of `predictions` of each model that has some, by name."""
        names = {entry.name for entry in entries}
        found: dict[str, list[str]] = {entry.name: [] for entry in entries}
        for line in self.lines:
            if line["model"] in names and line["run"] in self.predictions:
                found[line["model"]].append(line["run"])
        return {name: columns for name, columns in found.items() if columns}

    def table(self, entries: Sequence[Entry]) -> pd.DataFrame:
        """Return one row per model: scores, difference from the first one, effort; failures at the end."""
        columns = self.columns(entries)
        scored = compare.scores(self.predictions, columns, reference=next(iter(columns), ""))
        lines = pd.DataFrame(self.lines).reindex(columns=["model", *COSTS, "note"])
        by_model = lines.groupby("model", sort=False)
        efforts, notes = by_model[list(COSTS)].mean(), by_model["note"].first()
        table = scored.set_index("model").join(efforts)
        table = table.reindex([entry.name for entry in entries if entry.name in efforts.index])
        return table.join(notes).reset_index().sort_values("nrmse", na_position="last", ignore_index=True)

    def _one(self, entry: Entry, seed: int) -> tuple[np.ndarray, dict[str, float]]:
        """Return the predictions of one run for all scored trials, and what it took."""
        if not entry.is_network:
            return np.concatenate([self._baseline(entry.model, fold) for fold in self.folds]), {}
        given = {**self.given, "seed": seed, "control": False}
        config = entry.configure(self.data, self.split, **given)
        folder = self._folder(entry) / f"seed-{seed}"
        parts, seconds, took = [], 0.0, 0.0
        alone = self._alone(entry)
        for fold in make_folds(folder, self.windows, self.split):
            for part in ("", SELECTION) if config.refit else ("",):
                for number, member in enumerate(member_folders(fold.folder / part, config.seeds)):
                    single = alone / f"seed-{seed + number}" / fold.folder.relative_to(folder)
                    _copy_network(single / part, member)
            runs.fit_fold(self.windows, fold, config, self.report)
            networks = load_members(fold.folder)
            took += training_seconds(fold.folder)
            begin = time.perf_counter()
            parts.append(predict(networks, self.windows, fold.scored, partitions=config.partitions).mean)
            seconds += time.perf_counter() - begin
        effort = {
            "parameters": sum(weight.numel() for network in networks for weight in network.parameters()),
            "training_s": took,
            "windows_per_s": len(self.predictions) / seconds,
        }
        return np.concatenate(parts), effort

    def _alone(self, entry: Entry) -> Path:
        """Return the folder of the runs whose networks an entry shares, one by one.

        An ensemble shares those of its seeds; and how a network is asked changes nothing in its training.
        """
        given = {name: value for name, value in entry.given.items() if name not in ("seeds", "partitions")}
        same = (other.name for other in self.entries if (other.model, other.given) == (entry.model, given))
        return self.out / "runs" / _slug(next(same, entry.name))

    def _folder(self, entry: Entry) -> Path:
        return self.out / "runs" / _slug(entry.name)

    def _baseline(self, name: str, fold: Fold) -> np.ndarray:
        if name == "ceiling":  # imports MNE
            from sparseeg.simulate.observers import ideal, simulation_seed

            return ideal(self.windows, fold.scored, simulation_seed(self.windows), n_jobs=2)[:, 0]
        return scoring.baseline(BASELINES[name], self.windows, fold, refit=bool(self.given.get("refit")))

    def _trials(self) -> pd.DataFrame:
        """Return the scored trials of all folds."""
        rows = np.concatenate([fold.scored for fold in self.folds])
        kept = [name for name in ("subject", "onset", "target") if name in self.windows.table]
        return self.windows.table.iloc[rows][kept].reset_index(drop=True)

    def _settings(self) -> dict[str, Any]:
        """Return what all runs share, and the subjects of each split; where the data lie is no part of it."""
        return {
            "data": self.data.model_dump(mode="json", exclude={"path"}),
            "split": self.split.model_dump(mode="json"),
            "given": {name: value for name, value in self.given.items() if name != "device"},
            "subjects": [subjects_of(self.windows, fold.split) for fold in self.folds],
        }

    def _check_settings(self) -> None:
        """Raise SparseEEGError where an earlier call was about other settings or other people."""
        if not (self.out / SETTINGS).exists():
            return
        before, now = json.loads((self.out / SETTINGS).read_text()), self._settings()
        moved = difference(before.pop("subjects"), now.pop("subjects"))
        for part, values in now.items():
            for name, value in values.items():
                if before[part].get(name) != value:
                    moved = f"{name} was {before[part].get(name)} then and is {value} now"
        if moved:
            raise SparseEEGError(f"{self.out} compares models otherwise: {moved}; choose another --out")

    def _read(self) -> None:
        """Take up what an earlier call has finished; SparseEEGError where it was about other trials."""
        self.lines = [
            {str(key): value for key, value in line.items() if not pd.isna(value)}
            for line in pd.read_csv(self.out / LINES, sep="\t", dtype={"commit": str}).to_dict("records")
        ]
        earlier = pd.read_csv(self.out / PREDICTIONS, sep="\t", dtype={"subject": str})
        same = (
            len(earlier) == len(self.predictions)
            and (
                (earlier["subject"] == self.predictions["subject"].astype(str))
                & np.isclose(earlier["target"], self.predictions["target"], atol=1e-5)
            ).all()
        )
        if not same:
            raise SparseEEGError(
                f"{self.out} compares models on other trials than {self.windows.source} and this split have; "
                "choose another --out"
            )
        self.predictions = earlier

    def _write(self) -> None:
        self.out.mkdir(parents=True, exist_ok=True)
        write_json(self.out / SETTINGS, self._settings())
        write_whole(
            self.out / PREDICTIONS, self.predictions.to_csv(sep="\t", index=False, float_format="%.8g")
        )
        write_whole(self.out / LINES, pd.DataFrame(self.lines).to_csv(sep="\t", index=False))


def _copy_network(source: Path, to: Path) -> None:
    """Take over a network that is there already: what seed and recipe share, they needn't train twice."""
    if source == to or not (source / NETWORK).exists() or (to / NETWORK).exists():
        return
    to.mkdir(parents=True, exist_ok=True)
    for name in (EFFORT, NETWORK):  # the network last: it says that the folder is complete
        write_whole(to / name, (source / name).read_bytes())


def _slug(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9.=#-]+", "_", name)
