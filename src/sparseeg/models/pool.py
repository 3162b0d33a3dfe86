"""Pooling over time."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from sparseeg.attention.backend import fast_path_fits


class AveragePool(nn.Module):
    """Mean over the last axis: (batch, features, steps) -> (batch, features)."""

    def forward(self, x: Tensor) -> Tensor:
        return x.transpose(1, 2).mean(dim=1)  # time is the outer axis in memory


class AverageMaxPool(nn.Module):
    """Mean and maximum over the last axis: (batch, features, steps) -> (batch, 2 * features)."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([x.transpose(1, 2).mean(dim=1), x.amax(dim=-1)], dim=1)


class MaxPool(nn.MaxPool1d):
    """`torch.nn.MaxPool1d` over any axis; for pairs on a CPU without indices, in a quarter of the time."""

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, features, steps) to (batch, features, fewer steps)."""
        return self.over(x, dim=2)

    def over(self, x: Tensor, dim: int) -> Tensor:
        """Pool x, of three axes, over one of the last two."""
        plain_pairs = (self.kernel_size, self.stride, self.padding, self.dilation) == (2, 2, 0, 1)
        if plain_pairs and not self.ceil_mode and x.shape[dim] > 1 and fast_path_fits(x.device, "cpu"):
            return _PairMaximum.apply(x, dim)
        return super().forward(x.transpose(dim, 2)).transpose(dim, 2)


class _PairMaximum(torch.autograd.Function):
    """The maximum of each pair of steps; of equal steps the first gets the gradient, as in `max_pool1d`."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, dim: int) -> Tensor:
        ctx.dim = dim
        ctx.save_for_backward(x)
        first, second = _pairs(x, dim)
        return torch.maximum(first, second)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        (x,) = ctx.saved_tensors
        first, second = _pairs(x, ctx.dim)
        x_grad = torch.zeros_like(x) if x.shape[ctx.dim] % 2 else torch.empty_like(x)
        first_grad, second_grad = _pairs(x_grad, ctx.dim)
        torch.mul(grad, first >= second, out=first_grad)
        torch.sub(grad, first_grad, out=second_grad)
        return x_grad, None


def _pairs(x: Tensor, dim: int) -> tuple[Tensor, Tensor]:
    """Return the even and the odd steps; the last of an odd number of steps is left out."""
    pairs = x.narrow(dim, 0, x.shape[dim] // 2 * 2).unflatten(dim, (-1, 2))
    return pairs.select(dim + 1, 0), pairs.select(dim + 1, 1)
