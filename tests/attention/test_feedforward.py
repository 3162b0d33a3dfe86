"""The feed-forward network in chunks is its layers in turn."""

import copy

import pytest
import torch
from torch import Tensor

from sparseeg.attention import plain_path
from sparseeg.attention.feedforward import FeedForward


def results(module: FeedForward, x: Tensor) -> list[Tensor]:
    x = x.clone().requires_grad_()
    output = module(x)
    weight = torch.randn(output.shape, generator=torch.Generator().manual_seed(1)).to(output)
    return [output.detach(), *torch.autograd.grad((output * weight).sum(), [x, *module.parameters()])]


@pytest.mark.parametrize("shape", [(1, 1), (3, 50), (2, 700)])
@pytest.mark.parametrize("training", [False, True])
def test_it_is_as_precise_as_the_plain_path(shape: tuple[int, int], training: bool) -> None:
    torch.manual_seed(0)
    module, x = FeedForward(16, 24, 0.0).train(training), torch.randn(*shape, 16)
    found = results(module, x)
    with plain_path():
        usual = results(module, x)
        exact = results(copy.deepcopy(module).double(), x.double())
    for fast, plain, wanted in zip(found, usual, exact, strict=True):
        unit = wanted.norm() * torch.finfo(torch.float32).eps / 2
        assert (fast - wanted).norm() <= 2 * (plain - wanted).norm() + unit
    with torch.no_grad():
        torch.testing.assert_close(module(x), found[0], rtol=1e-5, atol=1e-6)


def test_gradients_are_those_of_the_dropout_that_was_drawn() -> None:
    """A step along the gradient changes the output as the gradient says, with the same seed."""
    torch.manual_seed(0)
    module, x = FeedForward(16, 24, 0.5).train(), torch.randn(3, 400, 16)

    def seeded(tokens: Tensor) -> Tensor:
        torch.manual_seed(3)
        return module(tokens).square().sum()

    leaf = x.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(seeded(leaf), leaf)
    step = 1e-3 * gradient / gradient.norm()
    with torch.no_grad():
        change = seeded(x + step) - seeded(x - step)
    torch.testing.assert_close(change / 2e-3, gradient.norm(), rtol=0.02, atol=0.0)


def test_dropout_keeps_the_expectation_and_all_of_it_drops_everything() -> None:
    torch.manual_seed(0)
    module, x = FeedForward(4, 8, 0.5), torch.randn(1, 13, 4)
    with torch.no_grad():
        plain = module.eval()(x)
        module.train()
        draws = torch.stack([module(x) for _ in range(3000)])
    error = draws.std(0) / len(draws) ** 0.5
    assert ((draws.mean(0) - plain).abs() < 5 * error).all()
    assert not FeedForward(4, 8, 1.0)(x).any()


def test_parts_may_be_frozen() -> None:
    module, x = FeedForward(4, 8, 0.1), torch.randn(2, 5, 4)
    module[0].requires_grad_(False)
    module(x).sum().backward()
    assert module[0].weight.grad is None
    assert module[3].weight.grad is not None
