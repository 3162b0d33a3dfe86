"""Dropout at the price of its random bits: on CPUs, PyTorch's own costs more than the products around it."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from .backend import fast_path_fits

_ELEMENTS = 2**17
_STEPS = 2**16  # probabilities are multiples of 1 / 65,536; the factor fits the one that is drawn


class Dropout(nn.Dropout):
    """`torch.nn.Dropout`; on CPUs its mask takes sixteen random bits an element from torch's generator."""

    def forward(self, x: Tensor) -> Tensor:
        """Zero elements of x (any shape) with probability p in training, and scale the others."""
        if not (self.training and fast_path_fits(x.device, "cpu") and 0 < self.p < 1):
            return super().forward(x)
        return _Dropout.apply(x, self.p)


class ReLUDropout(nn.Module):
    """ReLU and dropout as one: where the output is positive is all that the gradient needs to know."""

    def __init__(self, p: float = 0.5) -> None:
        super().__init__()
        self.dropout = Dropout(p)

    def forward(self, x: Tensor) -> Tensor:
        """Map x of any shape to dropout(relu(x))."""
        if not (self.training and fast_path_fits(x.device, "cpu") and 0 < self.dropout.p < 1):
            return self.dropout(torch.relu(x))
        return _ReLUDropout.apply(x, self.dropout.p)


def draw_kept(shape: torch.Size | tuple[int, ...], p: float, dtype: torch.dtype = torch.int8) -> Tensor:
    """Draw which elements stay, as ones among zeros, where each is dropped with probability p in [0, 1)."""
    elements = torch.Size(shape).numel()
    bits = torch.empty(-(-elements // 4), dtype=torch.int64).random_(-(2**63), None).view(torch.int16)
    # Booleans would be slower to make and to multiply by.
    kept = torch.empty(shape, dtype=dtype)
    return torch.ge(bits[:elements].view(shape), _dropped_steps(p) - _STEPS // 2, out=kept)


def kept_gain(p: float) -> float:
    """Return the factor on what `draw_kept` keeps that restores the expectation."""
    return _STEPS / (_STEPS - _dropped_steps(p))


def _dropped_steps(p: float) -> int:
    return min(round(p * _STEPS), _STEPS - 1)


class _Dropout(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, p: float) -> Tensor:
        ctx.gain = kept_gain(p)
        output, kept = torch.empty(x.shape, dtype=x.dtype), []
        for rows, some_output in _slices(x, output):
            kept.append(draw_kept(rows.shape, p))
            torch.mul(rows, kept[-1], out=some_output).mul_(ctx.gain)
        ctx.save_for_backward(*kept)
        return output

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        x_grad = torch.empty(grad.shape, dtype=grad.dtype)
        for (some_grad, rows), kept in zip(_slices(grad, x_grad), ctx.saved_tensors, strict=True):
            torch.mul(some_grad, kept, out=rows).mul_(ctx.gain)
        return x_grad, None


class _ReLUDropout(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, p: float) -> Tensor:
        ctx.gain, output = kept_gain(p), torch.empty(x.shape, dtype=x.dtype)
        for rows, some_output in _slices(x, output):
            torch.clamp(rows, min=0, out=some_output).mul_(draw_kept(rows.shape, p, x.dtype)).mul_(ctx.gain)
        ctx.save_for_backward(output)
        return output

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        (output,) = ctx.saved_tensors
        x_grad = torch.empty(output.shape, dtype=output.dtype)
        for some_grad, some_output, rows in _slices(grad, output, x_grad):
            torch.mul(some_grad, ctx.gain, out=rows)
            torch.ops.aten.threshold_backward.grad_input(rows, some_output, 0, grad_input=rows)
        return x_grad, None


def _slices(*tensors: Tensor) -> Iterator[tuple[Tensor, ...]]:
    """Cut tensors of one shape along their first axis, so that what is computed stays in the cache."""
    first = tensors[0]
    rows = max(1, _ELEMENTS * max(1, first.shape[0]) // max(1, first.numel())) if first.dim() else 1
    yield from zip(*(tensor.split(rows) if tensor.dim() else (tensor,) for tensor in tensors), strict=True)
