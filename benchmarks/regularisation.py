"""Test whether sparse attention prevents overfitting: training and validation error without dropout.

    python benchmarks/regularisation.py build/simulated-reference

The light network is trained on 336 trials of 20 simulated subjects (one fold of `specification_protocol.py`),
without dropout and augmentation, for a fixed number of epochs. Only the attention differs.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from specification_protocol import BATCH, Protocol, at_stimulus, few
from torch import nn

from sparseeg import machine, models
from sparseeg.data.splits import Split
from sparseeg.data.windows import WindowSet
from sparseeg.evaluation.metrics import nrmse
from sparseeg.report import tables
from sparseeg.training.batches import loader
from sparseeg.training.inference import predict

NETWORK = "light-sparse-attention-cnn"
ATTENTION = {
    "two tokens per head, drawn anew every step": {},
    "two tokens per head, always the same (strided)": {"partition": "strided"},
    "dense (one head of all tokens)": {"tokens_per_head": 10_000},
}
AT = (5, 10, 20, 30)


def learn(
    windows: WindowSet, split: Split, attention: dict[str, object], dropout: float, seed: int
) -> dict[str, str]:
    """Return training and validation NRMSE (/ SD) after several numbers of epochs."""
    torch.manual_seed(seed)
    network = models.build(
        NETWORK, windows.n_chans, windows.n_times, dropout=dropout, attention_options=attention
    )
    target = windows.targets
    mean, std = target[split.train].mean(), target[split.train].std()
    network.final_layer.set_target(mean, std)
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3, weight_decay=1e-4)
    batches = loader(windows, split.train, BATCH, shuffle=True, seed=seed)
    found = {}
    for epoch in range(1, max(AT) + 1):
        network.train()
        for x, y, _ in batches:
            optimizer.zero_grad()
            (nn.functional.mse_loss(network(x), y) / std**2).backward()
            optimizer.step()
        if epoch in AT:
            pair = [nrmse(target[rows], predict(network, windows, rows).mean) for rows in split[:2]]
            found[f"epoch {epoch}: training / validation"] = "{:.3f} / {:.3f}".format(*pair)
    return found


def main() -> None:
    """Train with each kind of attention, and write the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--dropout", type=float, nargs="+", default=[0.0])
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results"))
    options = parser.parse_args()
    machine.commit()
    torch.set_num_threads(1)
    windows = few(at_stimulus(options.data))
    split = next(Protocol("stimulus", mixed=True).folds(windows))
    lines = [
        {"attention": name, "dropout": dropout, "seed": seed}
        | learn(windows, split, attention, dropout, seed)
        for dropout in options.dropout
        for seed in range(options.seeds)
        for name, attention in ATTENTION.items()
    ]
    path = tables.write(
        pd.DataFrame(lines),
        options.out,
        "claims-regularisation",
        title="SIMULATED reference set: training and validation error by kind of attention",
        command=" ".join(["python", *sys.argv]),
        notes=(
            f"{NETWORK}, {len(split.train)} training and {len(split.valid)} validation trials of "
            f"{len(np.unique(windows.subjects))} subjects, mixed; RMSE / SD in evaluation; 1.0 is a constant",
            "no augmentation and no early stopping, to show how far and how fast each network overfits",
        ),
    )
    print(path.read_text())


if __name__ == "__main__":
    main()
