"""The latency head is a distribution of a time; every backbone that has steps can end in it."""

import importlib.util
from collections.abc import Iterator

import pytest
import torch
from torch import Tensor

from sparseeg import models
from sparseeg.errors import SparseEEGError
from sparseeg.models.latency import LatencyHead

HAS_BRAINDECODE = importlib.util.find_spec("braindecode") is not None
N_TIMES, SFREQ = 60, 30.0


def head(guess: float = -3.0, low: float = 0.2, high: float = 2.8, read_out: str = "mean") -> LatencyHead:
    """A head whose logits are its one feature, for windows from 0.5 to 2.5 s."""
    layer = LatencyHead(1, N_TIMES, SFREQ, read_out)
    layer.set_window(0.5, low, high)
    layer.set_target(1.6, 0.4)
    torch.nn.init.ones_(layer.logit.weight)
    torch.nn.init.zeros_(layer.guess.weight)
    torch.nn.init.constant_(layer.guess.bias, guess)
    return layer


@pytest.fixture(autouse=True)
def no_gradients_by_default() -> Iterator[None]:
    with torch.no_grad():
        yield


def peaked_at(time: float, layer: LatencyHead, sharpness: float = 2000.0) -> Tensor:
    return -sharpness * (layer.times - time).square()[None, None]


def test_a_sharp_peak_is_the_answer() -> None:
    layer = head(guess=-20)
    expectation, spread = layer.moments(peaked_at(1.2, layer))
    assert float(expectation) == pytest.approx(1.2, abs=1e-3)
    assert float(spread) < 1 / SFREQ


def test_moments_are_those_of_the_mixture() -> None:
    torch.manual_seed(0)
    layer, features = head(guess=-0.5), torch.randn(3, 1, N_TIMES)
    expectation, spread = layer.moments(features)
    share = torch.sigmoid(torch.tensor(-0.5)).double()
    generator = torch.Generator().manual_seed(0)
    evident = layer.logit(features.transpose(1, 2))[..., 0].softmax(1)
    for row in range(3):
        draws = 400_000
        places = torch.multinomial(evident[row], draws, replacement=True, generator=generator)
        uniform = torch.rand(draws, generator=generator, dtype=torch.float64)
        uniform = layer.low + (layer.high - layer.low) * uniform
        guessed = torch.rand(draws, generator=generator, dtype=torch.float64) < share
        times = torch.where(guessed, uniform, layer.times.double()[places])
        assert float(expectation[row]) == pytest.approx(float(times.mean()), abs=0.005)
        assert float(spread[row]) == pytest.approx(float(times.std()), abs=0.005)


def test_probabilities_sum_to_one_with_the_guesses_outside() -> None:
    layer, features = head(guess=0.7), torch.randn(4, 1, N_TIMES)
    log_samples, log_guess = layer.log_probabilities(features)
    outside = log_guess.exp() * (1 - N_TIMES * layer.step_share)
    torch.testing.assert_close(log_samples.exp().sum(1, keepdim=True) + outside, torch.ones(4, 1))


def test_a_pure_guess_lies_in_the_middle_of_the_targets() -> None:
    layer = head(guess=20)
    expectation, spread = layer.moments(peaked_at(0.6, layer))
    assert float(expectation) == pytest.approx((0.2 + 2.8) / 2, abs=1e-3)
    assert float(spread) == pytest.approx((2.6 + 2 / SFREQ) / 12**0.5, abs=1e-3)


@pytest.mark.parametrize("guess", [-20.0, -0.5, 0.7, 20.0])
def test_half_of_the_probability_lies_before_the_median(guess: float) -> None:
    torch.manual_seed(0)
    layer, features = head(guess, low=-3.0), torch.randn(5, 1, N_TIMES)
    log_samples, log_guess = layer.log_probabilities(features)
    for row, median in enumerate(layer.median(features)):
        # Every sample stands for the time half a sample to either side.
        covered = ((median - layer.times) * SFREQ + 0.5).clamp(0, 1)
        before = (log_samples[row].exp() * covered).sum()
        outside = (median.clamp(max=0.5 - 0.5 / SFREQ) - layer.low).clamp_min(0)
        outside = outside + (median - layer.times[-1] - 0.5 / SFREQ).clamp_min(0)
        before = before + log_guess[row].exp() * outside / (layer.high - layer.low)
        assert float(before) == pytest.approx(0.5, abs=1e-3)


def test_doubt_bends_the_median_less_than_the_mean() -> None:
    features = peaked_at(0.6, head())
    certain, doubtful = (head(guess, read_out="median")(features) for guess in (-20.0, -1.0))
    means = [head(guess)(features) for guess in (-20.0, -1.0)]
    assert float(certain) == pytest.approx(0.6, abs=1e-2)
    assert float(doubtful - certain) < 0.1 * float(means[1] - means[0])


def test_fewer_steps_are_interpolated() -> None:
    layer = head(guess=-20)
    coarse = torch.nn.functional.interpolate(peaked_at(1.4, layer, 30.0), 15, mode="linear")
    assert float(layer.moments(coarse)[0]) == pytest.approx(1.4, abs=0.02)


def test_shrinking_keeps_that_share_of_the_distance_and_can_be_repeated() -> None:
    layer = head(guess=-20)
    features = peaked_at(1.2, layer)
    for _ in range(2):
        layer.shrink(0.5)
        assert float(layer(features)) == pytest.approx(1.4, abs=1e-3)
    assert float(layer.moments(features)[0]) == pytest.approx(1.2, abs=1e-3)


def test_a_certain_answer_has_finite_gradients() -> None:
    layer = head(guess=-40)
    features = peaked_at(1.2, layer, 1e6).requires_grad_()
    with torch.enable_grad():
        sum(layer.moments(features)).sum().backward()
    assert features.grad.isfinite().all()


@pytest.mark.parametrize("name", models.names())
def test_every_network_can_say_when(name: str) -> None:
    torch.manual_seed(0)
    network = models.build(name, 7, 51, output="latency").eval()
    network.final_layer.set_window(0.5, 0.2, 2.4)
    x = torch.randn(3, 7, 51)
    expectation, spread = network.final_layer.moments(network.encode(x))
    assert expectation.shape == spread.shape == (3, 1)
    network.final_layer.set_target(1.6, 0.4)
    torch.testing.assert_close(network(x), expectation)
    torch.testing.assert_close(network(1e-6 * x), expectation, atol=1e-5, rtol=0)


def test_a_latency_is_one_number() -> None:
    with pytest.raises(SparseEEGError, match="a latency is one number, n_outputs is 3"):
        models.build("response-time-cnn", 7, 51, n_outputs=3, output="latency")
    with pytest.raises(
        SparseEEGError, match="output must be one of scalar, latency, latency-median, not 'time'"
    ):
        models.build("response-time-cnn", 7, 51, output="time")


@pytest.mark.skipif(not HAS_BRAINDECODE, reason="needs braindecode")
@pytest.mark.parametrize("name", ["EEGNet", "ShallowFBCSPNet", "Deep4Net"])
def test_braindecode_networks_with_steps_can_say_when(name: str) -> None:
    network = models.build(f"braindecode:{name}", 19, 200, output="latency").eval()
    network.final_layer.set_window(0.5, 0.2, 2.4)
    x = torch.randn(3, 19, 200)
    assert network(x).shape == (3, 1)
    expectation, _ = network.final_layer.moments(network.encode(x))
    assert ((expectation > 0.5) & (expectation < 2.5)).all()


@pytest.mark.skipif(not HAS_BRAINDECODE, reason="needs braindecode")
@pytest.mark.parametrize("name", ["EEGNeX", "ATCNet"])
def test_braindecode_networks_without_steps_say_so(name: str) -> None:
    with pytest.raises(SparseEEGError, match=f"{name}.*use output='scalar'"):
        models.build(f"braindecode:{name}", 19, 200, output="latency")


@pytest.mark.parametrize("name", models.names())
@pytest.mark.parametrize("n_times", [90, 150])
def test_windows_of_another_length_are_refused(name: str, n_times: int) -> None:
    network = models.build(name, 4, 120, output="latency").eval()
    with pytest.raises(ValueError, match=rf"windows of 120 samples; windows of {n_times}"):
        network(torch.zeros(2, 4, n_times))
    assert network(torch.zeros(2, 4, 120)).shape == (2, 1)
