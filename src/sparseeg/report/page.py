"""Write a self-contained page about a run: scores, figures and configuration."""

from html import escape
from pathlib import Path
from typing import Any

import pandas as pd

from sparseeg.errors import SparseEEGError, command, one_line
from sparseeg.files.atomic import write_whole
from sparseeg.report.figures import scatter_figure, scores_figure, subjects_figure
from sparseeg.report.score_table import (
    caption,
    cells,
    describe_intervals,
    describe_sample,
    read_metrics,
    rows,
)

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #222 }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
table { border-collapse: collapse; margin: 1rem 0 } th, td { padding: .25rem .7rem; text-align: right }
th { border-bottom: 1px solid #999 } td:first-child, th:first-child { text-align: left }
tr:first-child td { font-weight: 600 } .note { color: #555; max-width: 45rem }
.warning { background: #fff3cd; padding: .5rem 1rem } figure { display: inline-block; margin: .5rem }
pre { background: #f5f5f5; padding: 1rem; overflow: auto } svg { max-width: 100%; height: auto }
"""


def write_report(run: Path) -> Path:
    """Write `report.html` from `metrics.json`, `predictions.tsv` and `config.yaml` of a run folder.

    The page needs no network and no other file.

    Raises
    ------
    SparseEEGError : the run has no scores, or they are damaged.
    """
    config = run / "config.yaml"
    metrics = read_metrics(run)
    try:
        predictions = pd.read_csv(run / "predictions.tsv", sep="\t", dtype={"subject": str})
        page = _page(metrics, predictions, config.read_text() if config.exists() else "")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SparseEEGError(
            f"{run} has no scores to report ({one_line(error)}); run `{command('evaluate', run)}`"
        ) from error
    path = run / "report.html"
    write_whole(path, page)
    return path


def _page(metrics: dict[str, Any], predictions: pd.DataFrame, config: str) -> str:
    title = f"{metrics['model']}: {metrics['task']}"
    unit = metrics["unit"]
    simulated = (
        '<p class="warning">These data are simulated: the results say nothing about people.</p>'
        if metrics["data"]["simulated"]
        else ""
    )
    outside = metrics["data"].get("outside")
    figures = (
        ("All predictors, with 95 % intervals over subjects.", scores_figure(metrics)),
        ("All scored trials.", scatter_figure(predictions, unit)),
        ("All subjects; the model is better below the line.", subjects_figure(predictions, unit)),
    )
    return "\n".join(
        [
            "<!doctype html>",
            f'<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>',
            f"<style>{_STYLE}</style></head><body>",
            f"<h1>{escape(title)}</h1>",
            simulated,
            f'<p class="warning">{escape(outside)}.</p>' if outside else "",
            f"<p>{escape(describe_sample(metrics))}; the network was not trained on them. "
            f"Source: {escape(metrics['data']['source'])}; "
            f"{metrics['data']['n_files_with_problems']} files with problems.</p>",
            _table(metrics, unit),
            f'<p class="note">{escape(caption(metrics))}</p>',
            f"<p>{escape(describe_intervals(metrics))}.</p>" if "interval" in metrics else "",
            *(f"<figure>{svg}<figcaption>{escape(text)}</figcaption></figure>" for text, svg in figures),
            f"<h2>Configuration</h2><pre>{escape(config)}</pre>",
            f'<p class="note">sparseeg {escape(metrics["version"])}</p></body></html>',
        ]
    )


def _table(metrics: dict[str, Any], unit: str) -> str:
    table = [(label, cells(scores, unit)) for label, scores in rows(metrics)]
    titles = ("predictor", *table[0][1])
    lines = ["<table><thead><tr>", *(f"<th>{escape(text)}</th>" for text in titles), "</tr></thead><tbody>"]
    for label, row in table:
        lines.append(
            "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in (label, *row.values())) + "</tr>"
        )
    return "\n".join([*lines, "</tbody></table>"])
