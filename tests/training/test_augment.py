"""Augmented windows differ as the words say, and in nothing else."""

import math

import pytest
import torch

from sparseeg import models
from sparseeg.training.augment import augment, mixup
from sparseeg.training.batches import Batch
from sparseeg.training.config import AugmentConfig, DataConfig, TrainConfig
from sparseeg.training.module import DecodingModule


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


@pytest.fixture
def locator() -> torch.nn.Module:
    torch.manual_seed(0)
    network = models.build("sparse-attention-locator", 3, 40, n_filters=4, width=8, dropout=0.0)
    network.final_layer.set_target(0.2, 0.1)
    network.final_layer.set_window(0.0, 0.0, 0.4)
    return network


def training_loss(network: torch.nn.Module, batch: Batch, auxiliary: float, alpha: float = 0.5) -> float:
    """The loss of one training step; every call draws the same windows and shares to mix."""
    config = TrainConfig(
        data=DataConfig(path="none"),
        model="sparse-attention-locator",
        auxiliary=auxiliary,
        augment=AugmentConfig(mixup=alpha),
    )
    module = DecodingModule(network, 0.1, config)
    module.log = lambda *_, **__: None
    torch.manual_seed(1)
    return float(module.training_step(batch, 0))


def test_mixup_mixes_the_auxiliary_loss_and_masks_labels_that_are_missing(locator) -> None:
    nan, batch_size, alpha = float("nan"), 6, 0.5
    x, target = torch.randn(batch_size, 3, 40), torch.full((batch_size, 1), 0.2)
    labels = torch.tensor([[1.0, nan], [0.0, nan], [nan, nan], [1.0, 0.0], [0.0, nan], [1.0, nan]])
    batch = Batch(x, target, labels)
    found = training_loss(locator, batch, auxiliary=10.0) - training_loss(locator, batch, auxiliary=0.0)

    torch.manual_seed(1)
    mixed, partner, share = mixup(locator.standardize(x), alpha)
    assert not torch.equal(partner, torch.arange(batch_size))
    logits = locator.auxiliary(locator.encode(mixed)).tolist()
    columns = []
    for column in range(2):
        total = weight = 0.0
        for window in range(batch_size):
            other = int(partner[window])
            for index, part in ((window, float(share[window])), (other, 1 - float(share[window]))):
                label = float(labels[index, column])
                if not math.isnan(label):
                    p = 1 / (1 + math.exp(-logits[window][column]))
                    total -= part * math.log(p if label else 1 - p)
                    weight += part
        columns.append(total / weight)
    assert found == pytest.approx(10.0 * sum(columns) / 2, rel=1e-4)


def test_mixup_without_any_label_leaves_the_loss_of_the_target(locator) -> None:
    batch = Batch(torch.randn(4, 3, 40), torch.full((4, 1), 0.2), torch.full((4, 2), float("nan")))
    assert training_loss(locator, batch, auxiliary=10.0) == training_loss(locator, batch, auxiliary=0.0)
