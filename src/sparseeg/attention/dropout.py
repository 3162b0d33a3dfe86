"""Dropout that is cheap on CPUs, where PyTorch's own takes longer than the products around it."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from .backend import fast_path_fits

_ELEMENTS = 2**17
_STEPS = 2**16  # probabilities are rounded to multiples of 1 / 65,536, and so is the gain


class Dropout(nn.Dropout):
    """`torch.nn.Dropout`; on CPUs its mask takes sixteen random bits an element from torch's generator."""

    def forward(self, x: Tensor) -> Tensor:
        """Zero elements of x (any shape) with probability p in training, and scale the others."""
        if not (self.training and fast_path_fits(x.device, "cpu") and 0 < self.p < 1):
            return super().forward(x)
        return _Dropout.apply(x, self.p)


class ReLUDropout(nn.Module):
    """ReLU and dropout in one step: the gradient only needs to know where the output is positive.

    inplace : write into the input, as in `torch.nn.ReLU`, for inputs that nothing else uses.
    """

    def __init__(self, p: float = 0.5, inplace: bool = False) -> None:
        super().__init__()
        self.dropout = Dropout(p)
        self.inplace = inplace

    def forward(self, x: Tensor) -> Tensor:
        """Map x of any shape to dropout(relu(x))."""
        if not (self.training and fast_path_fits(x.device, "cpu") and 0 < self.dropout.p < 1):
            return self.dropout(nn.functional.relu(x, self.inplace))
        return _ReLUDropout.apply(x, self.dropout.p, self.inplace)


def draw_kept(shape: torch.Size | tuple[int, ...], p: float, dtype: torch.dtype = torch.int8) -> Tensor:
    """Draw which elements stay, as ones among zeros, where each is dropped with probability p in [0, 1)."""
    elements = torch.Size(shape).numel()
    bits = torch.empty(-(-elements // 4), dtype=torch.int64).random_(-(2**63), None).view(torch.int16)
    # Booleans would be slower to make and to multiply by.
    kept = torch.empty(shape, dtype=dtype)
    return torch.ge(bits[:elements].view(shape), _dropped_steps(p) - _STEPS // 2, out=kept)


def kept_gain(p: float) -> float:
    """Return the factor on elements that `draw_kept` keeps which restores the expectation."""
    return _STEPS / (_STEPS - _dropped_steps(p))


def _dropped_steps(p: float) -> int:
    return min(round(p * _STEPS), _STEPS - 1)


class _Dropout(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, p: float) -> Tensor:
        ctx.layout, ctx.gain, kept = _layout(x), kept_gain(p), []
        x = x.contiguous(memory_format=ctx.layout)
        output = torch.empty_like(x)
        for some, some_output in _pieces(ctx.layout, x, output):
            kept.append(draw_kept(some.shape, p))
            torch.mul(some, kept[-1], out=some_output).mul_(ctx.gain)
        ctx.save_for_backward(*kept)
        return output

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        grad = grad.contiguous(memory_format=ctx.layout)
        x_grad = torch.empty_like(grad)
        pieces = _pieces(ctx.layout, grad, x_grad)
        for (some_grad, some), kept in zip(pieces, ctx.saved_tensors, strict=True):
            torch.mul(some_grad, kept, out=some).mul_(ctx.gain)
        return x_grad, None


class _ReLUDropout(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, p: float, inplace: bool) -> Tensor:
        ctx.layout, ctx.gain = _layout(x), kept_gain(p)
        if inplace and x.is_contiguous(memory_format=ctx.layout):
            output = x
            ctx.mark_dirty(x)
        else:
            x = x.contiguous(memory_format=ctx.layout)
            output = torch.empty_like(x)
        for some, some_output in _pieces(ctx.layout, x, output):
            torch.clamp(some, min=0, out=some_output).mul_(draw_kept(some.shape, p, x.dtype)).mul_(ctx.gain)
        ctx.save_for_backward(output)
        return output

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        (output,) = ctx.saved_tensors
        grad = grad.contiguous(memory_format=ctx.layout)
        x_grad = torch.empty_like(grad)
        for some_grad, some_output, some in _pieces(ctx.layout, grad, output, x_grad):
            torch.mul(some_grad, ctx.gain, out=some)
            torch.ops.aten.threshold_backward.grad_input(some, some_output, 0, grad_input=some)
        return x_grad, None, None


def _layout(x: Tensor) -> torch.memory_format:
    image = x.dim() == 4 and x.is_contiguous(memory_format=torch.channels_last)
    return torch.channels_last if image else torch.contiguous_format


def _pieces(layout: torch.memory_format, *tensors: Tensor) -> Iterator[tuple[Tensor, ...]]:
    """Cut tensors of one shape and layout into pieces that stay in the cache."""
    if layout is torch.channels_last:
        tensors = tuple(tensor.permute(0, 2, 3, 1) for tensor in tensors)
    yield from zip(*(tensor.view(-1).split(_ELEMENTS) for tensor in tensors), strict=True)
