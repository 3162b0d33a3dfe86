"""The demo from nothing: how long it takes, and its honest table.

    python benchmarks/demo.py

Runs `sparseeg demo` in a folder that is thrown away. Table: `benchmarks/results/demo.{md,tsv}`.
"""

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd

from sparseeg import machine
from sparseeg.cli.demo import demo
from sparseeg.report import tables
from sparseeg.report.score_table import CAPTION, cells, rows
from sparseeg.training.ensemble import training_seconds


def main() -> None:
    """Run the demo and write the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results"))
    options = parser.parse_args()
    machine.commit()
    with tempfile.TemporaryDirectory() as place:
        began = time.perf_counter()
        demo(out=Path(place))
        took = time.perf_counter() - began
        run = Path(place) / "run"
        metrics = json.loads((run / "metrics.json").read_text())
        trained = training_seconds(run)
    path = tables.write(
        pd.DataFrame([{"predictor": label} | cells(scores, "s") for label, scores in rows(metrics)]),
        options.out,
        "demo",
        title="SIMULATED: the demo",
        command=" ".join(["python", *sys.argv]),
        packages=("torch", "lightning", "scikit-learn", "mne"),
        notes=(
            f"{took:.0f} s in all, of which the locator's training took {trained:.0f} s",
            f"{metrics['n_trials']} test trials of {metrics['n_subjects']} subjects",
            CAPTION,
        ),
    )
    print(path.read_text())


if __name__ == "__main__":
    main()
