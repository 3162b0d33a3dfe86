"""How the Triton kernels are launched: tiles, compilation for a GPU that need not be there, errors."""

import importlib.util
import math
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

import pytest
import torch

from sparseeg.attention import triton_kernels

FLOAT, BFLOAT = torch.float32, torch.bfloat16


class Hopper:
    """What Triton asks of a driver before it compiles, for a GPU of compute capability 9.0."""

    def get_current_target(self) -> Any:
        from triton.backends.compiler import GPUTarget

        return GPUTarget("cuda", 90, 32)

    def get_current_device(self) -> int:
        return 0

    def get_current_stream(self, device: int) -> int:
        return device


class Compiled:
    """A kernel that is compiled for its arguments instead of launched."""

    def __init__(self, kernel: Any) -> None:
        self.kernel = kernel
        self.machine_code: list[bytes] = []

    def __getitem__(self, grid: tuple[int]) -> Callable[..., None]:
        def launch(*arguments: Any, **options: int) -> None:
            compiled = self.kernel.warmup(*arguments, grid=grid, **options)
            assert compiled.metadata.shared <= 227 * 1024
            self.machine_code.append(compiled.asm["cubin"])

        return launch


def check_compilation() -> None:
    from triton.runtime import driver

    from sparseeg.attention import triton_tiles

    driver.set_active(Hopper())
    kernels = [Compiled(kernel) for kernel in (triton_tiles.attend_tile, triton_tiles.differentiate_tile)]
    triton_tiles.attend_tile, triton_tiles.differentiate_tile = kernels
    order, mask = torch.arange(51), torch.zeros(2, 51, dtype=torch.bool)
    for dtype, heads, hidden in ((FLOAT, 25, None), (BFLOAT, 25, mask), (BFLOAT, 1, None)):
        qkv = torch.zeros(2, 51, 3 * 64, dtype=dtype, requires_grad=True)
        dropout = 0.0 if hidden is None else 0.1
        output = triton_kernels.attend_packed(qkv, order, heads, hidden, hidden is not None, dropout)
        output.sum().backward()
    assert [len(kernel.machine_code) for kernel in kernels] == [3, 3]


@pytest.mark.skipif(importlib.util.find_spec("triton") is None, reason="triton is not installed")
@pytest.mark.skipif(torch.cuda.is_available(), reason="with a CUDA device the kernels are run instead")
def test_the_kernels_compile_to_machine_code_without_a_gpu() -> None:
    with ProcessPoolExecutor(1, get_context("spawn")) as worker:
        worker.submit(check_compilation).result()


@pytest.mark.parametrize(
    ("length", "heads", "dtype", "dropout", "message"),
    [
        (258, 2, FLOAT, 0.0, "at most 128 tokens per head are supported, got 129"),
        (10, 2, torch.float64, 0.0, r"one dtype of .*float64"),
        (10, 11, FLOAT, 0.0, r"1\.\.10 heads, got \(10,\) and 11"),
        (10, 2, FLOAT, 1.0, r"dropout must lie in \[0, 1\), got 1.0"),
    ],
)
def test_errors_carry_the_values(
    length: int, heads: int, dtype: torch.dtype, dropout: float, message: str
) -> None:
    qkv = torch.zeros(1, length, 12, dtype=dtype)
    with pytest.raises(ValueError, match=message):
        triton_kernels.attend_packed(qkv, torch.arange(length), heads, None, False, dropout)
    with pytest.raises(ValueError, match=message):
        triton_kernels.attend(*qkv.chunk(3, -1), torch.arange(length), heads, None, False, dropout)


def test_errors_carry_the_shapes() -> None:
    with pytest.raises(ValueError, match=r"\(batch, N, 3 d\), got \(1, 10, 13\)"):
        triton_kernels.attend_packed(torch.zeros(1, 10, 13), torch.arange(10), 2, None, False, 0.0)
    query, key = torch.zeros(1, 10, 4), torch.zeros(1, 9, 4)
    with pytest.raises(ValueError, match=r"share one shape.*\(1, 10, 4\), \(1, 9, 4\)"):
        triton_kernels.attend(query, key, query, torch.arange(10), 2, None, False, 0.0)


@pytest.mark.parametrize(
    ("heads", "length"), [(1, 1), (25, 50), (25, 51), (6, 51), (10, 170), (3, 384), (7, 200)]
)
def test_tiles_hold_whole_heads_and_cover_all_of_them(heads: int, length: int) -> None:
    tile = triton_kernels.choose_tile(length, heads, 256, FLOAT)
    widest = math.ceil(length / heads)
    packed = tile.options["block"] // widest
    assert packed >= 1
    assert (tile.programs - 1) * packed < heads <= tile.programs * packed


def test_importing_the_attention_package_leaves_triton_alone() -> None:
    code = "import sys, sparseeg.attention.triton_kernels; sys.exit('triton' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
