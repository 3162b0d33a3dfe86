"""Write the tables and the figure of a comparison of models."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from sparseeg.errors import SparseEEGError
from sparseeg.evaluation import compare
from sparseeg.experiments.comparison import Comparison
from sparseeg.experiments.entry import Entry
from sparseeg.report import tables
from sparseeg.report.comparison_page import write_comparison_page
from sparseeg.report.figures import plot_comparison


def write_comparison(
    comparison: Comparison, entries: Sequence[Entry], command: str, notes: Sequence[str] = ()
) -> Path:
    """Write table, differences and figure to the folder of a comparison, and return the path of the table.

    Parameters
    ----------
    comparison : the comparison.
    entries : its models.
    command : command that reproduces the table.
    notes : notes above the table, before the general ones.

    Raises
    ------
    SparseEEGError : no model has been scored.
    """
    columns = comparison.columns(entries)
    if not columns:
        raise SparseEEGError(
            f"no model could be scored; the reasons are above, and in full in {comparison.out / 'failures'}"
        )
    table, windows = comparison.table(entries), comparison.windows
    subjects = comparison.predictions["subject"].nunique()
    simulated = "SIMULATED " if windows.simulated else ""
    commits = dict.fromkeys(str(line["commit"]) for line in comparison.lines if "commit" in line)
    notes = (
        *notes,
        f"trained at commit {', '.join(commits)}",
        f"{len(comparison.predictions)} scored trials of {subjects} subjects; all choices were made on "
        "validation subjects",
        "NRMSE: RMSE divided by the standard deviation of the scored targets, pooled; 1.0 is the best "
        "constant; mean over runs",
        "intervals: bootstrap over subjects, paired for differences; they do not include the variation "
        "between training runs",
        "Spearman: mean of the correlations within subjects; p: permutation of targets within subjects, for "
        "the mean prediction of the runs",
        "training s: one run with all folds; windows/s: prediction, including reading windows",
    )
    path = tables.write(
        _readable(table),
        comparison.out,
        "compare",
        title=f"{simulated}{windows.task.name}: models compared",
        command=command,
        packages=("torch", "lightning", "scikit-learn", "braindecode"),
        notes=notes,
    )
    # Replaces the rounded table with full precision.
    table.to_csv(comparison.out / "compare.tsv", sep="\t", index=False, float_format="%.6g")
    compare.differences(comparison.predictions, columns).to_csv(
        comparison.out / "differences.tsv", sep="\t", index=False, float_format="%.6g"
    )
    figure = plot_comparison(table, next(iter(columns), None))
    figure.savefig(comparison.out / "compare.svg", metadata={"Date": None})
    write_comparison_page(comparison.out)
    return path


def _readable(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table with each interval in one column and numbers rounded."""

    def text(name: str, form: str) -> pd.Series:
        if name not in table:
            return pd.Series("-", index=table.index)
        return table[name].map(lambda value: "-" if pd.isna(value) else form.format(value))

    def interval(name: str, form: str) -> pd.Series:
        return text(f"{name}_low", form) + " - " + text(f"{name}_high", form)

    return pd.DataFrame(
        {
            "model": table["model"],
            "runs": text("runs", "{:.0f}"),
            "NRMSE (/ SD)": text("nrmse", "{:.4f}"),
            "95 % interval": interval("nrmse", "{:.3f}"),
            "difference from the first": text("difference", "{:+.4f}"),
            "95 % interval, paired": interval("difference", "{:+.4f}"),
            "Pearson": text("pearson_r", "{:.3f}"),
            "Spearman": text("spearman_within_subject", "{:.3f}"),
            "95 % interval, Spearman": interval("spearman", "{:.2f}"),
            "p": text("permutation_p", "{:.4f}"),
            "parameters": text("parameters", "{:.0f}"),
            "training s": text("training_s", "{:.0f}"),
            "windows/s": text("windows_per_s", "{:.0f}"),
            "note": table["note"].astype(object).where(table["note"].notna(), ""),
        }
    ).replace("- - -", "-")
