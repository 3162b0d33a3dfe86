"""Write a self-contained page about a comparison of models."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from sparseeg import __version__
from sparseeg.errors import SparseEEGError, nearest, one_line
from sparseeg.files.atomic import write_whole
from sparseeg.report.figures import plot_comparison, plot_speed, plot_subject_differences
from sparseeg.report.html import Block, Code, Items, Picture, Section, Table, Text, render

NAME = "compare.html"
_TABLES = ("compare.tsv", "predictions.tsv", "runs.tsv")
_COLUMNS = {
    "model": "model",
    "runs": "runs",
    "nrmse": "NRMSE",
    "difference": "difference",
    "pearson_r": "Pearson",
    "spearman_within_subject": "Spearman",
    "permutation_p": "p",
    "parameters": "parameters",
    "training_s": "training s",
    "windows_per_s": "windows/s",
}


def write_comparison_page(folder: Path, models: Sequence[str] = ()) -> Path:
    """Write `compare.html` from the tables of a comparison, and return its path.

    models : two models whose errors are compared person by person; by default the best one and the one that
        the table subtracts.

    Raises
    ------
    SparseEEGError : a table is missing or damaged, or a model is not in the comparison.
    """
    try:
        table, predictions, _ = (pd.read_csv(folder / name, sep="\t") for name in _TABLES)
        description = (folder / "compare.md").read_text(encoding="utf-8")
        sections = [
            Section("asked", "What was compared", _asked(description, predictions)),
            Section("answer", "The answer", _answer(table)),
            Section("people", "Person by person", _people(table, predictions, models)),
            Section("failed", "What failed", _failed(folder, table)),
            Section("made", "How it was made", _made(description)),
        ]
    except SparseEEGError:
        raise
    except (OSError, ValueError, KeyError) as error:
        raise SparseEEGError(
            f"{folder} has no tables to report ({one_line(error)}); the same `compare` command finishes it"
        ) from error
    path = folder / NAME
    title = description.partition("\n")[0].removeprefix("# ")
    write_whole(path, render(title, "sparseeg", sections, f"sparseeg {__version__}"))
    return path


def _reference(table: pd.DataFrame) -> str | None:
    """Return the model that is subtracted: the one that has a score, but no difference."""
    if "difference" not in table:
        return None
    found = table.loc[table["nrmse"].notna() & table["difference"].isna(), "model"]
    return None if found.empty else str(found.iloc[0])


def _asked(description: str, predictions: pd.DataFrame) -> list[Block]:
    people = predictions["subject"].nunique()
    blocks: list[Block] = [
        Text(
            f"Models were trained by the same protocol and scored on the same {len(predictions):,} trials of "
            f"{people} people, who trained none of them.",
            "answer",
        )
    ]
    if description.startswith("# SIMULATED"):
        blocks.insert(0, Text("These data are simulated: the results say nothing about people.", "warning"))
    return blocks


def _answer(table: pd.DataFrame) -> list[Block]:
    scored, reference = table.dropna(subset="nrmse"), _reference(table)
    best = scored.sort_values("nrmse").iloc[0]
    blocks: list[Block] = [
        Text(_verdict(scored, best), "answer"),
        Picture.of(
            "comparison",
            plot_comparison(table, reference),
            "Scores, best first, and differences in pairs",
            "Left: NRMSE with 95 % intervals over people; 1 is the best constant. Right: difference from "
            f"{reference or 'the first model'} (blue) on the same resamples of people; an interval that does "
            "not touch 0 is a difference that these people show.",
            "Two forest plots: the NRMSE of each model, and its difference from the reference.",
        ),
    ]
    if scored.get("windows_per_s", pd.Series(dtype=float)).notna().any():
        blocks.append(
            Picture.of(
                "speed",
                plot_speed(table),
                "Speed against score",
                "Windows that are predicted in a second on the machine that ran the comparison, with "
                "reading. Lower and further to the right is better.",
                "Scatter of NRMSE over windows per second, one numbered dot per model.",
            )
        )
    columns = [name for name in _COLUMNS if name in scored]
    lines = [[_cell(row[name]) for name in columns] for row in scored.to_dict("records")]
    titles = {**_COLUMNS, "difference": f"difference from {reference or 'the first'}"}
    caption = "Click a heading to sort. Spearman: within people. p: permutation of targets within people."
    blocks.append(Table([titles[name] for name in columns], lines, caption, sortable=True))
    return blocks


def _verdict(scored: pd.DataFrame, best: pd.Series) -> str:
    """Return which model is best, and which models are better than a constant."""
    better = scored.loc[scored["nrmse_high"] < 1, "model"]
    sentence = f"{best['model']} has the smallest error (NRMSE {best['nrmse']:.3f}). "
    if scored["nrmse_high"].isna().all():
        return f"{sentence}With so few people, there are no intervals: it says little about others."
    if better.empty:
        return f"{sentence}No model is shown to be better than a constant: no interval lies below 1."
    count = f"{len(better)} of {len(scored)} models"
    return f"{sentence}{count} are better than any constant: their intervals lie below 1."


def _cell(value: object) -> str:
    if isinstance(value, float):
        return "-" if np.isnan(value) else f"{value:.4g}" if abs(value) < 1000 else f"{value:.0f}"
    return str(value)


def _people(table: pd.DataFrame, predictions: pd.DataFrame, models: Sequence[str]) -> list[Block]:
    ranked = table.dropna(subset="nrmse").sort_values("nrmse", kind="stable")["model"].tolist()
    if models:
        chosen = list(models)
        for name in chosen:
            if name not in ranked:
                failed = name in table["model"].tolist()
                why = "failed" if failed else f"is not in the comparison.{nearest(name, ranked)}"
                raise SparseEEGError(f"{name!r} {why}")
        if len(set(chosen)) != 2:
            raise SparseEEGError(f"--models takes two models to compare person by person, not {len(chosen)}")
    else:
        reference = _reference(table)
        other = reference if reference in ranked and reference != ranked[0] else next(iter(ranked[1:]), None)
        if other is None:
            return [Text("There is only one model.", "note")]
        chosen = [ranked[0], str(other)]
    one, other = (_mean(predictions, name) for name in chosen)
    figure = plot_subject_differences(
        predictions["target"].to_numpy(), one, other, predictions["subject"].to_numpy(), chosen
    )
    return [
        Picture.of(
            "people-differences",
            figure,
            f"{chosen[0]} against {chosen[1]}, for each person",
            "Difference of their RMSE, in the unit of the target; blue bars are people for whom the first is "
            "better. Choose two others with `sparseeg report FOLDER --models A,B`.",
            "Bar chart with one bar per person, sorted.",
        )
    ]


def _mean(predictions: pd.DataFrame, model: str) -> np.ndarray:
    """Return the mean prediction of the runs of a model."""
    own = [name for name in predictions if str(name).rpartition("#")[0] == model]
    return predictions[own].mean(axis=1).to_numpy()


def _failed(folder: Path, table: pd.DataFrame) -> list[Block]:
    failed = table[table["nrmse"].isna()]
    if failed.empty:
        return [Text("No model failed.")]
    lines = [(str(row["model"]), str(row["note"])) for row in failed.to_dict("records")]
    return [Table(("model", "reason"), lines), Text(f"In full in {folder / 'failures'}.", "note")]


def _made(description: str) -> list[Block]:
    lines = [line.removeprefix("* ") for line in description.splitlines() if line.startswith("* ")]
    command = next((line for line in lines if line.startswith("command: ")), "")
    others = [line for line in lines if line != command]
    return [Code(command.removeprefix("command: ").strip("`")), Items(others)]
