"""How the tables of the attention benchmarks are written: what their headers say."""

from pathlib import Path

import pandas as pd

from sparseeg.bench.attention import Options
from sparseeg.bench.attention_summary import by_size, scaling
from sparseeg.bench.peers import PEERS
from sparseeg.errors import SparseEEGError
from sparseeg.report import tables

PACKAGES = ("torch", *(package for package, *_ in PEERS))


def write_attention(
    table: pd.DataFrame, complete: bool, options: Options, folder: Path, command: str
) -> list[Path]:
    """Write the table and what it says in short; a table that is not complete says so first."""
    partial = [] if complete else ["PARTIAL: the run was interrupted, or is still going on"]
    if "--resume" in command:
        partial.append("resumed: the sizes of an earlier run are as it measured them, at its commit")
    memory = "no limit" if options.limits.memory is None else f"{options.limits.memory / 1e9:.1f} GB"
    notes = (
        *partial,
        "white noise, float32, the same weights in every layer; whole layers, d wide in and out",
        f"interleaved repeats, {options.repeats} or as many as {options.budget:g} s a size allow, 3 or more: "
        "medians, lowest and highest; / floor: median of the ratios pair by pair",
        "forward: evaluation without gradients; forward+backward: training without dropout, gradients of "
        "weights and input; our layer draws its partition anew in training, the literal formulation always",
        "peak memory: growth of the resident set in a fresh process at its peak, in one pass (10^6 bytes); "
        "without input and weights, with output, in forward+backward with all gradients, the output's too",
        f"limits: {options.limits.seconds:g} s a pass, {memory} a process; a layer beyond them is not tried "
        "at larger N",
        "slice n of N: products of all tokens + attention of the first n queries to all keys * N / n",
    )
    summary_notes = (
        *partial,
        "from attention.tsv; ratios of medians, above 1 where our layer is faster",
        "dense: the faster of 1 and 8 heads; package: the fastest of those from PyPI",
    )
    scaling_notes = (
        *partial,
        "from attention.tsv; peak memory = constant + c tokens^exponent by least squares on logarithms, with "
        "tokens = batch x N, N from 4,096 to 1,048,576; the constant: a chunk, and what kernels set aside",
    )
    paths = []
    for name, frame, subject, said in (
        ("attention", table, "Attention layers", notes),
        ("attention-summary", by_size(table), "Our attention layer beside the others", summary_notes),
        ("attention-scaling", scaling(table), "Growth of our attention layer with N", scaling_notes),
    ):
        title = f"{subject}, d = {options.dim}, float32"
        paths.append(
            tables.write(frame, folder, name, title=title, command=command, packages=PACKAGES, notes=said)
        )
    return paths


def read_attention(folder: Path) -> pd.DataFrame:
    """Read the table that `write_attention` wrote; raises SparseEEGError where there is none."""
    path = folder / "attention.tsv"
    if not path.exists():
        raise SparseEEGError(f"there is no {path} to go on with; leave --resume out")
    return pd.read_csv(path, sep="\t").astype({"tokens per head": "Int64"})


def write_quality(table: pd.DataFrame, seeds: int, folder: Path, command: str) -> Path:
    """Write the table of errors against full attention."""
    return tables.write(
        table,
        folder,
        "attention-quality",
        title="Error of attention layers against full attention, float32",
        command=command,
        packages=PACKAGES,
        notes=(
            "relative error: RMS(difference) / RMS(full) of the result of the attention, before the output "
            f"projection; median, lowest and highest of {seeds} seeds (signal, projections and partition)",
            "random: white noise; smooth: noise without frequencies above 1/16 cycle per token; both of unit "
            "variance",
            "score SD: that of q k / sqrt(d) over all pairs of tokens, set by scaling the projections: 1 is "
            "flat attention, 3 peaked; layers of 8 heads are compared with full attention in 8 heads",
            "time / floor: one forward pass of the whole layer over its products alone (F.linear), in turn; "
            "a guide only: the times are in attention.md",
            "mean of the values: what ignoring the scores altogether gives",
        ),
    )
