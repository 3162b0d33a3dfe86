"""Our networks with every baseline and control, one seed; tables go to benchmarks/results.

    python benchmarks/networks.py erpcore-p3 ../shared/data/erpcore-p3
    python benchmarks/networks.py simulated REFERENCE     # made by: sparseeg simulate REFERENCE --seed 0

`sparseeg compare` sets them beside other networks, over several seeds. Runs go to `runs/NAME/MODEL` and are
kept: a second call only scores what is trained.
"""

import argparse
import sys
from pathlib import Path

import pandas as pd

from sparseeg import runs
from sparseeg.evaluation.evaluate import CAPTION, rows
from sparseeg.report import tables
from sparseeg.training.config import DataConfig, SplitConfig, TrainConfig
from sparseeg.training.recipes import configure

MODELS = (
    "response-time-cnn",
    "light-sparse-attention-cnn",
    "sparse-attention-cnn",
    "sparse-attention-locator",
)
TITLES = {
    "erpcore-p3": "Real EEG: response time in ERP CORE P3, leave one subject out",
    "simulated": "SIMULATED reference set: response time, 60 / 12 / 40 subjects",
}


def configuration(name: str, data: Path, model: str) -> TrainConfig:
    """Return the protocol of a table; it is the same for every network."""
    if name == "erpcore-p3":
        epochs = DataConfig(path=str(data), target="rt", target_unit="ms", tmin=0.0, tmax=0.8, sfreq=128.0)
        return configure(epochs, model, SplitConfig(kind="loso"), control_within_subject=True)
    releases = SplitConfig(kind="release", valid=("R4",), test=("R5",))
    return configure(DataConfig(path=str(data)), model, releases, control_within_subject=True)


def main() -> None:
    """Train what is not trained yet, score everything, write the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("name", choices=TITLES)
    parser.add_argument("data", type=Path)
    parser.add_argument("--models", nargs="+", default=MODELS)
    parser.add_argument("--runs", type=Path, default=Path("runs"))
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results"))
    options = parser.parse_args()
    tables.commit()
    configs = {model: configuration(options.name, options.data, model) for model in options.models}
    margin = max(config.augment.jitter for config in configs.values())
    windows = runs.load_windows(next(iter(configs.values())).data, margin, n_jobs=2)
    lines: dict[str, dict[str, object]] = {}
    for model, config in configs.items():
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
    table = pd.DataFrame(sorted(lines.values(), key=lambda line: line["predictor"] not in options.models))
    path = tables.write(
        table,
        options.out,
        f"networks-{options.name}",
        title=TITLES[options.name],
        command=" ".join(["python", *sys.argv]),
        packages=("torch", "lightning", "scikit-learn", "mne"),
        notes=(
            f"{metrics['n_trials']} test trials of {metrics['n_subjects']} subjects; one seed (0); "
            "every choice on validation subjects",
            CAPTION,
        ),
    )
    print(path.read_text())


if __name__ == "__main__":
    main()
