"""What is made small is what the words say."""

import math

import pytest
import torch

from sparseeg.models.latency import LatencyHead
from sparseeg.training.losses import cross_entropy, label_loss, smoothed, squared_error


def test_smoothed_targets_are_normal_and_sum_to_one_inside() -> None:
    times = 0.5 + torch.arange(200) / 100
    target = torch.tensor([[1.234], [0.51], [2.49]])
    weights = smoothed(times, target, 0.1, 0.01)
    torch.testing.assert_close(weights.sum(1), torch.ones(3))
    density = torch.exp(-0.5 * ((times - 1.234) / 0.1) ** 2)
    torch.testing.assert_close(weights[0], density / density.sum(), atol=1e-4, rtol=0)
    assert float(weights[0] @ times) == pytest.approx(1.234, abs=1e-3)


def test_targets_outside_the_window_are_no_evidence_inside() -> None:
    times = 0.5 + torch.arange(200) / 100
    weights = smoothed(times, torch.tensor([[0.3], [2.6]]), 0.1, 0.01)
    assert not weights.any()


def test_cross_entropy_of_a_distribution_with_itself_is_its_entropy() -> None:
    layer = LatencyHead(1, 200, 100.0)
    layer.set_window(0.5, 0.0, 3.0)
    torch.nn.init.ones_(layer.logit.weight)
    torch.nn.init.constant_(layer.guess.bias, -30.0)
    wanted = smoothed(layer.times, torch.tensor([[1.5]]), 0.1, 0.01)
    features = wanted.clamp_min(1e-20).log()[:, None]
    found = cross_entropy(layer, features, torch.tensor([[1.5]]), 0.1)
    entropy = 0.5 * math.log(2 * math.pi * math.e * 0.1**2) + math.log(100)
    assert found.tolist() == pytest.approx([entropy], abs=1e-3)


def test_a_late_response_moves_nothing_but_the_guesses() -> None:
    layer = LatencyHead(1, 200, 100.0)
    layer.set_window(0.5, 0.0, 3.0)
    features = torch.randn(1, 1, 200)
    cross_entropy(layer, features, torch.tensor([[2.8]]), 0.1).sum().backward()
    assert not layer.logit.weight.grad.any()
    assert not layer.prior.grad.any()
    assert float(layer.guess.bias.grad) < 0  # more guesses


@pytest.mark.parametrize("rate", [0.0, 0.1, 0.3])
def test_guesses_bend_no_other_answer(rate: float) -> None:
    # Targets are 1.5 s but for a share of guesses: the fitted distribution peaks at 1.5 s all the same.
    torch.manual_seed(0)
    layer = LatencyHead(1, 40, 20.0)
    layer.set_window(0.5, 0.0, 3.0)
    features = torch.zeros(4000, 1, 40)
    target = torch.full((4000, 1), 1.5)
    guessed = torch.rand(4000, 1) < rate
    target[guessed] = 3 * torch.rand(int(guessed.sum()))
    optimizer = torch.optim.LBFGS(layer.parameters(), max_iter=200, line_search_fn="strong_wolfe")

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = cross_entropy(layer, features, target, 0.05).mean()
        loss.backward()
        return loss

    optimizer.step(closure)
    log_samples, log_guess = layer.log_probabilities(features[:1])
    assert float(layer.times[log_samples.argmax()]) == pytest.approx(1.5, abs=0.03)
    assert float(log_guess.exp()) == pytest.approx(rate, abs=0.04)


def test_squared_error_is_in_units_of_the_variance() -> None:
    found = squared_error(torch.tensor([[1.0], [2.0]]), torch.tensor([[1.5], [2.0]]), 0.5)
    torch.testing.assert_close(found, torch.tensor([1.0, 0.0]))


def test_labels_that_are_missing_count_for_nothing() -> None:
    nan = float("nan")
    logits = torch.tensor([[2.0, 5.0], [-1.0, 5.0]], requires_grad=True)
    loss = label_loss(logits, torch.tensor([[1.0, nan], [nan, nan]]))
    loss.backward()
    assert float(loss) == pytest.approx(math.log1p(math.exp(-2.0)) / 2)
    assert logits.grad.count_nonzero() == 1


def test_a_label_counts_by_its_weight() -> None:
    nan = float("nan")
    logits = torch.tensor([[2.0, 5.0], [-1.0, 5.0], [0.5, 5.0]])
    labels = torch.tensor([[1.0, nan], [0.0, nan], [nan, nan]])
    loss = label_loss(logits, labels, torch.tensor([0.1, 0.3, 0.6]))
    expected = (0.1 * math.log1p(math.exp(-2.0)) + 0.3 * math.log1p(math.exp(-1.0))) / 0.4
    assert float(loss) == pytest.approx(expected / 2)
