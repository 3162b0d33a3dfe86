"""Write a self-contained page about a run, from what was asked to how it was made."""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sparseeg import __version__
from sparseeg.data import problems as data_problems
from sparseeg.data.people import Person
from sparseeg.data.windows import WindowSet
from sparseeg.errors import SparseEEGError, command, one_line
from sparseeg.experiments.run import other_windows, own_windows
from sparseeg.files.atomic import read_json, write_whole
from sparseeg.machine import commit, hardware, versions
from sparseeg.models.files import load, read_spec
from sparseeg.report import words
from sparseeg.report.figures import (
    plot_intervals,
    plot_learning_curves,
    plot_predictions,
    plot_residuals,
    plot_scores,
    plot_subjects,
)
from sparseeg.report.html import Block, Code, Items, Picture, Section, Table, Text, render
from sparseeg.report.look import looked_at
from sparseeg.report.score_table import (
    caption,
    cells,
    describe_intervals,
    describe_sample,
    read_metrics,
    rows,
)
from sparseeg.training import people, subjects
from sparseeg.training.config import TrainConfig
from sparseeg.training.ensemble import network_files
from sparseeg.training.inputs import Inputs
from sparseeg.training.subjects import SplitSubjects, read_subjects, split_folders

NAME = "report.html"
_MOST_ROWS = 50
_KEPT = {
    "best": "the epoch that was kept, because it validates best",
    "last": "the last epoch, which was kept whatever its validation error",
}


@dataclass(frozen=True)
class _Run:
    """What a page is made of: scores, and what the run folder says of them."""

    scores: Path
    run: Path
    metrics: dict[str, Any]
    predictions: pd.DataFrame
    config: TrainConfig | None = None
    config_text: str = ""
    splits: list[SplitSubjects] = field(default_factory=list)
    people: list[Person] = field(default_factory=list)
    logs: dict[str, pd.DataFrame] = field(default_factory=dict)
    problems: pd.DataFrame = field(default_factory=pd.DataFrame)
    folders: list[Path] = field(default_factory=list)

    @property
    def own(self) -> bool:
        """Whether the scores are those of the run's own subjects."""
        paths = self.metrics["data"].get("path")  # version 0.1.0 kept none
        return self.config is not None and (paths is None or tuple(paths) == self.config.data.path)


def write_report(
    scores: Path, run: Path | None = None, windows: WindowSet | None = None, reason: str = ""
) -> Path:
    """Write `report.html` beside the scores of a run.

    The page needs no network and no other file.

    Parameters
    ----------
    scores : folder with `metrics.json` and `predictions.tsv`.
    run : the run folder, if the scores are on other data than its own.
    windows : the data that were scored, as they were read; without them, the page doesn't show what the
        network looked at, and says `reason`.

    Raises
    ------
    SparseEEGError : the run has no scores, or they are damaged.
    """
    try:
        found = _read(scores, run or scores)
        title = f"{found.metrics['model']}: {words.target_of(found.metrics)}"
        looked = _looked_at(found, windows, reason)
        shown = {block.name for block in looked if isinstance(block, Picture)}
        sections = [
            Section("asked", "What was asked", _asked(found)),
            Section("answer", "The answer", _answer(found)),
            Section("trust", "How far to trust it", _trust(found)),
            Section("looked-at", "What the network looked at", looked),
            Section("problems", "What went wrong", _problems(found)),
            Section("made", "How it was made", _made(found, shown)),
        ]
    except (OSError, ValueError, KeyError, TypeError) as error:
        advice = f"run `{command('evaluate', run or scores)}`"
        raise SparseEEGError(f"{scores} has no scores to report ({one_line(error)}); {advice}") from error
    path = scores / NAME
    write_whole(path, render(title, "sparseeg", sections, f"sparseeg {found.metrics['version']}"))
    return path


def _read(scores: Path, run: Path) -> _Run:
    metrics = read_metrics(scores)
    predictions = pd.read_csv(scores / "predictions.tsv", sep="\t", dtype={"subject": str})
    problems = scores / data_problems.FILE
    details: dict[str, Any] = {}
    if problems.exists():
        details["problems"] = pd.read_csv(problems, sep="\t", dtype=str, keep_default_na=False)
    if (run / "config.yaml").exists() and (run / subjects.FILE).exists():
        splits = read_subjects(run)
        folders = split_folders(run, len(splits))
        details |= {
            "config": TrainConfig.read(run),
            "config_text": (run / "config.yaml").read_text(encoding="utf-8"),
            "splits": splits,
            "folders": folders,
            "logs": _logs(run, folders),
        }
        if (run / people.FILE).exists():
            details["people"] = read_json(run / people.FILE, list[Person])
    return _Run(scores, run, metrics, predictions, **details)


def _logs(run: Path, folders: list[Path]) -> dict[str, pd.DataFrame]:
    """Return the newest log of every network, by its place in the run."""
    found = {}
    for folder in folders:
        for network in network_files(folder):
            logs = sorted((network.parent / "logs" / "csv").glob("version_*/metrics.csv"), key=_version)
            if logs:
                name = network.parent.relative_to(run).as_posix()
                found["network" if name == "." else name] = pd.read_csv(logs[-1])
    return found


def _version(path: Path) -> int:
    return int(path.parent.name.removeprefix("version_"))


def _epochs(logs: Mapping[str, pd.DataFrame]) -> str:
    """Return how many epochs the networks were trained for."""
    counts = sorted({int(log["epoch"].max()) + 1 for log in logs.values()})
    numbers = {f"{counts[0]}", f"{counts[-1]}"} if counts else {"some"}
    return f"{' to '.join(sorted(numbers, key=len))} epoch{'s' * (numbers != {'1'})}"


def _asked(found: _Run) -> list[Block]:
    metrics = found.metrics
    blocks: list[Block] = []
    if metrics["data"]["simulated"]:
        blocks.append(Text("These data are simulated: the results say nothing about people.", "warning"))
    blocks.append(Text(words.asked(metrics, found.splits if found.own else ()), "answer"))
    if metrics["data"].get("outside"):
        blocks.append(Text(f"{metrics['data']['outside']}.", "warning"))
    if found.people and found.own:
        blocks.append(_people(found))
    return blocks


def _people(found: _Run) -> Table:
    """Return who took part: number, age and sex in each part, and in each data set if there are several."""
    by_name = {person.name: person for person in found.people}
    groups: dict[str, list[str]] = {}
    if len(found.splits) == 1:
        split = found.splits[0]
        groups = {"training": split.train, "validation": split.valid, "test": split.test}
    groups["all"] = sorted({name for split in found.splits for part in _parts(split) for name in part})
    datasets = sorted({person.dataset for person in found.people if person.dataset})
    if len(datasets) > 1:
        for dataset in datasets:
            groups[dataset] = [person.name for person in found.people if person.dataset == dataset]
    table = [
        (name, *_described([by_name[one] for one in names if one in by_name], len(names)))
        for name, names in groups.items()
        if names
    ]
    return Table(("part", "people", "age in years: mean, range", "female / male / not known"), table)


def _parts(split: SplitSubjects) -> tuple[list[str], list[str], list[str]]:
    return split.train, split.valid, split.test


def _described(group: list[Person], count: int) -> tuple[str, str, str]:
    ages = np.array([person.age for person in group if person.age is not None])
    sexes = Counter((person.sex or "").strip()[:1].upper() for person in group)
    age = f"{ages.mean():.1f}, {ages.min():.1f} to {ages.max():.1f}" if len(ages) else "not known"
    other = count - sexes["F"] - sexes["M"]
    return str(count), age, f"{sexes['F']} / {sexes['M']} / {other}"


def _answer(found: _Run) -> list[Block]:
    metrics = found.metrics
    table = [(label, *cells(scores, metrics["unit"]).values()) for label, scores in rows(metrics)]
    columns = ("predictor", *cells(rows(metrics)[0][1], metrics["unit"]))
    others = words.LEADERBOARD.get(metrics["task"], {}) if metrics["unit"] in ("s", "factor") else {}
    orientation = (
        " Green lines: the public leaderboard of the EEG Foundation Challenge, which is another data set, "
        "for orientation only."
        if others
        else ""
    )
    return [
        Text(words.answered(metrics), "answer"),
        Text(f"{describe_sample(metrics)}; the networks were not trained on them."),
        Picture.of(
            "scores",
            plot_scores(metrics, others),
            "The model (blue), baselines (grey) and controls (orange), best first",
            f"NRMSE with 95 % intervals over people; left of the dashed line is better than any "
            f"constant.{orientation}",
            "Points with intervals for each predictor, sorted by score; values are in the table below.",
        ),
        Table(columns, table, caption(metrics), sortable=True),
    ]


def _trust(found: _Run) -> list[Block]:
    metrics, predictions, unit = found.metrics, found.predictions, found.metrics["unit"]
    blocks: list[Block] = []
    timed = "onset" in predictions
    keep = "best" if found.config is None else found.config.keep
    if found.logs:
        many = f" Of {len(found.logs)} networks." if len(found.logs) > 1 else ""
        blocks.append(
            Picture.of(
                "learning-curves",
                plot_learning_curves(found.logs, keep),
                "Errors on training and validation people over the epochs",
                f"Loss on training windows, and NRMSE of the validation people; the dot is {_KEPT[keep]}. If "
                f"the validation error stays above the dashed line, nothing was learned.{many}",
                "Two plots of errors over epochs: training loss and validation NRMSE.",
            )
        )
    blocks += [
        Picture.of(
            "predictions",
            plot_predictions(predictions, unit),
            "Predicted against true",
            "Each dot is a scored trial, coloured by person. Predictions are drawn towards the mean as far "
            "as they are unsure, so the cloud is flatter than the dashed line.",
            "Scatter of predictions against targets with the identity line.",
        ),
        Picture.of(
            "people",
            plot_subjects(predictions),
            "For whom it works",
            "Left: error of each person relative to the spread of all targets; blue is better than 1. Right: "
            "rank correlation over the trials of each person.",
            "Two bar charts with one bar per person, sorted: relative error and rank correlation.",
        ),
        Picture.of(
            "residuals",
            plot_residuals(predictions, unit),
            "Where it errs",
            f"Errors over {'the time in the recording and over ' * timed}the target; blue: means of bins "
            "with standard errors. A slope over the target is normal for careful predictions"
            + ("; one over time is not." if timed else ". The times of the trials are not known."),
            f"Scatter of errors over {'time and over ' * timed}target, with means of bins.",
        ),
    ]
    if "interval" in metrics and predictions["interval_low"].notna().all():
        blocks += [
            Picture.of(
                "intervals",
                plot_intervals(predictions, metrics["interval"]["level"], unit),
                "Whether the prediction intervals hold",
                f"{describe_intervals(metrics)}.",
                "Bars of the coverage of each person, and coverage over the width of intervals.",
            )
        ]
    if metrics["controls"]:
        blocks.append(Text(_controls(metrics)))
    return blocks


def _controls(metrics: dict[str, Any]) -> str:
    shuffled = {
        label: scores["nrmse"]
        for label, scores in rows({**metrics, "baselines": {}})[1:]
        if "shuffled" in label and np.isfinite(scores["nrmse"])
    }
    text = "Controls: "
    if shuffled:
        best = min(shuffled.values())
        text += f"the same network trained on shuffled targets reaches NRMSE {best:.3f}"
        text += (
            ", no better than a constant, as it must be."
            if best > 0.995
            else ": below 1, which hints at a leak or at chance with few people."
        )
    if "shuffled_order" in metrics["controls"]:
        other, own = metrics["controls"]["shuffled_order"]["nrmse"], metrics["nrmse"]
        same = other is own or (other is not None and own is not None and abs(other - own) < 1e-4)
        text += " Predictions for the trials in another order are " + (
            "the same." if same else "different: the network depends on the order of trials."
        )
    return text


def _looked_at(found: _Run, windows: WindowSet | None, reason: str) -> list[Block]:
    if windows is None or not found.folders:
        return [Text(f"Not shown: {reason or 'the data were not read'}.", "note")]
    try:
        windows = (own_windows if found.own else other_windows)(found.run, windows)
    except SparseEEGError as error:
        return [Text(f"Not shown: {error}.", "note")]
    scored = found.splits[0].scored[1]
    known = np.flatnonzero(np.isin(windows.subjects, scored)) if found.own else np.arange(len(windows))
    if not len(known):
        return [Text("Not shown: none of the scored people are in the data.", "note")]
    blocks = looked_at(found.folders[0], windows, known)
    if len(found.folders) > 1:
        first = f"This part shows the first of {len(found.folders)} splits, and the people whom it tests."
        blocks.insert(0, Text(first, "note"))
    return blocks


def _problems(found: _Run) -> list[Block]:
    table = found.problems
    if table.empty:
        return [Text("Nothing was reported while reading the files.")]
    kinds = table.assign(kind=table["reason"].str.replace(r"\d[\d.,]*", "N", regex=True))
    groups = kinds.groupby(["kind", "action"], sort=False)
    counted = sorted(groups, key=lambda group: -len(group[1]))
    lines = [
        (str(len(part)), str(part["reason"].iloc[0]), str(action), str(part["path"].iloc[0]))
        for (_, action), part in counted[:_MOST_ROWS]
    ]
    more = (
        f" {len(counted) - _MOST_ROWS} further kinds are in {data_problems.FILE}."
        if len(counted) > _MOST_ROWS
        else ""
    )
    return [
        Text(f"{len(table)} lines about files, of {len(counted)} kinds.{more}"),
        Table(("files", "what", "what was done", "for example"), lines),
    ]


def _made(found: _Run, shown: Collection[str]) -> list[Block]:
    blocks: list[Block] = []
    if found.config is not None and found.folders:
        network = network_files(found.folders[0])[0]
        spec = read_spec(network)
        inputs = Inputs.read(found.run, spec)
        count = sum(parameter.numel() for parameter in load(network).parameters())
        paragraph, references = words.methods(
            found.config, inputs.provenance, found.metrics, count, _epochs(found.logs), shown
        )
        blocks += [
            Text("To paste into a paper; check it, and cite what you used:", "note"),
            Text(paragraph),
            Items(references),
            Text("The same training again:", "note"),
            Code(command("train", "--config", found.run / "config.yaml", "--out", "NEW_FOLDER")),
        ]
    about = [
        ("scored with", f"sparseeg {found.metrics['version']}"),
        ("page made with", f"sparseeg {__version__}, commit {commit()}"),
        ("and", versions("torch", "lightning", "mne", "scikit-learn", "matplotlib")),
        ("on", hardware()),
    ]
    blocks.append(Table(("", "version"), about))
    if found.config_text:
        blocks += [Text("Configuration", "note"), Code(found.config_text)]
    return blocks
