"""Calibrate the simulated reference set: score simple predictors, a baseline network and the ideal observer.

    python benchmarks/simulator.py [REFERENCE]     # default: build/simulated-reference

The reference set (`sparseeg simulate REFERENCE --seed 0`: 60 training, 12 validation, 40 test subjects, 48
trials each) is simulated if it is missing. Networks are trained as by `sparseeg train`; runs are kept in
`runs/simulator`, so that a second call only scores them. Table: `benchmarks/results/simulator.{tsv,md}`.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingRegressor

from sparseeg import machine
from sparseeg.data import splits
from sparseeg.data.splits import Split
from sparseeg.data.windows import WindowSet
from sparseeg.evaluation import baselines
from sparseeg.evaluation.controls import shuffle_within
from sparseeg.evaluation.metrics import nrmse, summarize
from sparseeg.experiments import run as runs
from sparseeg.report import tables
from sparseeg.simulate import DEFAULT, simulate_dataset
from sparseeg.simulate.observers import ideal
from sparseeg.training.config import DataConfig, SplitConfig, TrainConfig

SEED = 0
NETWORK = "response-time-cnn"
BANDS = {
    "ridge": (0.94, 0.98),
    "gradient boosting": (0.93, 0.97),
    NETWORK: (0.95, 1.02),
    "ridge, shuffled targets": (0.99, 1.01),
    "ceiling": (0.84, 0.89),
}


def learned_observer(observed: np.ndarray, target: np.ndarray, split: Split) -> np.ndarray:
    """Correct the ideal observers by boosting on training and validation subjects: this should not help."""
    known = np.concatenate([split.train, split.valid])
    model = HistGradientBoostingRegressor(
        learning_rate=0.05, max_iter=80, max_leaf_nodes=6, min_samples_leaf=40, random_state=SEED
    )
    return model.fit(observed[known], target[known]).predict(observed[split.test])


def networks(data: Path, windows: WindowSet, folder: Path, seeds: int) -> dict[str, np.ndarray]:
    """Train the baseline network and its control, and return their test predictions by name."""
    found = {}
    for seed in range(seeds):
        config = TrainConfig(
            data=DataConfig(path=str(data)),
            split=SplitConfig(kind="release", valid=("R4",), test=("R5",)),
            model=NETWORK,
            seed=seed,
            control=seed == 0,
            boosting=False,
        )
        out = folder / f"{NETWORK}-{seed}"
        runs.train(config, windows, out, print)
        table = pd.read_csv(out / "predictions.tsv", sep="\t")
        mark = f", seed {seed}" if seed else ""
        found[NETWORK + mark] = table["prediction"].to_numpy()
        if "shuffled_within_subject" in table:
            found[f"{NETWORK}, shuffled within subject"] = table["shuffled_within_subject"].to_numpy()
    return found


def predictions(windows: WindowSet, split: Split, observed: np.ndarray) -> dict[str, np.ndarray]:
    """Return the test predictions of all predictors except the networks."""
    target, test = windows.targets, split.test
    within = shuffle_within(target, windows.subjects, SEED)
    known = np.concatenate([split.train, split.valid])
    shuffled, within[test] = target.copy(), target[test]
    shuffled[known] = target[np.random.default_rng(SEED).permutation(known)]
    return {
        "training mean": baselines.train_mean(target[split.train], len(test)),
        "own mean (oracle)": baselines.subject_mean_oracle(target[test], windows.subjects[test]),
        "ridge": baselines.ridge(windows.gather, target, *split),
        "gradient boosting": baselines.hist_gradient_boosting(windows.gather, target, *split),
        "ridge, shuffled targets": baselines.ridge(windows.gather, shuffled, *split),
        "ridge, shuffled within subject": baselines.ridge(windows.gather, within, *split),
        "ceiling": observed[test, 0],
        "ceiling, CPP alone": observed[test, 2],
        "ceiling, press alone": observed[test, 4],
        "ceiling, corrected by boosting": learned_observer(observed, target, split),
    }


def main() -> None:
    """Simulate and train what is missing, score everything, and write the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", nargs="?", type=Path, default=Path("build/simulated-reference"))
    parser.add_argument("--runs", type=Path, default=Path("runs/simulator"))
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results"))
    parser.add_argument("--seeds", type=int, default=2, help="seeds of the baseline network")
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    machine.commit()
    simulate_dataset(options.data, seed=SEED, n_jobs=options.jobs)
    config = DataConfig(path=str(options.data))
    windows = runs.load_windows(config, n_jobs=options.jobs)
    split = splits.by_release(windows.table["release"], "R4", "R5").check(windows.subjects)
    observed = ideal(windows, np.arange(len(windows)), SEED, options.jobs)
    found = predictions(windows, split, observed)
    found |= networks(options.data, windows, options.runs, options.seeds)
    target, subjects = windows.targets[split.test], windows.subjects[split.test]
    lines = []
    for name, prediction in found.items():
        scores = summarize(target, prediction, subjects)
        low, high = BANDS.get(name, (np.nan, np.nan))
        asked = f"{low:.2f} - {high:.2f}" if name in BANDS else ""
        lines.append(
            {
                "predictor": name,
                "NRMSE (/ SD)": f"{scores['nrmse']:.4f}",
                "95 % interval": "{:.3f} - {:.3f}".format(*scores["nrmse_ci95"]),
                "asked for": asked,
                "inside": ("yes" if low <= scores["nrmse"] <= high else "NO") if asked else "",
                "Pearson": scores["pearson_r"],
                "Spearman within subject": scores["spearman_within_subject"],
            }
        )
    sizes = [f"{len(part)} trials of {len(np.unique(windows.subjects[part]))} subjects" for part in split]
    expected = float(np.sqrt(np.mean(observed[split.test, 1] ** 2)) / target.std())
    path = tables.write(
        pd.DataFrame(lines),
        options.out,
        "simulator",
        title="SIMULATED reference set: calibration",
        command="python benchmarks/simulator.py",
        packages=("numpy", "scipy", "scikit-learn", "mne", "torch", "lightning"),
        notes=(
            f"settings version {DEFAULT.version}, fingerprint `{DEFAULT.fingerprint()}`, seed {SEED}",
            "training, validation and test (R1, R4, R5): " + ", ".join(sizes),
            f"SD of the test targets {target.std():.4f} s",
            "intervals: bootstrap over test subjects; all choices were made on validation subjects",
            f"the posterior SD of the ideal observer predicts an NRMSE of {expected:.4f}; it scores "
            f"{nrmse(target, observed[split.test, 0]):.4f}",
        ),
    )
    print(path.read_text())


if __name__ == "__main__":
    main()
