"""Time the demo, and write its table of scores.

    python benchmarks/demo.py

Runs `sparseeg demo` in a temporary folder. Table: `benchmarks/results/demo.{md,tsv}`.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd

from sparseeg import machine
from sparseeg.cli.demo import demo
from sparseeg.report import tables
from sparseeg.report.score_table import CAPTION, cells, read_metrics, rows
from sparseeg.training.ensemble import training_seconds


def main() -> None:
    """Run the demo, and write the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results"))
    options = parser.parse_args()
    machine.commit()
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        demo(out=Path(folder))
        seconds = time.perf_counter() - start
        run = Path(folder) / "run"
        metrics = read_metrics(run)
        training = training_seconds(run)
    path = tables.write(
        pd.DataFrame([{"predictor": label} | cells(scores, "s") for label, scores in rows(metrics)]),
        options.out,
        "demo",
        title="SIMULATED: the demo",
        command=" ".join(["python", *sys.argv]),
        packages=("torch", "lightning", "scikit-learn", "mne"),
        notes=(
            f"{seconds:.0f} s in total, of which training the locator took {training:.0f} s",
            f"{metrics['n_trials']} test trials of {metrics['n_subjects']} subjects",
            CAPTION,
        ),
    )
    print(path.read_text())


if __name__ == "__main__":
    main()
