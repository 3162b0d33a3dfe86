"""Check the Triton kernels on the GPU of this machine, and compare their time with other attention.

    python benchmarks/gpu.py [--out benchmarks/results] [--longest 1048576]

The parity tests run on the GPU first; if they fail, no table is written. Only attention itself is timed, with
d = 256 and without projections; the batch has 65,536 tokens, or one sample. `dense` is torch's attention with
one head over all N tokens, up to N = 65,536. Table: `benchmarks/results/gpu.{tsv,md}`.
"""

import argparse
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from sparseeg import machine
from sparseeg.attention import head_count, make_partition, partitioned_attention, triton_kernels
from sparseeg.report import tables

ROOT = Path(__file__).resolve().parents[1]
WIDTH = 256
LENGTHS = (50, 200, 1024, 4096, 16384, 65536, 262144, 1048576)
TOKENS_PER_HEAD = (2, 8, 16, 64, 128)
LONGEST_DENSE = 65536


def milliseconds(run: Callable[[], object], repeats: int = 20) -> float:
    """Return the median time of a call, measured on the device after three warm-up calls."""
    for _ in range(3):
        run()
    events = [[torch.cuda.Event(enable_timing=True) for _ in range(2)] for _ in range(repeats)]
    for start, end in events:
        start.record()
        run()
        end.record()
    torch.cuda.synchronize()
    return sorted(start.elapsed_time(end) for start, end in events)[repeats // 2]


def timings(attend: Callable[[], Tensor], qkv: Tensor) -> tuple[float, float, float]:
    """Return milliseconds of forward, of forward + backward, and the peak memory of the latter in MiB."""

    def both() -> None:
        output = attend()
        torch.autograd.grad(output, qkv, torch.ones_like(output))

    with torch.no_grad():
        forward = milliseconds(attend)
    torch.cuda.reset_peak_memory_stats()
    return forward, milliseconds(both), torch.cuda.max_memory_allocated() / 2**20


def rows(length: int, dtype: torch.dtype) -> list[dict[str, object]]:
    """Time all implementations at one length; one that runs out of memory keeps an empty row."""
    batch = max(1, 65536 // length)
    qkv = torch.randn(batch, length, 3 * WIDTH, device="cuda", dtype=dtype, requires_grad=True)
    paths: list[tuple[str, int, Callable[[], Tensor]]] = []
    for size in (size for size in TOKENS_PER_HEAD if size <= length):
        heads = head_count(length, tokens_per_head=size)
        partition = make_partition(length, heads, device=qkv.device)
        arguments = (partition.order, heads, None, False, 0.0)
        paths.append(("triton", size, lambda given=arguments: triton_kernels.attend_packed(qkv, *given)))
        paths.append(("plain", size, lambda given=partition: partitioned_attention(*qkv.chunk(3, -1), given)))
    if length <= LONGEST_DENSE:
        paths.append(
            ("dense", length, lambda: F.scaled_dot_product_attention(*qkv[:, None].chunk(3, -1)).squeeze(1))
        )
    found = []
    for path, size, attend in paths:
        try:
            forward, both, memory = timings(attend, qkv)
        except torch.OutOfMemoryError:
            forward, both, memory = (float("nan"),) * 3
        row = {"N": length, "batch": batch, "dtype": str(dtype).removeprefix("torch."), "path": path}
        row |= {"tokens per head": size, "forward, ms": forward, "forward + backward, ms": both}
        found.append(row | {"peak memory, MiB": memory})
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description="Check and time the Triton kernels on a GPU.")
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results")
    parser.add_argument("--longest", type=int, default=LENGTHS[-1])
    options = parser.parse_args()
    if not (torch.cuda.is_available() and triton_kernels.is_available()):
        print("benchmarks/gpu.py needs a CUDA device and triton", file=sys.stderr)
        return 2
    machine.commit()
    tests = [str(ROOT / "tests" / "attention" / f"test_triton_{part}.py") for part in ("kernels", "launch")]
    # These tests don't use the shared fixtures, whose dependencies may be missing on a GPU machine.
    checks = [sys.executable, "-m", "pytest", "-q", "--noconftest", *tests]
    if subprocess.run(checks, cwd=ROOT, check=False).returncode:
        print("the parity tests failed: no table", file=sys.stderr)
        return 1
    found = []
    for dtype in (torch.float32, torch.bfloat16):
        for length in (length for length in LENGTHS if length <= options.longest):
            timed = rows(length, dtype)
            print(pd.DataFrame(timed).to_string(index=False), flush=True)
            found += timed
    path = tables.write(
        pd.DataFrame(found),
        options.out,
        "gpu",
        title="Partitioned attention on a GPU: Triton kernels, plain path, dense attention",
        command="python benchmarks/gpu.py",
        packages=("torch", "triton"),
        notes=("attention without projections, d = 256; median of 20 calls; the parity tests passed",),
    )
    print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
