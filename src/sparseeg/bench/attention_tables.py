"""Write and read the tables of the attention benchmarks."""

from pathlib import Path

import pandas as pd

from sparseeg.bench.attention import BenchmarkOptions
from sparseeg.bench.attention_summary import by_size, scaling
from sparseeg.bench.peers import PEERS
from sparseeg.errors import SparseEEGError
from sparseeg.report import tables

PACKAGES = ("torch", *(package for package, *_ in PEERS))


def write_attention(
    table: pd.DataFrame, complete: bool, options: BenchmarkOptions, folder: Path, command: str
) -> list[Path]:
    """Write the table of times and memory, and its summaries; an incomplete table is marked as partial."""
    partial = [] if complete else ["PARTIAL: the run was interrupted, or is not finished"]
    if "--resume" in command:
        partial.append("resumed: some sizes were measured by an earlier run, at its commit")
    memory = "no limit" if options.limits.memory is None else f"{options.limits.memory / 1e9:.1f} GB"
    notes = (
        *partial,
        "white noise, float32, the same weights in all layers; whole layers of width d",
        f"interleaved repeats, at most {options.repeats} or {options.budget:g} s per size, at least 3: "
        "medians, minimum and maximum; / floor: median of paired ratios",
        "forward: evaluation without gradients; forward+backward: training without dropout, gradients of "
        "weights and input; our layer draws a new partition in training, the literal formulation always",
        "peak memory: growth of the resident set of a new process at its peak, in one pass (10^6 bytes); "
        "without input and weights, with output and, in forward+backward, all gradients",
        f"limits: {options.limits.seconds:g} s per pass, {memory} per process; a layer that exceeds them is "
        "not measured at larger N",
        "slice n of N: products of all tokens + attention of the first n queries to all keys * N / n",
    )
    summary_notes = (
        *partial,
        "from attention.tsv; ratios of medians, above 1 if our layer is faster",
        "dense: the faster of 1 and 8 heads; package: the fastest package from PyPI",
    )
    scaling_notes = (
        *partial,
        "from attention.tsv; peak memory = constant + c tokens^exponent by least squares on logarithms, with "
        "tokens = batch x N, N from 4,096 to 1,048,576; the constant is a chunk and buffers of kernels",
    )
    paths = []
    for name, frame, subject, own_notes in (
        ("attention", table, "Attention layers", notes),
        ("attention-summary", by_size(table), "Our attention layer compared with others", summary_notes),
        ("attention-scaling", scaling(table), "Growth of our attention layer with N", scaling_notes),
    ):
        title = f"{subject}, d = {options.dim}, float32"
        paths.append(
            tables.write(
                frame, folder, name, title=title, command=command, packages=PACKAGES, notes=own_notes
            )
        )
    return paths


def read_attention(folder: Path) -> pd.DataFrame:
    """Read the table that `write_attention` wrote.

    Raises
    ------
    SparseEEGError : there is no table.
    """
    path = folder / "attention.tsv"
    if not path.exists():
        raise SparseEEGError(f"there is no {path} to continue; leave --resume out")
    return pd.read_csv(path, sep="\t").astype({"tokens per head": "Int64"})


def write_quality(table: pd.DataFrame, seeds: int, folder: Path, command: str) -> Path:
    """Write the table of errors relative to full attention."""
    return tables.write(
        table,
        folder,
        "attention-quality",
        title="Error of attention layers relative to full attention, float32",
        command=command,
        packages=PACKAGES,
        notes=(
            "relative error: RMS(difference) / RMS(full) of the result of the attention, before the output "
            f"projection; median, minimum and maximum of {seeds} seeds (signal, projections and partition)",
            "random: white noise; smooth: noise without frequencies above 1/16 cycle per token; both of unit "
            "variance",
            "score SD: SD of q k / sqrt(d) over all pairs of tokens, set by scaling the projections: 1 is "
            "flat attention, 3 peaked; layers with 8 heads are compared with full attention in 8 heads",
            "time / floor: one forward pass of the whole layer relative to its products alone (F.linear), in "
            "turn; for orientation only, see attention.md for times",
            "mean of the values: attention that ignores its scores",
        ),
    )
