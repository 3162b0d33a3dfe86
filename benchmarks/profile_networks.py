"""Profile the training step and the forward pass of a network by kind of operation.

    python benchmarks/profile_networks.py

This explains the shares of the floor in training.md. Table: `benchmarks/results/training-profile.{md,tsv}`.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import torch
from torch import nn
from torch.profiler import ProfilerActivity, profile

from sparseeg import machine, models
from sparseeg.report import tables

MODEL = "light-sparse-attention-cnn"
KINDS = {
    "convolutions, matrix products": (
        "convolution",
        "addmm",
        "::mm",
        "bmm",
        "_linear_pointwise",
        "dot_product",
    ),
    "norms": ("norm",),
    "copies and changes of layout": (
        "copy_",
        "reorder",
        "index",
        "gather",
        "scatter",
        "cat",
        "clone",
        "empty",
    ),
    "optimiser": ("adam",),
}
REST = "activations, gates, pooling, sums, the rest"


def kind(operation: str) -> str:
    """Return the kind of an operation, by its name."""
    for title, parts in KINDS.items():
        if any(part in operation.lower() for part in parts):
            return title
    return REST


def measure(step: Callable[[], object], repeats: int) -> pd.DataFrame:
    """Return milliseconds per call, share and longest operations of each kind."""
    for _ in range(5):
        step()
    with profile(activities=[ProfilerActivity.CPU]) as found:
        for _ in range(repeats):
            step()
    spent: dict[str, Counter[str]] = {title: Counter() for title in (*KINDS, REST)}
    for event in found.key_averages():
        spent[kind(event.key)][event.key] += event.self_cpu_time_total / repeats / 1e3
    total = sum(counter.total() for counter in spent.values())
    lines = [
        {
            "kind": title,
            "ms": counter.total(),
            "share": counter.total() / total,
            "largest (ms)": ", ".join(f"{name} {ms:.2f}" for name, ms in counter.most_common(4)),
        }
        for title, counter in spent.items()
        if counter
    ]
    return pd.DataFrame(lines)


def main() -> None:
    """Profile both passes and write the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default=MODEL)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--repeats", type=int, default=30)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results"))
    options = parser.parse_args()
    machine.commit()
    torch.manual_seed(0)
    x, target = torch.randn(options.batch_size, 129, 200) * 10, torch.zeros(options.batch_size, 1)
    network = models.build(options.model, 129, 200)
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-4)

    def training() -> None:
        network.train()
        optimizer.zero_grad()
        nn.functional.mse_loss(network(x), target).backward()
        optimizer.step()

    def inference() -> None:
        network.eval()
        with torch.inference_mode():
            network(x)

    parts = [
        measure(step, options.repeats).assign(**{"pass": step.__name__}) for step in (training, inference)
    ]
    table = pd.concat(parts)[["pass", "kind", "ms", "share", "largest (ms)"]]
    path = tables.write(
        table,
        options.out,
        "training-profile",
        title=f"Where the time of {options.model} goes, 129 channels x 200 samples, float32",
        command=" ".join(["python", *sys.argv]),
        notes=(
            f"batch {options.batch_size}, {options.repeats} calls with PyTorch's profiler, which slows down "
            "small operations slightly",
            "milliseconds per call in an operation itself, without the operations that it calls",
        ),
    )
    print(path.read_text())


if __name__ == "__main__":
    main()
