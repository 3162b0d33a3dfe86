"""Score constants on the real labels of release 5 with `sparseeg score`; all signals are zero.

    python benchmarks/zero_signals.py ../shared/data/hbn-r5-labels/ds005509-labels.zip

The labels are unpacked to a BIDS folder in `build/zero-signals`, with sparse BDF files of zeros (7 GB that
take no disk space). Table: `benchmarks/results/zero-signals.{md,tsv}`.
"""

import argparse
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from edfio import Bdf, BdfSignal

from sparseeg import machine
from sparseeg.data.bids import hbn
from sparseeg.data.bids.trials import trial_table
from sparseeg.evaluation.metrics import nrmse
from sparseeg.files.tsv import read_tsv
from sparseeg.report import tables
from sparseeg.submission.score import challenge_windows, score

CONSTANT = """
class Model:
    def eval(self):
        pass
    def forward(self, x):
        return x.new_full((len(x), 1), {value!r})
class Submission:
    def __init__(self, SFREQ, DEVICE):
        pass
    def get_model_challenge_1(self):
        return Model()
    get_model_challenge_2 = get_model_challenge_1
"""


def bids_of_zeros(labels: Path, folder: Path, subjects: int | None = None) -> Path:
    """Unpack the labels of all subjects, or of the first ones, and add a recording of zeros to each."""
    with zipfile.ZipFile(labels) as archive:
        archive.extractall(folder)
    root = next(path.parent for path in sorted(folder.rglob("participants.tsv")))
    for number, person in enumerate(sorted(root.glob("sub-*"))):
        for events in sorted(person.glob("eeg/*_events.tsv")):
            if subjects is not None and number >= subjects:
                events.unlink()
                continue
            recording = events.with_name(events.name.replace("_events.tsv", "_eeg.bdf"))
            if not recording.exists():
                write_zeros(recording, round(read_tsv(events)["onset"].astype(float).max()) + 5)
    return root


def write_zeros(path: Path, seconds: int) -> None:
    """Write a BDF file with HBN's channels and zeros; everything after its header is a hole."""
    zeros = np.zeros(round(hbn.SFREQ))
    signals = [
        BdfSignal(zeros, hbn.SFREQ, label=name, physical_dimension="uV", physical_range=(-8388.608, 8388.607))
        for name in hbn.CH_NAMES
    ]
    Bdf(signals).write(path)
    header = 256 * (1 + len(signals))
    record = path.stat().st_size - header
    with path.open("r+b") as file:
        file.seek(236)
        file.write(f"{seconds:<8d}".encode())
        file.truncate(header)
        file.truncate(header + seconds * record)


def submissions(mean: float, folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield a submission that predicts zero, and one that predicts the mean."""
    for name, value in (("all zeros", 0.0), ("mean of the labels", float(mean))):
        path = folder / f"{name.replace(' ', '-')}.zip"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("submission.py", CONSTANT.format(value=value))
        yield name, path


def main() -> None:
    """Make the BIDS folder, score the submissions, and write the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("labels", type=Path)
    parser.add_argument("--folder", type=Path, default=Path("build/zero-signals"))
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results"))
    options = parser.parse_args()
    machine.commit()
    root = bids_of_zeros(options.labels, options.folder / "set")
    truth = pd.concat([trial_table(read_tsv(path)) for path in sorted(root.rglob("*_events.tsv"))])[
        "rt"
    ].dropna()
    windows = {1: challenge_windows(1, root, options.folder / "windows", n_jobs=2)}
    lines = []
    for name, path in submissions(float(truth.mean()), options.folder):
        (one,) = score(path, windows, check_order=False)
        expected = 0.0 if name == "all zeros" else float(truth.mean())
        lines.append(
            {
                "submission": name,
                "NRMSE, sparseeg score": f"{one.scores['nrmse']:.5f}",
                "NRMSE, from the labels alone": f"{nrmse(truth, np.full(len(truth), expected)):.5f}",
                "windows": one.scores["n_trials"],
                "subjects": one.scores["n_subjects"],
                "without the excluded": "-" if one.kept is None else f"{one.kept['nrmse']:.5f}",
            }
        )
    path = tables.write(
        pd.DataFrame(lines),
        options.out,
        "zero-signals",
        title="Constants on the real labels of HBN-EEG release 5, signals replaced by zeros",
        command=" ".join(["python", *sys.argv]),
        packages=("torch", "mne"),
        notes=(f"{len(truth)} trials with a response in the events files", windows[1].summary(examples=0)),
    )
    print(path.read_text())


if __name__ == "__main__":
    main()
