"""Score our networks with all baselines and controls, one seed; tables go to benchmarks/results.

    python benchmarks/networks.py response-time build/reference-store
    python benchmarks/networks.py externalizing build/minutes-store

The stores are made by

    sparseeg simulate build/simulated-reference --seed 0
    sparseeg prepare build/simulated-reference --out build/reference-store
    sparseeg prepare build/simulated-reference --out build/minutes-store \\
        --task externalizing --window 60 --stride 30 --crop 60

`sparseeg compare` compares networks over several seeds. Runs are kept in `runs/NAME/MODEL`: a second call
only scores them.
"""

import argparse
import sys
from pathlib import Path
from typing import Any

import pandas as pd

from sparseeg import machine
from sparseeg.experiments import run as runs
from sparseeg.report import tables
from sparseeg.report.score_table import CAPTION, LABELS, rows
from sparseeg.training.config import DataConfig, SplitConfig
from sparseeg.training.recipes import configure

SPLIT = SplitConfig(kind="release", valid=("R4",), test=("R5",))
TITLES = {
    "response-time": "SIMULATED reference set: response time, 60 / 12 / 40 subjects",
    "externalizing": "SIMULATED reference set: externalizing from whole minutes, 60 / 12 / 40 subjects",
}
MODELS = {
    "response-time": (
        "response-time-cnn",
        "light-sparse-attention-cnn",
        "sparse-attention-cnn",
        "sparse-attention-locator",
    ),
    "externalizing": ("sparse-eeg-transformer",),
}
# A minute is 19,350 tokens of 0.4 s; two cores take half an hour for three epochs.
GIVEN: dict[str, dict[str, Any]] = {
    "response-time": {"control_within_subject": True},
    "externalizing": {"model_options": {"patch": 0.4}, "batch_size": 8, "epochs": 3},
}


def main() -> None:
    """Train what is missing, score everything, and write the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("name", choices=TITLES)
    parser.add_argument("data", type=Path)
    parser.add_argument("--models", nargs="+", help="default: all models of the table")
    parser.add_argument("--runs", type=Path, default=Path("runs"))
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results"))
    options = parser.parse_args()
    machine.commit()
    data = DataConfig(path=str(options.data), task=options.name)
    windows = runs.load_windows(data)
    lines: dict[str, dict[str, object]] = {}
    by_subject: list[str] = []
    for model in options.models or MODELS[options.name]:
        config = configure(data, model, SPLIT, **GIVEN[options.name])
        metrics = runs.train(config, windows, options.runs / options.name / model, print)
        for label, scores in rows(metrics):
            name = label.replace("model", model) if label.startswith("model") else label
            low, high = scores["nrmse_ci95"]
            lines[name] = {
                "predictor": name,
                "NRMSE (/ SD)": f"{scores['nrmse']:.4f}",
                "95 % interval": f"{low:.3f} - {high:.3f}",
                f"RMSE ({windows.target_unit})": f"{scores['rmse']:.4f}",
                f"MAE ({windows.target_unit})": f"{scores['mae']:.4f}",
                "Pearson": scores["pearson_r"],
                "Spearman within subject": scores["spearman_within_subject"],
            }
        for name, scores in metrics.get("by_subject", {}).items():
            by_subject.append(f"{LABELS[name].replace('model', model)} {scores['nrmse']:.4f}")
    models = MODELS[options.name]
    table = pd.DataFrame(sorted(lines.values(), key=lambda line: line["predictor"] not in models))
    path = tables.write(
        table,
        options.out,
        f"networks-{options.name}",
        title=TITLES[options.name],
        command=" ".join(["python", *sys.argv]),
        packages=("torch", "lightning", "scikit-learn", "mne"),
        notes=(
            f"{metrics['n_trials']} test trials of {metrics['n_subjects']} subjects; one seed (0); "
            "all choices were made on validation subjects",
            CAPTION,
            *([f"NRMSE of each subject's mean prediction: {', '.join(by_subject)}"] if by_subject else []),
        ),
    )
    print(path.read_text())


if __name__ == "__main__":
    main()
