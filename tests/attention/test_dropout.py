"""Dropout from sixteen random bits an element: its share, its expectation, its gradient, its seed."""

import pytest
import torch
from torch import nn

from sparseeg.attention.dropout import Dropout, ReLUDropout, draw_kept, kept_gain


@pytest.mark.parametrize("p", [0.0, 0.1, 0.4, 0.95])
def test_the_share_that_is_dropped(p: float) -> None:
    torch.manual_seed(0)
    kept = draw_kept((1000, 1001), p).float()
    drawn = 1 - 1 / kept_gain(p)
    assert drawn == pytest.approx(p, abs=2**-16)
    error = (drawn * (1 - drawn) / kept.numel()) ** 0.5
    assert 1 - kept.mean().item() == pytest.approx(drawn, abs=5 * error + 1e-6)
    assert kept_gain(1 - 1e-9) == 2**16  # something always stays
    columns = kept.view(-1, 1001).mean(0)  # no lane of the random words is special
    assert (columns - (1 - drawn)).abs().max() < 6 * error * 1001**0.5 + 1e-6


@pytest.mark.parametrize("module", [Dropout(0.4), ReLUDropout(0.4)])
@pytest.mark.parametrize("shape", [(), (7,), (3, 5), (600, 17, 40), (0, 4)])
def test_kept_elements_are_scaled_and_the_gradient_knows_them(module: nn.Module, shape: tuple) -> None:
    torch.manual_seed(0)
    module.train()
    x = (torch.rand(shape) + 0.5).requires_grad_()
    output = module(x)
    assert output.shape == x.shape
    kept = output > 0
    gain = kept_gain(0.4)
    torch.testing.assert_close(output, x * kept * gain)
    output.sum().backward()
    torch.testing.assert_close(x.grad, kept * gain)
    assert torch.equal(module.eval()(x), x)


def test_relu_comes_first() -> None:
    module, x = ReLUDropout(0.3).train(), torch.randn(50, 60, requires_grad=True)
    output = module(x)
    output.sum().backward()
    assert (output >= 0).all()
    assert not output[x <= 0].any()
    assert not x.grad[x <= 0].any()
    assert 0.6 < (output > 0)[x > 0].float().mean() < 0.8


def test_the_seed_reproduces_it() -> None:
    x = torch.randn(40, 30, 20)
    for module in (Dropout(0.5), ReLUDropout(0.5)):
        torch.manual_seed(1)
        first = module(x)
        assert not torch.equal(module(x), first)
        torch.manual_seed(1)
        assert torch.equal(module(x), first)


@pytest.mark.parametrize("module", [Dropout(0.4), ReLUDropout(0.4), ReLUDropout(0.4, inplace=True)])
@pytest.mark.parametrize("layout", ["contiguous", "channels last", "transposed", "strided"])
def test_any_layout(module: nn.Module, layout: str) -> None:
    leaf = (torch.rand(6, 8, 5, 7) + 0.5).requires_grad_()
    x = leaf * 1.0
    if layout == "channels last":
        x = x.contiguous(memory_format=torch.channels_last)
    elif layout == "transposed":
        x = x.transpose(0, 3)
    elif layout == "strided":
        x = x[:, ::2]
    before = x.detach().clone()
    output = module(x)
    torch.testing.assert_close(output, before * (output > 0) * kept_gain(0.4))
    weight = torch.randn_like(output)
    (output * weight).sum().backward()
    wanted = torch.zeros_like(leaf)
    part = wanted.transpose(0, 3) if layout == "transposed" else wanted
    (part[:, ::2] if layout == "strided" else part).copy_((output > 0) * kept_gain(0.4) * weight)
    torch.testing.assert_close(leaf.grad, wanted)


def test_all_and_nothing_and_other_precisions() -> None:
    x = torch.randn(5, 6)
    assert not Dropout(1.0)(x).any()
    assert torch.equal(Dropout(0.0)(x), x)
    for dtype in (torch.bfloat16, torch.float64):
        output = Dropout(0.5)(x.to(dtype))
        assert output.dtype == dtype
        torch.testing.assert_close(output, x.to(dtype) * 2 * (output != 0))
