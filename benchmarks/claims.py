"""Measure the figures of the specification that need no training; there is a table for each.

    python benchmarks/claims.py [--only operations coverage sizes heads memory]

Tables go to `benchmarks/results/claims-NAME.{md,tsv}`. Memory is measured in separate processes.
"""

import argparse
import json
import math
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import nn

from sparseeg import machine, models
from sparseeg.attention import SparseMultiHeadAttention, head_count
from sparseeg.attention.partition import PartitionKind
from sparseeg.bench import claims
from sparseeg.models import NetworkSpec
from sparseeg.report import tables

SHAPE = (129, 200)
LAYERS, DEALS = 6, 30
STATED = {  # parameters and megabytes in the specification
    "response-time-cnn": ("798 K", 3.0),
    "light-sparse-attention-cnn": ("846,289", 3.2),
    "sparse-attention-cnn": ("6,163,375", 23.5),
}
Table = tuple[pd.DataFrame, str, tuple[str, ...]]


def operations() -> Table:
    """Count the multiply-adds of an attention layer, by formula and by torch's counter."""
    lines = []
    for tokens, width in ((50, 512), (50, 256), (200, 256), (1024, 256), (1024, 512)):
        x = torch.zeros(1, tokens, width)
        dense = claims.multiply_adds(tokens, width, 1)
        for name, limit in (("dense", tokens), ("two tokens per head", 2), ("eight tokens per head", 8)):
            layer = SparseMultiHeadAttention(width, tokens_per_head=limit).eval()
            formula = claims.multiply_adds(tokens, width, head_count(tokens, tokens_per_head=limit))
            counted = claims.counted_multiply_adds(partial(layer, x))
            projections = claims.counted_multiply_adds(partial(project, layer, x))
            lines.append(
                {
                    "N": tokens,
                    "d": width,
                    "attention": name,
                    "scores": f"{formula.scores:,}",
                    "scores + values": f"{formula.core:,}",
                    "counted": f"{counted - projections:,}",
                    "dense / this": f"{dense.core / formula.core:.1f}",
                    "projections": f"{formula.projections:,}",
                    "layer": f"{formula.layer:,}",
                    "layer, counted": f"{counted:,}",
                    "dense layer / this layer": f"{dense.layer / formula.layer:.3f}",
                }
            )
    notes = (
        "multiply-adds for one sample; softmax, biases and permutations are not counted",
        "scores + values and layer by formula; counted: torch.utils.flop_counter on the modules, halved",
        "the specification's 1,024 is N d / heads at N = 50, d = 512; no step of the layer needs so few",
    )
    return pd.DataFrame(lines), "Operations of one attention layer", notes


def project(layer: SparseMultiHeadAttention, x: torch.Tensor) -> torch.Tensor:
    """Run only the projections of a layer."""
    return layer.out(layer.qkv(x)[..., : x.shape[-1]])


def coverage() -> Table:
    """Measure the share of inputs on which an output depends, by depth."""
    lines = []
    for tokens in (50, 200, 1024):
        roots = {math.isqrt(tokens), math.isqrt(tokens - 1) + 1}
        for limit in sorted({2, 7, 8, 10, 25} | roots):
            for kind in ("random", "strided"):
                heads = head_count(tokens, tokens_per_head=limit)
                found = claims.dependence(tokens, heads, kind, LAYERS).double().mean((1, 2))
                whole = np.flatnonzero(found.numpy() == 1.0)
                shares = {f"L = {depth + 1}": f"{share:.1%}" for depth, share in enumerate(found.tolist())}
                lines.append(
                    {"N": tokens, "g": limit, "heads": heads, "partition": kind, **shares}
                    | two_random_layers(tokens, heads, kind)
                    | {"layers to reach all": int(whole[0]) + 1 if len(whole) else f"> {LAYERS}"}
                )
    notes = (
        "share of the N inputs on which an output depends, mean over outputs, after L residual layers in "
        "evaluation (layer_index 0 to L - 1), by products of boolean matrices",
        cross_check(),
        "heads have at most g tokens; the formula is for two random layers, with g = N / heads",
        f"mean of deals: mean over {DEALS} other pairs of random partitions",
    )
    return pd.DataFrame(lines), "Coverage of stacked sparse attention layers", notes


def two_random_layers(tokens: int, heads: int, kind: PartitionKind) -> dict[str, str]:
    """Return the reach of two random layers: mean over many partitions, and by formula."""
    titles = ("L = 2, mean of deals", "1 - exp(-g^2/N)")
    if kind != "random":
        return dict.fromkeys(titles, "-")
    deals = (claims.dependence(tokens, heads, kind, 2, first=2 * deal)[1] for deal in range(1, DEALS + 1))
    mean = np.mean([deal.double().mean().item() for deal in deals])
    return dict(
        zip(titles, (f"{mean:.1%}", f"{claims.expected_coverage(tokens, tokens / heads):.1%}"), strict=True)
    )


def cross_check() -> str:
    """Compare the matrix products with gradients through the layers, for each output."""
    checked = []
    for tokens, limit, kind in ((50, 2, "random"), (50, 8, "strided"), (200, 10, "random")):
        torch.manual_seed(0)
        layers = [
            SparseMultiHeadAttention(8, tokens_per_head=limit, partition=kind, layer_index=index)
            .double()
            .eval()
            for index in range(3)
        ]
        found = claims.dependence(tokens, head_count(tokens, tokens_per_head=limit), kind, 3)
        for depth in (1, 2, 3):
            by_gradient = claims.dependence_by_gradient(layers[:depth], tokens, 8)
            if not torch.equal(found[depth - 1], by_gradient):
                raise AssertionError(f"products and gradients differ at N = {tokens}, {kind}, L = {depth}")
        checked.append(f"N = {tokens}, g = {limit}, {kind}")
    return f"equal to the reach of gradients for each output, for L = 1, 2, 3 at {'; '.join(checked)}"


def sizes() -> Table:
    """Count parameters and bytes of the three networks."""
    baseline = count(models.build("response-time-cnn", *SHAPE))
    lines = []
    for name, (parameters, megabytes) in STATED.items():
        spec = NetworkSpec(name, *SHAPE)
        network = spec.build()
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model.safetensors"
            models.save(network, spec, path)
            n_bytes = path.stat().st_size
        lines.append(
            {
                "network": name,
                "parameters, stated": parameters,
                "parameters": f"{count(network):,}",
                "against the baseline": f"{count(network) / baseline - 1:+.2%}",
                "MB, stated": megabytes,
                "file, bytes": f"{n_bytes:,}",
                "file, MB": f"{n_bytes / 1e6:.2f}",
                "file, MiB": f"{n_bytes / 2**20:.2f}",
                "parameters alone, MiB": f"{4 * count(network) / 2**20:.2f}",
            }
        )
    notes = ("129 channels x 200 samples; float32; MB = 10^6 bytes, MiB = 2^20 bytes",)
    return pd.DataFrame(lines), "Parameters and files of the three networks", notes


def count(module: nn.Module) -> int:
    """Return the number of parameters."""
    return sum(parameter.numel() for parameter in module.parameters())


def heads() -> Table:
    """Show that a head has no parameters of its own."""
    width, tokens = 256, 50
    layer = SparseMultiHeadAttention(width).double().eval()
    x = torch.randn(4, tokens, width, generator=torch.Generator().manual_seed(0)).double()
    num_heads = layer.partitions(tokens)[0].num_heads
    worst = max(claims.exchange_error(layer, x, 0, other) for other in range(1, num_heads))
    counts = [count(SparseMultiHeadAttention(width, scale)) for scale in (0.02, 0.1, 0.5, 1.0)]
    layer.train()
    torch.manual_seed(0)
    first = torch.stack([layer.partitions(tokens)[0].table[0] for _ in range(20_001)])
    stay = (first[1:, :, None] == first[:-1, None, :]).any(-1).double().mean().item()
    usual = nn.MultiheadAttention(width, 8)
    own = sum(part.shape[0] // 8 * width for part in (usual.in_proj_weight, usual.out_proj.weight))
    lines = {
        "parameters of the layer with 1, 5, 25 and 50 heads": " / ".join(f"{size:,}" for size in counts),
        "of which one more head adds": f"{(counts[-1] - counts[0]) / 49:.0f}",
        "weights that belong to one of 8 heads of torch.nn.MultiheadAttention": f"{own:,}",
        "largest relative change when head 0 and another head exchange their tokens, beyond the exchange of "
        f"their outputs (all {num_heads - 1} others, float64)": f"{worst:.1e}",
        "share of head 0's tokens that are in head 0 at the next training step": f"{stay:.1%}",
        "the same by chance: g / N": f"{2 / tokens:.1%}",
    }
    notes = (f"d = {width}, N = {tokens}, scale_factor 0.5: 25 heads of two tokens",)
    table = pd.DataFrame({"quantity": lines.keys(), "value": lines.values()})
    return table, "Parameters of a head", notes


def memory() -> Table:
    """Measure the memory of training at batch size 32, with a separate process for each network."""
    lines = []
    for name in STATED:
        command = [sys.executable, __file__, "--measure", name]
        output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        lines.append({"network": name, **json.loads(output)})
    notes = (
        f"float32, batch 32, {SHAPE[0]} x {SHAPE[1]}, AdamW, 5 steps, CPU; peak resident set from /proc",
        "growth: relative to the process after all imports, with the batch in memory",
        "counted: weights, gradients, two moments of AdamW, and the tensors kept for the backward pass; "
        "without workspaces of kernels and CUDA context",
    )
    return pd.DataFrame(lines), "Memory of training, batch 32", notes


def measure(name: str) -> dict[str, str]:
    """Train a few steps in this process, and return their memory in MiB."""
    torch.manual_seed(0)
    x, target = torch.randn(32, *SHAPE), torch.zeros(32, 1)
    Path("/proc/self/clear_refs").write_text("5")  # resets the peak
    before = status("VmRSS")
    network = models.build(name, *SHAPE)
    optimizer = torch.optim.AdamW(network.parameters())
    for _ in range(5):
        optimizer.zero_grad()
        nn.functional.mse_loss(network(x), target).backward()
        optimizer.step()
    after = status("VmHWM")
    saved = claims.saved_bytes(network, x)
    return {
        "whole process, MiB": f"{after:.0f}",
        "growth, MiB": f"{after - before:.0f}",
        "counted, MiB": f"{(16 * count(network) + saved) / 2**20:.0f}",
        "of it for the backward pass, MiB": f"{saved / 2**20:.0f}",
    }


def status(name: str) -> float:
    """Return a field of /proc/self/status in MiB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:")) / 1024


def main() -> None:
    """Measure the selected figures, and write the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    measures = {part.__name__: part for part in (operations, coverage, sizes, heads, memory)}
    parser.add_argument("--only", nargs="+", choices=measures, default=list(measures))
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results"))
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(measure(options.measure)))
        return
    machine.commit()
    for name in options.only:
        table, title, notes = measures[name]()
        command = " ".join(["python", *sys.argv])
        path = tables.write(table, options.out, f"claims-{name}", title=title, command=command, notes=notes)
        print(path.read_text())


if __name__ == "__main__":
    main()
