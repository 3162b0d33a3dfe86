"""Coverage and width of prediction intervals for new subjects, by the number of validation subjects.

    python benchmarks/intervals.py [--people 300] [--draws 100]

Trains the network of `sparseeg demo` once and predicts for new simulated subjects, who are then drawn as
validation subjects, K at a time; all others are tested. Table: `benchmarks/results/intervals.{md,tsv}`.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd

from sparseeg import machine
from sparseeg.cli.demo import demo
from sparseeg.data.load import load
from sparseeg.evaluation.intervals import LEVEL, reach_for_new_subject, shortest_interval
from sparseeg.report import tables
from sparseeg.simulate import simulate_dataset
from sparseeg.training.ensemble import load_members
from sparseeg.training.inference import predict

NUMBERS = (1, 2, 4, 8, 12, 40)
SEED = 1  # of the new people; the demo simulates its own with 0


def with_guarantee(scores: np.ndarray, subjects: np.ndarray) -> float:
    """Return the quantile at LEVEL * (K + 1) / K, which has a finite-sample guarantee (version 0.1.0).

    Source: Dunn, Wasserman and Ramdas (2022), arXiv 1809.07441.
    """
    _, codes, counts = np.unique(subjects, return_inverse=True, return_counts=True)
    order = np.argsort(scores)
    weights = np.cumsum(1 / counts[codes[order]]) / len(counts)
    rank = np.searchsorted(weights, LEVEL * (len(counts) + 1) / len(counts) - 1e-9)
    return float(scores[order[min(int(rank), len(order) - 1)]])


def main() -> None:
    """Train and simulate what is missing, draw, and write the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--people", type=int, default=300, help="new simulated subjects")
    parser.add_argument("--draws", type=int, default=100, help="draws of validation subjects")
    parser.add_argument("--build", type=Path, default=Path("build/intervals"), help="folder of data and run")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results"))
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    machine.commit()
    if not (options.build / "demo" / "run" / "metrics.json").exists():
        demo(out=options.build / "demo")
    data = options.build / "people"
    simulate_dataset(data, subjects=options.people, seed=SEED, n_jobs=options.jobs)
    windows = load(data, n_jobs=options.jobs)
    networks = load_members(options.build / "demo" / "run")
    prediction = predict(networks, windows, np.arange(len(windows)))
    target, subjects = windows.targets, windows.subjects
    error = np.abs(target - prediction.mean)
    rng = np.random.default_rng(0)
    everyone = np.unique(subjects)
    lines = []
    for count in NUMBERS:
        found: dict[str, list[tuple[float, float]]] = {}
        for _ in range(options.draws):
            valid = np.isin(subjects, rng.choice(everyone, count, replace=False))
            own, spread = subjects[valid], prediction.spread
            reaches = {
                "with a finite-sample guarantee": with_guarantee(error[valid] / spread[valid], own),
                "level by leaving one subject out": reach_for_new_subject(error[valid] / spread[valid], own),
            }
            for name, reach in reaches.items():
                inside = error[~valid] <= reach * spread[~valid]
                found.setdefault(name, []).append((inside.mean(), 2 * reach * spread[~valid].mean()))
            low, high = shortest_interval(target[valid], own)
            inside = (target[~valid] >= low) & (target[~valid] <= high)
            found.setdefault("no network: shortest interval", []).append((inside.mean(), high - low))
        for name, values in found.items():
            held, width = np.array(values).T
            lines.append(
                {
                    "intervals": name,
                    "validation subjects": count,
                    "coverage": f"{held.mean():.3f}",
                    "90 % of the draws": "{:.3f} - {:.3f}".format(*np.quantile(held, [0.05, 0.95])),
                    "mean width (s)": f"{width.mean():.3f}",
                }
            )
    path = tables.write(
        pd.DataFrame(lines),
        options.out,
        "intervals",
        title="SIMULATED: prediction intervals for new subjects",
        command="python benchmarks/intervals.py",
        packages=("torch", "lightning", "mne"),
        notes=(
            f"{len(everyone)} new simulated subjects (seed {SEED}), {len(windows)} trials, the network of "
            f"`sparseeg demo`; {options.draws} draws of validation subjects, all other subjects are tested",
            f"wanted coverage {LEVEL:.0%}; distances from the prediction in units of its spread; intervals "
            "are not cut off at the range of the targets",
        ),
    )
    print(path.read_text())


if __name__ == "__main__":
    main()
