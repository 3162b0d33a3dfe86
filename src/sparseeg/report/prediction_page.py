"""Write a self-contained page about predictions for new recordings, whose targets are not known."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from sparseeg.errors import SparseEEGError, counted
from sparseeg.files.atomic import write_whole
from sparseeg.machine import commit, hardware, versions
from sparseeg.report import words
from sparseeg.report.figures import plot_new_predictions
from sparseeg.report.html import Block, Code, Picture, Section, Table, Text, render
from sparseeg.report.score_table import describe_intervals, read_metrics

_MOST = 6  # recordings with a figure of their own


def write_prediction_page(
    path: Path, table: pd.DataFrame, run: Path, notes: Sequence[tuple[Path, str]], command: str
) -> Path:
    """Write the page about a table of predictions, and return its path.

    Parameters
    ----------
    path : the page.
    table : one row per window, as `predict_recording` returns it, of one or several recordings.
    run : the run whose networks predicted.
    notes : what was done to recordings, or left out, with the recording.
    command : that repeats the predictions.
    """
    files, unit = table["file"].unique(), str(table["unit"].iloc[0])
    title = f"{table['model'].iloc[0]}: predictions for {counted(len(files), 'recording')}"
    asked = (
        f"{title}, {counted(len(table), 'window')} in all, in {unit or 'the unit of the target'}, by the "
        f"networks in {run}. Nothing is known here of how right they are."
    )
    sections = [
        Section("asked", "What was asked", [Text(asked, "answer")]),
        Section("answer", "The answer", _answer(table, unit)),
        Section("trust", "How far to trust it", _trust(run)),
        Section("problems", "What went wrong", _problems(notes)),
        Section(
            "made",
            "How it was made",
            [
                Code(command),
                Table(
                    ("", "version"),
                    [
                        ("package", f"sparseeg {table['version'].iloc[0]}, commit {commit()}"),
                        ("with", versions("torch", "mne", "matplotlib")),
                        ("on", hardware()),
                    ],
                ),
            ],
        ),
    ]
    write_whole(path, render(title, "sparseeg", sections, f"sparseeg {table['version'].iloc[0]}"))
    return path


def _answer(table: pd.DataFrame, unit: str) -> list[Block]:
    lines = []
    for name, part in table.groupby("file", sort=False):
        values = part["prediction"]
        low, high = part["interval_low"].median(), part["interval_high"].median()
        spread = f"{values.min():.3g} to {values.max():.3g}"
        lines.append((str(name), str(len(part)), f"{values.mean():.4g}", spread, f"{low:.3g} to {high:.3g}"))
    columns = ("recording", "windows", f"mean ({unit})" if unit else "mean", "range", "median interval")
    blocks: list[Block] = [Table(columns, lines, sortable=len(lines) > 1)]
    shown = list(table.groupby("file", sort=False))[:_MOST]
    for number, (name, part) in enumerate(shown, start=1):
        blocks.append(
            Picture.of(
                f"recording-{number}",
                plot_new_predictions(part, unit),
                f"Predictions over {Path(str(name)).name}",
                "Each dot is the prediction for one window, at the time from which the target counts; the "
                "bar is its prediction interval.",
                "Predictions over the time in the recording, with their intervals.",
            )
        )
    rest = table["file"].nunique() - len(shown)
    if rest:
        blocks.append(Text(f"{counted(rest, 'further recording')} without a figure.", "note"))
    return blocks


def _trust(run: Path) -> list[Block]:
    try:
        metrics = read_metrics(run)
        found = [Text(f"From the run's own scores: {words.answered(metrics)}")]
        if "interval" in metrics:
            found.append(Text(f"{describe_intervals(metrics)}."))
    except (SparseEEGError, KeyError, TypeError):
        found = [Text(f"Not known: {run} has no scores.", "warning")]
    advice = (
        "Other devices, tasks and people than those of the training may lie far outside of what was scored."
    )
    return [*found, Text(advice, "note")]


def _problems(notes: Sequence[tuple[Path, str]]) -> list[Block]:
    if not notes:
        return [Text("Nothing was changed, repaired or left out.")]
    return [Table(("recording", "note"), [(str(file), note) for file, note in notes])]
