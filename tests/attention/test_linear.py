"""Linear layers whose products are oneDNN's: precision, gradients, and independent rows."""

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from sparseeg.attention.linear import Linear, linear


def error(found: Tensor, exact: Tensor) -> float:
    return (found.double() - exact).abs().max().item()


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize(("rows", "width", "out"), [(1, 5, 3), (50, 32, 96), (1300, 64, 192)])
def test_values_and_gradients_are_as_precise_as_pytorchs(rows: int, width: int, out: int, bias: bool) -> None:
    torch.manual_seed(0)
    layer, x, weight = Linear(width, out, bias=bias), torch.randn(2, rows, width), torch.randn(2, rows, out)
    inputs = [x, layer.weight, *([layer.bias] if bias else [])]

    def results(function, dtype: torch.dtype) -> list[Tensor]:
        cast = [tensor.detach().to(dtype).requires_grad_() for tensor in inputs]
        output = function(*cast) if bias else function(*cast, None)
        return [output, *torch.autograd.grad((output * weight.to(dtype)).sum(), cast)]

    exact = results(F.linear, torch.float64)
    plain = results(F.linear, torch.float32)
    fast = results(lambda *tensors: linear(*tensors, training=True), torch.float32)
    for found, wanted, usual in zip(fast, exact, plain, strict=True):
        assert found.shape == wanted.shape
        assert error(found, wanted) <= 2 * error(usual, wanted) + torch.finfo(torch.float32).eps * 8


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("length", [1, 2, 50])
def test_a_sample_is_evaluated_alike_in_any_batch(dtype: torch.dtype, length: int) -> None:
    layer, x = Linear(32, 96).to(dtype).eval(), torch.randn(9, length, 32, dtype=dtype)
    together = layer(x)
    for first, last in ((0, 1), (4, 5), (2, 7)):
        assert torch.equal(layer(x[first:last]), together[first:last])


def test_strides_empty_inputs_and_frozen_weights() -> None:
    layer = Linear(8, 6)
    x = torch.randn(3, 8, 50).transpose(1, 2)
    torch.testing.assert_close(layer(x), F.linear(x, layer.weight, layer.bias))
    assert layer(torch.zeros(3, 0, 8)).shape == (3, 0, 6)
    layer.requires_grad_(False)
    x = x.detach().requires_grad_()
    layer(x).sum().backward()
    torch.testing.assert_close(x.grad, layer.weight.sum(0).expand_as(x))
    assert layer.weight.grad is None


def test_autocast_reaches_it() -> None:
    with torch.autocast("cpu", torch.bfloat16):
        assert Linear(8, 6)(torch.randn(3, 5, 8)).dtype == torch.bfloat16
