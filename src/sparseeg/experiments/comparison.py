"""Several models on the same splits and seeds, compared in pairs; interrupted, it can be continued."""

import json
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sparseeg import machine
from sparseeg.data.match import match
from sparseeg.data.windows import WindowSet
from sparseeg.engines import Report, in_any_order
from sparseeg.errors import SparseEEGError, one_line
from sparseeg.evaluation import compare
from sparseeg.experiments import predictions as scoring
from sparseeg.experiments.entry import BASELINES, Entry
from sparseeg.experiments.run import fit_split
from sparseeg.experiments.settings import Settings
from sparseeg.experiments.splits import SplitFolder, make_splits
from sparseeg.files.atomic import write_whole
from sparseeg.training import subjects
from sparseeg.training.config import DataConfig, SplitConfig, TrainConfig
from sparseeg.training.ensemble import SELECTION, load_members, member_folders, training_seconds
from sparseeg.training.fit import EFFORT, NETWORK, network_spec
from sparseeg.training.inference import predict
from sparseeg.training.inputs import as_started
from sparseeg.training.memory import keep_freed_memory
from sparseeg.training.run_folder import start_run
from sparseeg.training.subjects import SplitSubjects, check_subjects

COSTS = ("parameters", "training_s", "windows_per_s")
PREDICTIONS, RUNS = "predictions.tsv", "runs.tsv"


@dataclass(frozen=True)
class SeededEntry:
    """An entry of a comparison with one of its seeds."""

    entry: Entry
    seed: int

    @property
    def name(self) -> str:
        """Name of its column in `predictions.tsv`, and of its line in `runs.tsv`."""
        return f"{self.entry.name}#{self.seed}"


@dataclass
class Comparison:
    """A folder with the runs of several models, and the tables about them.

    `settings.json` says what all runs share, and who trains. `predictions.tsv` holds the scored trials with a
    column of predictions per run, `runs.tsv` one line about each run; a run that is in both is not repeated.
    Run folders are below `runs/`.

    Parameters
    ----------
    out : the folder.
    windows, data, split : what is decoded, as in `TrainConfig`.
    given : what replaces the recipe of every network, as `device`.

    Raises
    ------
    SparseEEGError : the folder holds something else, a comparison with other settings, subjects or trials, or
        a damaged one.
    """

    out: Path
    windows: WindowSet
    data: DataConfig
    split: SplitConfig
    given: dict[str, Any] = field(default_factory=dict)
    report: Report = print

    def __post_init__(self) -> None:
        if self.given.get("refit"):
            self.split.check_refit()
        started = Settings.windows_of(self.out)
        if started is not None:
            self.windows, notes = match(self.windows, started, f"the comparison {self.out}")
            for note in notes:
                self.report(note)
        self.splits = make_splits(self.out, self.windows, self.split)
        self.settings = self._settings()
        self.predictions = self._trials()
        self.lines: list[dict[str, Any]] = []
        self.entries: Sequence[Entry] = ()
        self.settings.check(self.out)
        if (self.out / RUNS).exists():
            self._read()

    def run(self, entries: Sequence[Entry], seeds: int, workers: int = 1) -> None:
        """Train and predict what is missing; an entry that fails gets a line with the reason.

        Entries that failed in an earlier call are tried again. `workers` runs are trained at a time.
        """
        self.settings.write(self.out)
        self.entries = entries
        asked = {entry.name for entry in entries}
        self.lines = [line for line in self.lines if "note" not in line or line["model"] not in asked]
        known = {line["run"] for line in self.lines}
        missing = [SeededEntry(entry, seed) for entry in entries for seed in entry.seeds(seeds)]
        missing = [one for one in missing if one.name not in known]
        # Entries that reuse networks run last.
        for reuses in (False, True):
            part = [one for one in missing if (self._source(one.entry) != self._folder(one.entry)) == reuses]
            n_jobs = max(1, min(workers, len(part)))
            for prediction, line in in_any_order(self.attempt, part, n_jobs, start=keep_freed_memory):
                if prediction is not None:
                    self.predictions[line["run"]] = prediction
                self.lines.append(line)
                self._write()

    def attempt(self, one: SeededEntry) -> tuple[np.ndarray | None, dict[str, Any]]:
        """Return the predictions of an entry with a seed, None where it failed, and the line about it."""
        self.report(f"{one.entry.name}, seed {one.seed}")
        line: dict[str, Any] = {"run": one.name, "model": one.entry.name, "commit": machine.commit()}
        try:
            prediction, effort = self._one(one.entry, one.seed)
        except Exception as error:  # a network may raise anything; the others are compared all the same
            line["note"] = f"failed: {one_line(error)}"
            self.report(f"{one.entry.name} {line['note']}")
            (self.out / "failures").mkdir(parents=True, exist_ok=True)
            write_whole(self.out / "failures" / f"{one.entry.folder}#{one.seed}.txt", traceback.format_exc())
            return None, line
        return prediction, line | effort

    def columns(self, entries: Sequence[Entry]) -> dict[str, list[str]]:
        """Return the columns of `predictions` of each entry that has some, by its name."""
        names = {entry.name for entry in entries}
        found: dict[str, list[str]] = {entry.name: [] for entry in entries}
        for line in self.lines:
            if line["model"] in names and line["run"] in self.predictions:
                found[line["model"]].append(line["run"])
        return {name: columns for name, columns in found.items() if columns}

    def table(self, entries: Sequence[Entry]) -> pd.DataFrame:
        """Return one row per entry: scores, difference from the first one, effort; failures at the end."""
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
            return np.concatenate([self._baseline(entry.model, split) for split in self.splits]), {}
        config = entry.configure(self.data, self.split, **{**self.given, "seed": seed, "control": False})
        folder = self._folder(entry) / f"seed-{seed}"
        splits = make_splits(folder, self.windows, self.split)
        start_run(folder, config, self.windows, [split.rows for split in splits], recorded=True)
        as_started(folder, self.windows, network_spec(self.windows, config), self.report)
        self._reuse(self._source(entry), folder, config, splits)
        parts, seconds, took = [], 0.0, 0.0
        for split in splits:
            fit_split(self.windows, split, config, self.report)
            networks = load_members(split.folder)
            took += training_seconds(split.folder)
            begin = time.perf_counter()
            parts.append(predict(networks, self.windows, split.scored, partitions=config.partitions).mean)
            seconds += time.perf_counter() - begin
        effort = {
            "parameters": sum(weight.numel() for network in networks for weight in network.parameters()),
            "training_s": took,
            "windows_per_s": len(self.predictions) / seconds,
        }
        return np.concatenate(parts), effort

    def _reuse(self, source: Path, folder: Path, config: TrainConfig, splits: Sequence[SplitFolder]) -> None:
        """Copy the networks that another entry has trained with the same recipe and seeds to a run folder."""
        for number in range(config.seeds):
            run = source / f"seed-{config.seed + number}"
            if run == folder or not run.exists():
                continue
            if (run / subjects.FILE).exists():  # version 0.1.0 wrote none: settings.json holds for all runs
                check_subjects(run, self.settings.subjects)
            for split in splits:
                for part in ("", SELECTION) if config.refit else ("",):
                    member = member_folders(split.folder / part, config.seeds)[number]
                    _copy_network(run / split.folder.relative_to(folder) / part, member)

    def _source(self, entry: Entry) -> Path:
        """Return the folder of the runs whose networks an entry reuses; its own where it reuses none.

        An ensemble reuses the networks of its seeds, and the number of partitions changes no training.
        """
        given = {name: value for name, value in entry.given.items() if name not in ("seeds", "partitions")}
        same = (other for other in self.entries if (other.model, other.given) == (entry.model, given))
        return self._folder(next(same, entry))

    def _folder(self, entry: Entry) -> Path:
        return self.out / "runs" / entry.folder

    def _baseline(self, name: str, split: SplitFolder) -> np.ndarray:
        if name == "ceiling":  # imports MNE
            from sparseeg.simulate.observers import ideal, simulation_seed

            return ideal(self.windows, split.scored, simulation_seed(self.windows), n_jobs=2)[:, 0]
        refit = bool(self.given.get("refit"))
        return scoring.baseline(BASELINES[name], self.windows, split, refit=refit)

    def _trials(self) -> pd.DataFrame:
        """Return the scored trials of all splits."""
        rows = np.concatenate([split.scored for split in self.splits])
        kept = [name for name in ("subject", "onset", "target") if name in self.windows.table]
        return self.windows.table.iloc[rows][kept].reset_index(drop=True)

    def _settings(self) -> Settings:
        given = {name: value for name, value in self.given.items() if name != "device"}
        return Settings(
            data=self.data.model_dump(mode="json", exclude={"path"}),
            split=self.split.model_dump(mode="json"),
            given=json.loads(json.dumps(given)),
            subjects=[SplitSubjects.of(self.windows, split.rows) for split in self.splits],
            windows=self.windows.provenance,
        )

    def _read(self) -> None:
        """Read the tables of an earlier call; SparseEEGError where they are damaged or about other trials."""
        try:
            lines, earlier = _read_tables(self.out)
            targets = pd.to_numeric(earlier["target"])
            scored = [line["run"] for line in lines if line["run"] in earlier]
            complete = np.isfinite(earlier[scored].to_numpy(dtype=np.float64)).all()
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise SparseEEGError(self._damaged(one_line(error))) from error
        same = (
            len(earlier) == len(self.predictions)
            and (
                (earlier["subject"] == self.predictions["subject"].astype(str))
                & np.isclose(targets, self.predictions["target"], atol=1e-5)
            ).all()
        )
        if not same:
            raise SparseEEGError(
                f"{self.out} was started on other trials than {self.windows.source} has with this split; "
                "choose another --out"
            )
        if not complete:
            raise SparseEEGError(self._damaged("a prediction is missing"))
        self.lines = [line for line in lines if line["run"] in earlier or "note" in line]
        self.predictions = earlier

    def _damaged(self, reason: str) -> str:
        return (
            f"{self.out / RUNS} or {PREDICTIONS} is damaged ({reason}): remove both, and the same command "
            "predicts again with the networks that are trained"
        )

    def _write(self) -> None:
        """Write both tables, the one that says which runs are complete last."""
        # Every digit, so that the scores of the same predictions are the same when the table is read again:
        # rounding would make ties among targets that differ by less than a clock can tell.
        table = self.predictions.to_csv(sep="\t", index=False)
        write_whole(self.out / PREDICTIONS, table)
        write_whole(self.out / RUNS, pd.DataFrame(self.lines).to_csv(sep="\t", index=False))


def _read_tables(folder: Path) -> tuple[list[dict[str, Any]], pd.DataFrame]:
    """Return the lines of `runs.tsv`, without their empty cells, and `predictions.tsv`."""
    table = pd.read_csv(folder / RUNS, sep="\t", dtype={"run": str, "model": str, "commit": str, "note": str})
    if not {"run", "model"} <= {*table.columns}:
        raise ValueError(f"{RUNS} has no column run or model")
    lines = [
        {str(name): value for name, value in line.items() if not pd.isna(value)}
        for line in table.to_dict("records")
    ]
    for line in lines:
        if line["run"].rpartition("#")[0] != line["model"]:
            raise ValueError(f"the run {line['run']} of the model {line['model']}")
    predictions = folder / PREDICTIONS
    return lines, pd.read_csv(predictions, sep="\t", dtype={"subject": str}, float_precision="round_trip")


def _copy_network(source: Path, to: Path) -> None:
    """Copy a trained network with its effort, unless there is one already."""
    if (source / NETWORK).exists() and not (to / NETWORK).exists():
        to.mkdir(parents=True, exist_ok=True)
        for name in (EFFORT, NETWORK):  # the network last: it says that the folder is complete
            write_whole(to / name, (source / name).read_bytes())
