"""The feed-forward network of a transformer block, a few hundred rows at a time."""

from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from .dropout import Dropout, draw_kept, kept_gain
from .linear import GradientSum, Linear, product, takes_onednn

_ROWS = 512  # at a hidden width of 512, a megabyte


class FeedForward(nn.Sequential):
    """Linear, GELU, dropout, linear, dropout.

    Where oneDNN computes the products, training keeps the input of the GELU and computes the rest again in
    the backward pass; in evaluation the first product includes the GELU.
    """

    def __init__(self, width: int, hidden_width: int, dropout: float) -> None:
        super().__init__(
            Linear(width, hidden_width),
            nn.GELU(),
            Dropout(dropout),
            Linear(hidden_width, width),
            Dropout(dropout),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map (..., width) to the same shape."""
        widen, narrow = (layer for layer in self if isinstance(layer, Linear))
        p = next(layer.p for layer in self if isinstance(layer, Dropout)) if self.training else 0.0
        if p == 1 or not takes_onednn(x, widen.weight):
            return super().forward(x)
        if torch.is_grad_enabled() or p:
            return _FeedForward.apply(x, widen.weight, widen.bias, narrow.weight, narrow.bias, p)
        return product(product(x, widen.weight, widen.bias, "gelu"), narrow.weight, narrow.bias)


class _FeedForward(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, x: Tensor, widen: Tensor, widen_bias: Tensor, narrow: Tensor, narrow_bias: Tensor, p: float
    ) -> Tensor:
        x = x.contiguous()
        output, hidden = torch.empty_like(x), []
        masks: list[Tensor | None] = []
        for rows, some_output in zip(_chunks(x), _chunks(output), strict=True):
            hidden.append(product(rows, widen, widen_bias))
            kept = [draw_kept(hidden[-1].shape, p), draw_kept(rows.shape, p)] if p else [None, None]
            result = product(_drop(F.gelu(hidden[-1]), kept[0], p), narrow, narrow_bias)
            some_output.copy_(_drop(result, kept[1], p))
            masks += kept
        ctx.p, ctx.num_chunks = p, len(hidden)
        ctx.save_for_backward(x, widen, narrow, *hidden, *masks)
        return output

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, widen, narrow, *saved = ctx.saved_tensors
        hidden, masks, p = saved[: ctx.num_chunks], saved[ctx.num_chunks :], ctx.p
        wants = ctx.needs_input_grad
        widen_sum = GradientSum(widen, wants[1], wants[2])
        narrow_sum = GradientSum(narrow, wants[3], wants[4])
        x_grad = torch.empty_like(x)
        parts = zip(_chunks(x), _chunks(grad.contiguous()), _chunks(x_grad), strict=True)
        for (rows, rows_grad, some_grad), before, first, second in zip(
            parts, hidden, masks[::2], masks[1::2], strict=True
        ):
            rows_grad = _drop(rows_grad.clone(), second, p)
            narrow_sum.add(rows_grad, _drop(F.gelu(before), first, p))
            after_grad = _drop(product(rows_grad, narrow.t()), first, p)
            before_grad = torch.ops.aten.gelu_backward(after_grad, before)
            widen_sum.add(before_grad, rows)
            if wants[0]:
                some_grad.copy_(product(before_grad, widen.t()))
        return x_grad if wants[0] else None, *widen_sum.result(), *narrow_sum.result(), None


def _chunks(x: Tensor) -> tuple[Tensor, ...]:
    return x.view(-1, x.shape[-1]).split(_ROWS)


def _drop(x: Tensor, kept: Tensor | None, p: float) -> Tensor:
    """Zero what is not kept and scale the rest, in place."""
    return x if kept is None else x.mul_(kept).mul_(kept_gain(p))
