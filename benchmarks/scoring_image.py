"""Run submissions of all networks in an environment with the versions of the challenge's scoring image.

    python benchmarks/scoring_image.py [--python python3.10]

Builds the environment from PyPI in `build/scoring-image` (torch 2.2.2 with CUDA: about 5 GB), packs each
network, untrained, as `sparseeg submit` does, and compares its predictions in both environments. Table:
`benchmarks/results/scoring-image.{md,tsv}`.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from sparseeg import machine, models
from sparseeg.data.bids import hbn
from sparseeg.data.provenance import Processing, Provenance
from sparseeg.data.signals.positions import chs_info
from sparseeg.data.tasks import RESPONSE_TIME, TASKS
from sparseeg.models import NetworkSpec
from sparseeg.prediction.example_windows import noise_windows
from sparseeg.report import tables
from sparseeg.submission.archive import unpack
from sparseeg.submission.challenge import N_TIMES
from sparseeg.submission.pack import N_EXAMPLES, pack
from sparseeg.submission.sandbox import run_submission
from sparseeg.training.calibrate import Calibration
from sparseeg.training.config import DataConfig, TrainConfig
from sparseeg.training.inputs import Inputs

IMAGE = ("torch==2.2.2", "numpy==2.2.6", "scipy==1.15.3", "einops==0.8.1")
VERSIONS = "import sys, torch, numpy; print(sys.version.split()[0], torch.__version__, numpy.__version__)"


def environment(folder: Path, python: str) -> str:
    """Make the environment if it is missing, and return its interpreter."""
    interpreter = folder / "bin" / "python"
    if not (folder / "complete").exists():
        subprocess.run([python, "-m", "venv", str(folder)], check=True)
        subprocess.run([str(interpreter), "-m", "pip", "install", "--quiet", *IMAGE], check=True)
        (folder / "complete").touch()
    return str(interpreter)


def untrained(name: str, folder: Path) -> Path:
    """Write a run folder with an untrained network."""
    torch.manual_seed(0)
    spec = NetworkSpec(name, len(hbn.CH_NAMES), N_TIMES, chs_info=chs_info(hbn.CH_NAMES))
    network = spec.build()
    network.final_layer.set_target(1.6, 0.4)
    folder.mkdir(parents=True)
    models.save(network, spec, folder / "model.safetensors")
    TrainConfig(data=DataConfig(path="none"), model=name).write(folder)
    task = TASKS[RESPONSE_TIME]
    Inputs(Provenance(task, Processing(), hbn.CH_NAMES, N_TIMES, task.tmin)).write(folder)
    Calibration(1.0, 0.9, 0.5, relative=False).write(folder)
    return folder


def main() -> None:
    """Pack all networks, predict in both environments, and write the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--python", default="python3.10", help="makes the environment; the image has 3.10")
    parser.add_argument("--folder", type=Path, default=Path("build/scoring-image"))
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results"))
    options = parser.parse_args()
    machine.commit()
    interpreter = environment(options.folder, options.python)
    output = subprocess.run([interpreter, "-c", VERSIONS], check=True, capture_output=True, text=True).stdout
    versions = output.split()
    windows = noise_windows(len(hbn.CH_NAMES), N_TIMES, N_EXAMPLES)
    lines = []
    for name in models.names():
        with tempfile.TemporaryDirectory() as temporary:
            work = Path(temporary)
            pack({1: [untrained(name, work / "run")]}, work / "a.zip")
            (work / "unpacked").mkdir()
            unpack(work / "a.zip", work / "unpacked")
            one_by_one = [window[None] * np.float32(1e-6) for window in windows]
            here, in_image = (
                run_submission(work / "unpacked", 1, one_by_one, name=name, python=python)
                for python in (sys.executable, interpreter)
            )
        lines.append(
            {
                "network": name,
                "largest difference (s)": f"{np.abs(here.values - in_image.values).max():.1e}",
                "ms per window here": f"{1000 * here.seconds / len(windows):.1f}",
                "ms per window there": f"{1000 * in_image.seconds / len(windows):.1f}",
                "MB there": f"{in_image.peak_bytes / 1e6:.0f}",
            }
        )
        print(lines[-1], flush=True)
    path = tables.write(
        pd.DataFrame(lines),
        options.out,
        "scoring-image",
        title="Submissions under the versions of the scoring image",
        command=" ".join(["python", *sys.argv]),
        packages=("torch", "numpy"),
        notes=(
            "there: Python {}, torch {}, numpy {}".format(*versions),
            f"{len(windows)} windows of noise in volts, one at a time on the CPU; untrained networks",
        ),
    )
    print(path.read_text())


if __name__ == "__main__":
    main()
