"""Test whether masked pretraining on passive recordings improves a network for response times.

    python benchmarks/pretraining.py [FOLDER]        # default: build/pretraining

The reference set with passive recordings (`sparseeg simulate FOLDER/set --passive 3`) is simulated if it is
missing; its contrast recordings are those of the reference set. `sparse-eeg-transformer` is pretrained on the
passive recordings of training and validation subjects, and trained with and without pretraining on 10, 30 and
60 subjects. Finished runs are kept; a second call continues.
Tables: `benchmarks/results/pretraining-{10,30,60}.{tsv,md}`.
"""

import argparse
import shutil
import sys
from pathlib import Path

import numpy as np

from sparseeg import machine
from sparseeg.data.store.prepare import Options, prepare
from sparseeg.data.tasks import PRETRAINING, TaskFile, find_task
from sparseeg.data.windows import WindowSet
from sparseeg.experiments import run as runs
from sparseeg.experiments.comparison import Comparison
from sparseeg.experiments.entry import Entry
from sparseeg.report.comparison import write_comparison
from sparseeg.simulate import simulate_dataset
from sparseeg.training.config import DataConfig, PretrainConfig, SplitConfig
from sparseeg.training.pretrain import pretrain

NETWORK = "sparse-eeg-transformer"
PATCH = {"patch": 0.2}  # seconds, instead of 0.08: with 1,290 tokens per window, CPUs take hours, not days
SIZES = (10, 30, 60)
MINUTES = 3.0
SPLIT = SplitConfig(kind="release", valid=("R4",), test=("R5",))


def fewer(windows: WindowSet, n_subjects: int) -> WindowSet:
    """Return the windows of some training subjects and of all validation and test subjects."""
    trains = (windows.table["release"] == "R1").to_numpy()
    subjects = np.unique(windows.subjects[trains])
    chosen = np.random.default_rng(0).permutation(subjects)[:n_subjects]
    return windows.select(~trains | np.isin(windows.subjects, chosen))


def pretrained(folder: Path, data: Path, epochs: int) -> Path:
    """Return the run pretrained on the passive recordings of training and validation subjects."""
    run, store = folder / "pretrained", folder / "passive"
    if (run / "metrics.json").exists():
        return run
    passive = find_task(PRETRAINING, TaskFile(bids_tasks=("RestingState", "DespicableMe")))
    prepare(data, store, passive, Options(releases=("R1", "R4")), n_jobs=2)
    split = SplitConfig(kind="release", valid=("R4",))
    config = PretrainConfig(
        data=DataConfig(path=str(store), task=PRETRAINING),
        split=split,
        model=NETWORK,
        model_options=PATCH,
        epochs=epochs,
    )
    pretrain(config, runs.load_windows(config.data, n_jobs=2), run, print)
    return run


def main() -> None:
    """Simulate and pretrain what is missing, train on each number of subjects, and write the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", nargs="?", type=Path, default=Path("build/pretraining"))
    parser.add_argument("--subjects", type=int, default=112, help="of the simulated set")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--epochs", type=int, default=20, help="of pretraining")
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="numbers of training subjects")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results"))
    options = parser.parse_args()
    machine.commit()
    data, store = options.folder / "set", options.folder / "trials"
    simulate_dataset(data, options.subjects, seed=0, passive_minutes=MINUTES, n_jobs=2)
    run = pretrained(options.folder, data, options.epochs)
    prepare(data, store, n_jobs=2)
    trials = DataConfig(path=str(store))
    windows = runs.load_windows(trials)
    entries = [
        Entry("from scratch", NETWORK, {"model_options": PATCH}),
        Entry("pretrained", NETWORK, {"model_options": PATCH, "init": str(run), "layer_decay": 0.75}),
    ]
    for size in options.sizes:
        folder = options.folder / f"{size}-subjects"
        comparison = Comparison(folder, fewer(windows, size), trials, SPLIT)
        comparison.run(entries, options.seeds)
        notes = (
            f"{size} training subjects; tokens of {PATCH['patch']:g} s; pretrained for {options.epochs} "
            f"epochs on {MINUTES:g} minutes each of rest and film of all 72 training and validation subjects",
        )
        path = write_comparison(comparison, entries, " ".join(["python", *sys.argv]), notes)
        for name in (path, path.with_suffix(".tsv")):
            shutil.copy(name, options.out / f"pretraining-{size}{name.suffix}")
        print(path.read_text())


if __name__ == "__main__":
    main()
