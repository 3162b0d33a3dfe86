"""The layers of the networks do what PyTorch's own do: values, gradients and running statistics."""

import copy

import pytest
import torch
from torch import Tensor, nn

from sparseeg.attention import plain_path
from sparseeg.models.conv import ConvBlock
from sparseeg.models.pool import AverageMaxPool, AveragePool, MaxPool


def results(layer: nn.Module, x: Tensor) -> list[Tensor]:
    x = x.clone().requires_grad_()
    output = layer(x)
    weight = torch.randn(output.shape, generator=torch.Generator().manual_seed(0)).to(output)
    gradients = torch.autograd.grad((output * weight).sum(), [x, *layer.parameters()])
    return [output.detach(), *gradients, *(buffer.clone() for buffer in layer.buffers())]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(("kernel", "stride", "pool"), [(7, 1, 2), (5, 2, 1), (1, 1, 1), (3, 1, 3)])
@pytest.mark.parametrize("training", [False, True])
def test_conv_block_is_its_layers_in_turn(
    kernel: int, stride: int, pool: int, training: bool, dtype: torch.dtype
) -> None:
    torch.manual_seed(0)
    block = ConvBlock(6, 10, kernel, stride, pool=pool).to(dtype).train()
    block(torch.randn(8, 6, 31, dtype=dtype))  # the running statistics are those of some batch
    block.train(training)
    reference, x = copy.deepcopy(block), torch.randn(4, 6, 31, dtype=dtype)
    found = results(block, x)
    with plain_path():
        wanted = results(reference, x)
    for fast, plain in zip(found, wanted, strict=True):
        # In training the bias before the norm has no gradient but the rounding of sums that cancel.
        torch.testing.assert_close(fast, plain, rtol=1e-4, atol=1e-4)
    with torch.no_grad():
        torch.testing.assert_close(block(x), found[0], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("steps", [2, 7, 50])
@pytest.mark.parametrize("dim", [1, 2])
def test_pooling_by_pairs_is_pytorchs(steps: int, dim: int) -> None:
    torch.manual_seed(0)
    x = torch.randn(3, 5, steps).round().clamp(min=0)  # full of ties
    ours, theirs = x.clone().requires_grad_(), x.clone().requires_grad_()
    found = MaxPool(2).over(ours.transpose(1, 2), dim=1).transpose(1, 2) if dim == 1 else MaxPool(2)(ours)
    wanted = nn.MaxPool1d(2)(theirs)
    assert torch.equal(found, wanted)
    weight = torch.randn_like(wanted)
    (found * weight).sum().backward()
    (wanted * weight).sum().backward()
    assert torch.equal(ours.grad, theirs.grad)


def test_pooling_a_single_step_by_pairs_is_an_error_as_in_pytorch() -> None:
    with pytest.raises(RuntimeError, match="Invalid computed output size: 0"):
        MaxPool(2)(torch.zeros(1, 3, 1))


def test_averages_and_maxima_over_time() -> None:
    x = torch.randn(3, 5, 7)
    torch.testing.assert_close(AveragePool()(x), x.mean(2))
    torch.testing.assert_close(AverageMaxPool()(x), torch.cat([x.mean(2), x.amax(2)], 1))
