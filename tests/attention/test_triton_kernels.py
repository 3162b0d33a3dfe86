"""The Triton kernels against the float64 reference, on a CUDA device or in Triton's interpreter.

Triton decides at its import whether it interprets, for a whole process; torch.compile imports it too. So
without a CUDA device every check runs in one other process, and this one stays as it is.
"""

import importlib.util
import math
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

import pytest
import torch
from torch import Tensor

from sparseeg.attention import (
    Partition,
    make_partition,
    partitioned_attention,
    reference_attention,
    triton_kernels,
)

FLOAT, BFLOAT, HALF = torch.float32, torch.bfloat16, torch.float16

# The interpreter is slow. Whatever depends on the type is in the path with mask and correction, too.
KINDS = [
    (dtype, both)
    for dtype in (FLOAT, BFLOAT, HALF)
    for both in (False, True)
    if both or dtype == FLOAT or torch.cuda.is_available()
]

needs_triton = pytest.mark.skipif(
    importlib.util.find_spec("triton") is None, reason="triton is not installed"
)


def interpret() -> None:
    os.environ["TRITON_INTERPRET"] = "1"
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def run() -> Iterator[Callable[..., None]]:
    """Call a check with a device and its arguments, where the kernels can run."""
    if torch.cuda.is_available():
        yield lambda check, *arguments: check("cuda", *arguments)
        return
    with ProcessPoolExecutor(1, get_context("spawn"), initializer=interpret) as worker:
        yield lambda check, *arguments: worker.submit(check, "cpu", *arguments).result()


def draw(device: str, dtype: torch.dtype, *shape: int, seed: int = 0) -> list[Tensor]:
    """Return query, key, value and a gradient of the output: the same numbers on every device."""
    drawn = torch.randn(4, *shape, generator=torch.Generator().manual_seed(seed))
    return [tensor.to(device, dtype).requires_grad_() for tensor in drawn]


def mask_of(device: str, batch: int, length: int) -> Tensor:
    """Ignore about a third of the tokens; of the last sample, all."""
    mask = torch.rand(batch, length, generator=torch.Generator().manual_seed(1)) < 0.35
    mask[-1] = True
    return mask.to(device)


def output_and_gradients(output: Tensor, inputs: list[Tensor], weight: Tensor) -> list[Tensor]:
    return [output.detach(), *torch.autograd.grad(output, inputs, weight.to(output.dtype))]


def partition_of(device: str, length: int, heads: int) -> Partition:
    return make_partition(length, heads, device=torch.device(device))


def check_reference(
    device: str, dtype: torch.dtype, shape: tuple[int, int, int], heads: int, masked: bool, correction: bool
) -> None:
    """The error is at most twice that of the plain path in one dtype, plus two units in the last place."""
    *inputs, weight = draw(device, dtype, *shape)
    partition = partition_of(device, shape[1], heads)
    mask = mask_of(device, *shape[:2]) if masked else None
    options: dict[str, Any] = {"key_padding_mask": mask, "correction": correction}
    found = triton_kernels.attend(*inputs, partition.order, heads, mask, correction, 0.0)
    plain = partitioned_attention(*inputs, partition, **options)
    exact = [tensor.detach().double().requires_grad_() for tensor in inputs]
    truth = output_and_gradients(reference_attention(*exact, [partition], **options), exact, weight)
    # The interpreter cuts bfloat16 off where it should round: every rounding error may double.
    factor = 4 if dtype == BFLOAT and device == "cpu" else 2
    results = (output_and_gradients(output, inputs, weight) for output in (found, plain))
    for name, ours, theirs, wanted in zip(("output", "query", "key", "value"), *results, truth, strict=True):
        error, allowed = (ours - wanted).abs().max(), (theirs - wanted).abs().max()
        floor = 2 * torch.finfo(dtype).eps * wanted.abs().max()
        assert ours.dtype == dtype
        assert ours.isfinite().all()
        assert error <= factor * allowed + floor, f"{name}: {error:.2e}, plain {allowed:.2e}"
        if mask is not None:
            assert not ours[mask].any()


@needs_triton
@pytest.mark.parametrize(("dtype", "masked_and_corrected"), KINDS)
@pytest.mark.parametrize(
    ("length", "heads", "width"),
    [
        (1, 1, 3),
        (2, 1, 16),
        (3, 1, 200),
        (3, 3, 16),
        (50, 25, 64),
        (51, 25, 3),
        (51, 4, 200),
        (97, 30, 16),
        (97, 13, 64),
        (50, 1, 256),
        (97, 2, 16),
        (128, 1, 64),
        (5, 2, 1024),
    ],
)
def test_output_and_gradients_match_the_reference(
    run: Callable[..., None],
    dtype: torch.dtype,
    length: int,
    heads: int,
    width: int,
    masked_and_corrected: bool,
) -> None:
    both = masked_and_corrected
    run(check_reference, dtype, (2, length, width), heads, both, both)


@needs_triton
@pytest.mark.parametrize(("masked", "correction"), [(True, False), (False, True)])
def test_mask_and_correction_alone_match_the_reference(
    run: Callable[..., None], masked: bool, correction: bool
) -> None:
    run(check_reference, FLOAT, (3, 51, 16), 6, masked, correction)


def check_first_program(device: str) -> None:
    """Five heads of three tokens fit a tile of 16 rows: its program writes those 15 and no other."""
    *inputs, weight = draw(device, FLOAT, 1, 51, 16)
    order = partition_of(device, 51, 17).order
    tile = triton_kernels.choose_tile(51, 17, 16, FLOAT)
    torch.use_deterministic_algorithms(True)  # new memory is filled with NaN
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(triton_kernels, "choose_tile", lambda *shape: tile._replace(programs=1))
        output = triton_kernels.attend(*inputs, order, 17, None, False, 0.0)
        written = output_and_gradients(output, inputs, weight)
    torch.use_deterministic_algorithms(False)
    for tensor in written:
        rows = tensor[0].isfinite().all(-1).nonzero().flatten()
        assert torch.equal(rows, order[:15].sort().values)
        assert tensor[0].isnan().all(-1).sum() == 36


@needs_triton
def test_a_program_writes_its_own_heads_only(run: Callable[..., None]) -> None:
    run(check_first_program)


def check_packed(device: str, dtype: torch.dtype, heads: int, dropout: float) -> None:
    *inputs, weight = draw(device, dtype, 2, 51, 24)
    order, mask = partition_of(device, 51, heads).order, mask_of(device, 2, 51)
    packed = torch.cat(inputs, -1).detach().requires_grad_()
    views = packed.chunk(3, -1)
    results = []
    for attend in (
        lambda: triton_kernels.attend(*inputs, order, heads, mask, True, dropout),
        lambda: triton_kernels.attend(*views, order, heads, mask, True, dropout),
        lambda: triton_kernels.attend_packed(packed, order, heads, mask, True, dropout),
    ):
        torch.manual_seed(5)
        results.append(attend())
    separate = output_and_gradients(results[0], inputs, weight)
    for result in results[1:]:
        output, gradient = output_and_gradients(result, [packed], weight)
        assert torch.equal(output, separate[0])
        assert torch.equal(gradient, torch.cat(separate[1:], -1))


@needs_triton
@pytest.mark.parametrize("dtype", [FLOAT, BFLOAT])
@pytest.mark.parametrize(("heads", "dropout"), [(25, 0.0), (4, 0.3)])
def test_packed_tokens_and_views_of_them_equal_separate_ones_bit_for_bit(
    run: Callable[..., None], dtype: torch.dtype, heads: int, dropout: float
) -> None:
    run(check_packed, dtype, heads, dropout)


def check_strides(device: str) -> None:
    """Inputs and gradients in other layouts: time before batch, one sample for all, no dense last axis."""
    *inputs, weight = draw(device, FLOAT, 3, 20, 8)
    query, key, value = (tensor.detach() for tensor in inputs)
    order = partition_of(device, 20, 6).order
    layouts = (
        query.transpose(0, 1).contiguous().transpose(0, 1),
        key[:1].expand(3, -1, -1),
        value.transpose(1, 2).contiguous().transpose(1, 2),
    )
    strided = [tensor.detach().requires_grad_() for tensor in layouts]
    dense = [tensor.detach().contiguous().requires_grad_() for tensor in layouts]
    spread = weight.detach()[..., :1].expand(-1, -1, 8)
    results = [
        output_and_gradients(triton_kernels.attend(*tokens, order, 6, None, False, 0.0), tokens, spread)
        for tokens in (strided, dense)
    ]
    for found, wanted in zip(*results, strict=True):
        assert torch.equal(found, wanted)


@needs_triton
def test_any_layout_gives_the_same_result(run: Callable[..., None]) -> None:
    run(check_strides)


def check_garbage(device: str, heads: int) -> None:
    mask = mask_of(device, 2, 51)
    order = partition_of(device, 51, heads).order
    garbage = torch.tensor([math.nan, math.inf, -math.inf, 1e30], device=device).repeat(5)
    results = []
    for content in (torch.zeros_like(garbage), garbage):
        drawn = draw(device, FLOAT, 2, 51, 20)
        *inputs, weight = (torch.where(mask[..., None], content, tensor).detach() for tensor in drawn)
        inputs = [tensor.requires_grad_() for tensor in inputs]
        torch.manual_seed(0)
        output = triton_kernels.attend(*inputs, order, heads, mask, True, 0.2)
        results.append(output_and_gradients(output, inputs, weight))
    for clean, dirty in zip(*results, strict=True):
        assert torch.equal(clean, dirty)
        assert not dirty[mask].any()
        assert dirty[~mask].any()


@needs_triton
@pytest.mark.parametrize("heads", [25, 5])
def test_masked_content_and_its_gradient_reach_nothing(run: Callable[..., None], heads: int) -> None:
    run(check_garbage, heads)


def check_dropout(device: str) -> None:
    """Values that are the unit vectors of the places in a head make the output the weights themselves."""
    batch, heads, size, dropout = 10, 3, 16, 0.3
    query, key, *_ = draw(device, FLOAT, batch, heads * size, size)
    order = torch.arange(heads * size, device=device)
    value = torch.eye(size, device=device).repeat(batch, heads, 1)
    weights = triton_kernels.attend(query, key, value, order, heads, None, False, 0.0)
    torch.manual_seed(3)
    first, second = (
        triton_kernels.attend(query, key, value, order, heads, None, False, dropout) for _ in range(2)
    )
    torch.manual_seed(3)
    assert torch.equal(triton_kernels.attend(query, key, value, order, heads, None, False, dropout), first)
    kept = first > 0
    torch.testing.assert_close(first[kept], weights[kept] / (1 - dropout))
    assert (kept != (second > 0)).any()
    # Four standard errors of the share kept: 0.021 of all 7,680 draws, 0.145 of the 160 of one query.
    assert (kept.float().mean() - (1 - dropout)).abs() < 0.021
    for axes in ((0, 1), (1, 2), (0, 2)):
        assert (kept.float().mean(axes) - (1 - dropout)).abs().max() < 0.145


@needs_triton
def test_dropout_keeps_the_expectation_and_follows_the_seed(run: Callable[..., None]) -> None:
    run(check_dropout)


def check_dropout_gradient(device: str, heads: int) -> None:
    """Under one mask the output is linear in value, and its slope in query and key is the gradient."""
    *inputs, weight = draw(device, FLOAT, 2, 51, 12)
    moved = draw(device, FLOAT, 2, 51, 12, seed=1)[:3]
    order = partition_of(device, 51, heads).order

    def loss(tokens: list[Tensor]) -> Tensor:
        torch.manual_seed(7)
        output = triton_kernels.attend(*tokens, order, heads, None, True, 0.4)
        return (output.double() * weight.double()).sum()

    gradients = torch.autograd.grad(loss(inputs), inputs)
    steps = (1e-2, 1e-2, 1.0)
    with torch.no_grad():
        for place, step in enumerate(steps):
            ahead, behind = list(inputs), list(inputs)
            ahead[place] = inputs[place] + step * moved[place]
            behind[place] = inputs[place] - step * moved[place]
            slope = (loss(ahead) - loss(behind)) / (2 * step)
            promised = (gradients[place].double() * moved[place].double()).sum()
            torch.testing.assert_close(promised, slope, rtol=2e-3, atol=2e-3)


@needs_triton
@pytest.mark.parametrize("heads", [25, 3])
def test_the_backward_pass_drops_what_the_forward_pass_dropped(run: Callable[..., None], heads: int) -> None:
    run(check_dropout_gradient, heads)


def check_second_derivative(device: str) -> None:
    *inputs, _ = draw(device, FLOAT, 1, 4, 3)
    output = triton_kernels.attend(*inputs, torch.arange(4, device=device), 2, None, False, 0.0)
    (gradient,) = torch.autograd.grad(output.square().sum(), inputs[0], create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        gradient.sum().backward()


@needs_triton
def test_a_second_derivative_is_refused(run: Callable[..., None]) -> None:
    run(check_second_derivative)
