"""Augmented windows differ as the words say, and in nothing else."""

import pytest
import torch

from sparseeg.training.augment import augment, mixup
from sparseeg.training.config import AugmentConfig


@pytest.fixture
def x() -> torch.Tensor:
    torch.manual_seed(0)
    return 10 * torch.randn(400, 8, 50) * torch.arange(1, 9)[:, None]


def test_without_augmentation_windows_stay(x: torch.Tensor) -> None:
    assert augment(x, AugmentConfig()) is x


def test_channel_dropout_silences_whole_channels_more_in_some_windows(x: torch.Tensor) -> None:
    changed = augment(x, AugmentConfig(channel_dropout=0.2))
    silent = (changed == 0).all(2)
    assert torch.equal(changed[~silent], x[~silent])
    assert float(silent.float().mean()) == pytest.approx(0.2, abs=0.03)
    by_window = silent.float().mean(1)
    alike = torch.distributions.Binomial(8, torch.tensor(0.2)).sample((400,)) / 8
    assert by_window.std() > 1.1 * alike.std()


def test_amplitude_is_a_gain_per_channel(x: torch.Tensor) -> None:
    ratio = augment(x, AugmentConfig(amplitude=0.3)) / x
    torch.testing.assert_close(ratio, ratio[:, :, :1].expand_as(ratio))
    assert float(ratio[:, :, 0].log().std()) == pytest.approx(0.3, abs=0.02)


def test_noise_is_in_units_of_each_channel(x: torch.Tensor) -> None:
    noise = augment(x, AugmentConfig(noise=0.5)) - x
    torch.testing.assert_close(noise.std((0, 2)) / x.std((0, 2)), torch.full((8,), 0.5), atol=0.01, rtol=0)


def test_mixup_keeps_the_larger_share_of_the_window_itself(x: torch.Tensor) -> None:
    mixed, partner, share = mixup(x, 0.5)
    assert (share >= 0.5).all()
    assert sorted(partner.tolist()) == list(range(400))
    weights = share[:, None, None]
    torch.testing.assert_close(mixed, weights * x + (1 - weights) * x[partner])
