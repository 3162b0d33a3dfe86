"""Time and memory of `sparse-eeg-transformer` on seconds to minutes of EEG, compared with dense attention.

    python benchmarks/transformer.py

Dense: the same network, but all tokens attend to all tokens in each block, with torch's fused attention and
four heads. The batch is one recording of 129 channels at 100 Hz. Table:
`benchmarks/results/transformer.{md,tsv}`.
"""

import argparse
import multiprocessing
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import nn

from sparseeg import machine, models
from sparseeg.attention.linear import Linear
from sparseeg.bench.contenders import ProjectedAttention, dense_attention, random_weights
from sparseeg.bench.probe import BACKWARD, FORWARD, make_pass, peak_memory
from sparseeg.report import tables

CHANNELS, SFREQ = 129, 100.0
SAMPLES = 8  # samples per token
PASSES = {FORWARD: "forward", BACKWARD: "training"}


def network(seconds: float, dense: bool) -> nn.Module:
    """Build the transformer for a recording, with its own or with dense attention."""
    torch.manual_seed(0)
    built = models.build("sparse-eeg-transformer", CHANNELS, round(seconds * SFREQ), sfreq=SFREQ)
    if dense:
        built.axes = ["everything"] * len(built.blocks)
        for block in built.blocks:
            block.attention = ProjectedAttention(
                random_weights(built.width), partial(dense_attention, heads=4), Linear
            )
    return built


def measure(seconds: float, dense: bool, name: str, repeats: int, threads: int) -> tuple[float, int]:
    """Return the median seconds of a pass and its peak memory in bytes; must run in a new process."""
    torch.set_num_threads(threads)
    few = torch.randn(1, CHANNELS, round(SFREQ))
    make_pass(network(1.0, dense), few, name)()  # loads libraries
    x = torch.randn(1, CHANNELS, round(seconds * SFREQ))
    one_pass = make_pass(network(seconds, dense), x, name)
    first, peak = peak_memory(one_pass)
    again = repeats if first < 20 else 0
    return float(np.median([one_pass() for _ in range(again)] or [first])), peak


def measure_in_new_process(seconds: float, dense: bool, name: str, repeats: int) -> tuple[float, float]:
    """Return the seconds of a pass and its memory in MB."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        found, peak = pool.apply(measure, (seconds, dense, name, repeats, torch.get_num_threads()))
    return found, peak / 1e6


def main() -> None:
    """Measure all sizes in separate processes, and write the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, nargs="+", default=[2, 8, 32, 64, 256])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--budget", type=float, default=300, help="seconds that a dense pass may take")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results"))
    options = parser.parse_args()
    machine.commit()
    lines = []
    known: dict[tuple[bool, str], tuple[float, float]] = {}
    for seconds in options.seconds:
        lines.append({"seconds": seconds, "tokens": CHANNELS * -(-round(seconds * SFREQ) // SAMPLES)})
        for name, label in PASSES.items():
            took = []
            for dense, attention in ((False, "sparse"), (True, "dense")):
                length, before = known.get((dense, name), (seconds, 0.0))
                expected = before * (seconds / length) ** 2
                if dense and expected > options.budget:
                    found, peak = expected, float("nan")
                else:
                    found, peak = measure_in_new_process(seconds, dense, name, options.repeats)
                    known[dense, name] = seconds, found
                about = "about " if np.isnan(peak) else ""
                lines[-1] |= {
                    f"{attention} {label} (s)": f"{about}{found:.3g}",
                    f"{attention} {label} (MB)": peak,
                }
                took.append(found)
            lines[-1][f"{label}: dense / sparse"] = took[1] / took[0]
        print(lines[-1], flush=True)
    path = tables.write(
        pd.DataFrame(lines),
        options.out,
        "transformer",
        title="The transformer on seconds and minutes, compared with dense attention on the same tokens",
        command=" ".join(["python", *sys.argv]),
        notes=(
            "one recording of 129 channels at 100 Hz, one token per 80 ms and channel, four blocks",
            "dense: torch's fused attention (`scaled_dot_product_attention`), four heads, in all blocks",
            f"forward: evaluation; training: forward and backward; medians of {options.repeats} passes after "
            "a first pass, or the first pass if it takes more than 20 s",
            "MB: growth of the process in the first pass",
            f"about: extrapolated quadratically from the longest measured pass; over {options.budget:g} s",
        ),
    )
    print(path.read_text())


if __name__ == "__main__":
    main()
