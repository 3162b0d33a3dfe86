"""Compare the gates of trained networks with those of controls and untrained networks, and with the truth.

    python benchmarks/gates.py build/simulated-reference runs/response-time

The runs are those of `benchmarks/networks.py response-time`. Table:
`benchmarks/results/claims-gates.{md,tsv}`.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import nn

from sparseeg import machine, models
from sparseeg.data.windows import WindowSet
from sparseeg.experiments.run import load_windows
from sparseeg.report import tables
from sparseeg.simulate import DEFAULT
from sparseeg.simulate.forward import make_anatomy
from sparseeg.training.batches import loader
from sparseeg.training.config import TrainConfig

NETWORKS = ("light-sparse-attention-cnn", "sparse-attention-cnn")
NOTES = (
    "gates are averaged over the test windows (R5); lowest and highest over channels or time points",
    "control: the same network trained on targets shuffled among the trials; untrained: three other seeds",
    "truth: the mean magnitude, over the test subjects, of the topography of the CPP, the most informative "
    "component; correlations are over the 128 channels without the reference",
    "neither network scores better than the training mean on this set (compare-simulated)",
)


def gates(network: nn.Module, windows: WindowSet, rows: np.ndarray) -> dict[str, np.ndarray]:
    """Return the mean gate of each channel and, if the network has such gates, of each time point."""
    network.eval()
    found: dict[str, list[torch.Tensor]] = {"channel": [], "time": []}
    with torch.inference_mode():
        for batch, *_ in loader(windows, rows, 256):
            x = network.standardize(batch)
            found["channel"].append(network.channel_attention.gates(x))
            if hasattr(network, "temporal_attention"):
                found["time"].append(network.temporal_attention.gates(network.channel_attention(x)))
    return {name: torch.cat(parts).mean(0).numpy() for name, parts in found.items() if parts}


def topography(windows: WindowSet, rows: np.ndarray) -> np.ndarray:
    """Return the mean magnitude of the CPP at each channel over the subjects of the windows."""
    subjects = np.unique(windows.subjects[rows])
    numbers = [int(subject.removeprefix("sub-NDARSIM")) - 1 for subject in subjects]
    return np.mean([np.abs(make_anatomy(0, number, DEFAULT).cpp) for number in numbers], axis=0)


def correlation(first: np.ndarray, second: np.ndarray) -> str:
    return f"{np.corrcoef(first, second)[0, 1]:.2f}"


def lines(name: str, run: Path, windows: WindowSet, rows: np.ndarray) -> list[dict[str, str]]:
    """Return the lines of one network: trained, control, untrained."""
    networks = {
        "trained": models.load(run / "model.safetensors"),
        "control": models.load(run / "controls" / "shuffled_trials" / "model.safetensors"),
    }
    for seed in (1, 2, 3):
        torch.manual_seed(seed)
        networks[f"untrained, seed {seed}"] = models.build(name, windows.n_chans, windows.n_times)
    found = {state: gates(network, windows, rows) for state, network in networks.items()}
    truth = topography(windows, rows)
    table = []
    for kind, trained in found["trained"].items():
        for state, gates_of_state in found.items():
            weights = gates_of_state[kind]
            known = correlation(weights[:-1], truth[:-1]) if kind == "channel" else "-"
            table.append(
                {
                    "network": name,
                    "state": state,
                    "gates of": kind,
                    "lowest": f"{weights.min():.3f}",
                    "highest": f"{weights.max():.3f}",
                    "SD": f"{weights.std():.4f}",
                    "correlation with the trained network": correlation(weights, trained),
                    "correlation with the truth": known,
                }
            )
    return table


def main() -> None:
    """Read networks and test windows, compare the gates, and write the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("runs", type=Path)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results"))
    options = parser.parse_args()
    machine.commit()
    config = TrainConfig.read(options.runs / NETWORKS[0]).data
    windows = load_windows(config.model_copy(update={"path": str(options.data), "releases": ("R5",)}))
    rows = np.arange(len(windows))
    table = [line for name in NETWORKS for line in lines(name, options.runs / name, windows, rows)]
    path = tables.write(
        pd.DataFrame(table),
        options.out,
        "claims-gates",
        title="SIMULATED reference set: gates of trained networks",
        command=" ".join(["python", *sys.argv]),
        packages=("torch", "numpy", "mne"),
        notes=NOTES,
    )
    print(path.read_text())


if __name__ == "__main__":
    main()
