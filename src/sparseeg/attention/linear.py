"""Products of tokens and weights: oneDNN's, where PyTorch would take the slower or less repeatable ones."""

from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from .backend import autocast_dtype, fast_path_fits, is_traced

_ONEDNN = torch.backends.mkldnn.is_available() and hasattr(torch.ops.mkldnn, "_linear_pointwise")
_ROWS = 512


class Linear(nn.Linear):
    """A linear layer on (..., in_features) that evaluates a row alike, bit for bit, in any batch.

    In float32 on a CPU the products, and those of the gradients, are oneDNN's: on processors that MKL doesn't
    favour they take half the time, and a row's order of summation doesn't depend on the other rows.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Map (..., in_features) to (..., out_features)."""
        return linear(x, self.weight, self.bias, self.training)


def linear(x: Tensor, weight: Tensor, bias: Tensor | None, training: bool) -> Tensor:
    """Return what `torch.nn.functional.linear` returns, by the products of `Linear`."""
    if takes_onednn(x, weight):
        return _OneDNNLinear.apply(x, weight, bias)
    # With a matrix for every sample, training would sum a gradient for every sample.
    if training or is_traced():
        return F.linear(x, weight, bias)
    return _by_sample(x, weight, bias)


def product(x: Tensor, weight: Tensor, bias: Tensor | None = None, activation: str = "none") -> Tensor:
    """Return x (..., in) times weight (out, in) transposed, plus bias, outside autograd.

    activation : "none" or, where the product is oneDNN's, "gelu".
    """
    if not takes_onednn(x, weight):
        return _by_sample(x, weight, bias)
    if x.shape[:-1].numel() == 1:  # oneDNN sums a lone row in another order than the same row among others
        return product(x.expand(2, *x.shape), weight, bias, activation)[0]
    return torch.ops.mkldnn._linear_pointwise(x, weight, bias, activation, [], "none")


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
    # Rows by the hundred stay in the cache while they are transposed; the result is transposed once.
    parts = zip(x.split(_ROWS), grad.split(_ROWS), strict=True)
    total = product(*(part.t() for part in next(parts)))
    for some_x, some_grad in parts:
        total += product(some_x.t(), some_grad.t())
    return total.t()


def takes_onednn(x: Tensor, weight: Tensor) -> bool:
    """Return whether the product of x and weight is oneDNN's."""
    return (
        _ONEDNN
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
    """Sums the gradients of a weight and its bias over chunks of rows, in float32 at the least."""

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
