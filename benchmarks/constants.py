"""Score the best constant with three normalisers, for stated, real and simulated targets.

    python benchmarks/constants.py build/simulated-reference ../shared/data/erpcore-p3 \\
        ../shared/data/hbn-r5-labels/ds005509-labels.zip

Only labels are read. Table: `benchmarks/results/claims-constants.{md,tsv}`.
"""

import argparse
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import mne
import numpy as np
import pandas as pd

from sparseeg.bench import claims
from sparseeg.data.bids import hbn, layout
from sparseeg.data.bids.description import is_simulated
from sparseeg.data.epochs.read import epochs_files
from sparseeg.data.read_bids import read_trials
from sparseeg.evaluation.metrics import nrmse
from sparseeg.files.tsv import read_tsv
from sparseeg.report import tables

NOTES = (
    "the first row is computed from the stated mean, SD and limits, not from data",
    "stated validation NRMSE: baseline 0.4523, light network 0.38-0.42, full network 0.36-0.40; for the "
    "externalizing factor, values below 0.30 are called good",
    "the best constant is the mean; RMSE / mean is meaningless for a factor with a mean near zero",
)


def constants(data: list[Path]) -> pd.DataFrame:
    """Score the best constant with all normalisers, for stated statistics and for the targets in `data`."""
    lines: list[dict[str, object]] = [
        {
            "targets": "stated: response time from the trial's start, 0.1 to 5.0 s",
            "n": "420",
            "mean": 3.5,
            "SD": 1.55,
            "RMSE / SD": 1.0,
            "RMSE / range": 1.55 / (5.0 - 0.1),
            "RMSE / mean": 1.55 / 3.5,
        }
    ]
    for name, target in (pair for path in data for pair in targets_in(path)):
        line = {"targets": name, "n": f"{len(target):,}", "mean": target.mean(), "SD": target.std()}
        mean = np.full(len(target), target.mean())
        for title, normaliser in (("SD", "std"), ("range", "range"), ("mean", "mean")):
            line[f"RMSE / {title}"] = nrmse(target, mean, normaliser)
        lines.append(line)
    return pd.DataFrame(lines)


def targets_in(path: Path) -> Iterator[tuple[str, np.ndarray]]:
    """Yield names and targets of MNE epochs (column rt), of a BIDS folder, or of a zipped BIDS folder."""
    if path.suffix == ".zip":
        with tempfile.TemporaryDirectory() as folder:
            zipfile.ZipFile(path).extractall(folder)
            inside = Path(folder) / path.stem
            yield from targets_in(inside if inside.is_dir() else Path(folder))
        return
    files = epochs_files(path)
    if files:
        read = [mne.read_epochs(file, preload=False, verbose="error").metadata["rt"] for file in files]
        yield f"{path.name}: response time from the stimulus", pd.concat(read).dropna().to_numpy(np.float64)
        return
    root = layout.roots(path)[0]
    name = f"{root.name} (SIMULATED)" if is_simulated(root) else f"{root.name} (real labels)"
    trials = read_trials(root)[0].dropna(subset="rt")
    whole = (trials["response_onset"] - trials["trial_start"]).to_numpy()
    yield f"{name}: response time from the stimulus, s", trials["rt"].to_numpy()
    yield f"{name}: from the trial's start, s", whole
    yield f"{name}: the same, 0.1 to 5.0 s alone", whole[(whole >= 0.1) & (whole <= 5.0)]
    files = layout.events_files(root, (hbn.CONTRAST_TASK,))
    pressed = np.concatenate([claims.first_presses(read_tsv(file.path)) for file in files])
    kept = pressed[(pressed >= 0.1) & (pressed <= 5.0)]
    yield f"{name}: first press of any kind, from the trial's start, 0.1 to 5.0 s alone", kept
    factor = pd.to_numeric(read_tsv(root / "participants.tsv")["externalizing"], errors="coerce")
    yield f"{name}: externalizing factor, one value a person", factor.dropna().to_numpy()


def main() -> None:
    """Read the labels, score the constants, and write the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path, nargs="*", help="BIDS folders, their zips, folders of MNE epochs")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results"))
    options = parser.parse_args()
    path = tables.write(
        constants(options.data),
        options.out,
        "claims-constants",
        title="Score of the best constant with three normalisers",
        command=" ".join(["python", *sys.argv]),
        packages=("numpy", "pandas", "mne"),
        notes=NOTES,
    )
    print(path.read_text())


if __name__ == "__main__":
    main()
