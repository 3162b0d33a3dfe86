"""Products of tokens and weights by oneDNN, where PyTorch's own are slower or depend on the batch."""

from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from . import onednn
from .backend import autocast_dtype, fast_path_fits, is_traced

_ROWS = 512


class Linear(nn.Linear):
    """A linear layer on (..., in_features) whose output for a row is the same, bit for bit, in any batch.

    In float32 on a CPU, oneDNN computes the products and those of the gradients. On processors for which MKL
    is not optimised it takes half the time, and the order of summation does not depend on the other rows.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Map (..., in_features) to (..., out_features)."""
        return linear(x, self.weight, self.bias, self.training)


def linear(x: Tensor, weight: Tensor, bias: Tensor | None, training: bool) -> Tensor:
    """Compute `torch.nn.functional.linear` by the products of `Linear`."""
    if takes_onednn(x, weight):
        return _OneDNNLinear.apply(x, weight, bias)
    # In training, a matrix product for every sample would also mean a weight gradient for every sample.
    if training or is_traced():
        return F.linear(x, weight, bias)
    return _by_sample(x, weight, bias)


def product(x: Tensor, weight: Tensor, bias: Tensor | None = None, activation: str = "none") -> Tensor:
    """Return x (..., in) times weight (out, in) transposed, plus bias, outside autograd.

    activation : "none" or, where `takes_onednn`, "gelu".
    """
    if not takes_onednn(x, weight):
        return _by_sample(x, weight, bias)
    if x.shape[:-1].numel() == 1:  # oneDNN sums a lone row in another order than the same row among others
        return product(x.expand(2, *x.shape), weight, bias, activation)[0]
    return onednn.linear(x, weight, bias, activation)


def _by_sample(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """Multiply sample by sample: kernels choose their order of summation by the number of rows."""
    if x.dim() != 3 or x.device.type != "cpu":
        return F.linear(x, weight, bias)
    weight = weight.t().expand(x.shape[0], -1, -1)
    return torch.bmm(x, weight) if bias is None else torch.baddbmm(bias, x, weight)


def weight_gradient(grad: Tensor, x: Tensor) -> Tensor:
    """Return the gradient (out, in) of a weight from that of the output, grad (..., out), and x (..., in)."""
    grad, x = grad.flatten(0, -2), x.flatten(0, -2)
    if not takes_onednn(x, grad):
        return grad.t() @ x
    # A few hundred rows stay in the cache while they are transposed; the result is transposed once.
    parts = zip(x.split(_ROWS), grad.split(_ROWS), strict=True)
    first_x, first_grad = next(parts)
    total = product(first_x.t(), first_grad.t())
    for some_x, some_grad in parts:
        total += product(some_x.t(), some_grad.t())
    return total.t()


def takes_onednn(x: Tensor, weight: Tensor) -> bool:
    """Return whether oneDNN computes the product of x and weight."""
    return (
        onednn.HAS_LINEAR
        and fast_path_fits(x.device, "cpu")
        and x.dtype == weight.dtype == torch.float32
        and x.numel() > 0
        and autocast_dtype("cpu") is None
    )


class _OneDNNLinear(torch.autograd.Function):
    """`F.linear` with oneDNN's products, forward and backward."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(x, weight)
        return product(x, weight, bias)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        wants_x, wants_weight, wants_bias = ctx.needs_input_grad
        return (
            product(grad, weight.t()) if wants_x else None,
            weight_gradient(grad, x) if wants_weight else None,
            grad.flatten(0, -2).sum(0) if wants_bias else None,
        )


class GradientSum:
    """Sum of the gradients of a weight and its bias over chunks of rows, at least in float32."""

    def __init__(self, weight: Tensor, wants_weight: bool, wants_bias: bool) -> None:
        self.given, self.exact = weight.dtype, torch.promote_types(weight.dtype, torch.float32)
        self.weight = torch.zeros_like(weight, dtype=self.exact) if wants_weight else None
        self.bias = weight.new_zeros(weight.shape[0], dtype=self.exact) if wants_bias else None

    def add(self, grad: Tensor, x: Tensor) -> None:
        """Add the part of the rows grad (..., out) and x (..., in)."""
        if self.weight is not None:
            self.weight.t().add_(weight_gradient(grad.to(self.exact), x.to(self.exact)).t())
        if self.bias is not None:
            self.bias += grad.flatten(0, -2).sum(0, dtype=self.exact)

    def result(self) -> tuple[Tensor | None, Tensor | None]:
        """Return the sums in the weight's dtype."""
        weight = None if self.weight is None else self.weight.to(self.given)
        return weight, None if self.bias is None else self.bias.to(self.given)
