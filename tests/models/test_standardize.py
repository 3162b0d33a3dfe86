"""The first layer: what it keeps, what it removes, what it can't be thrown by."""

import pytest
import torch

from sparseeg.models.standardize import Standardize


def window(offset: float = 0.0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.linspace(1, 9, 5)[None, :, None] * torch.randn(2, 5, 300, generator=generator) + offset


def test_window_mode_divides_by_the_median_channel_sd() -> None:
    x = window()
    expected = x / x.std(dim=2, correction=0).median(dim=1).values[:, None, None]
    torch.testing.assert_close(Standardize("window")(x), expected)


def test_window_mode_keeps_means_and_relative_amplitudes() -> None:
    x = window()
    y = Standardize("window")(x)
    torch.testing.assert_close(y[:, 1] / y[:, 0], x[:, 1] / x[:, 0])


def test_median_of_an_even_number_of_channels_is_between_the_middle_two() -> None:
    x = window()[:, :4]
    scale = (x / Standardize("window")(x))[:, 0, 0]
    torch.testing.assert_close(scale, x.std(dim=2, correction=0).sort(dim=1).values[:, 1:3].mean(dim=1))


def test_channel_mode_is_a_z_score() -> None:
    y = Standardize("channel")(window(offset=30.0))
    torch.testing.assert_close(y.mean(dim=2), torch.zeros(2, 5), atol=1e-5, rtol=0)
    torch.testing.assert_close(y.std(dim=2, correction=0), torch.ones(2, 5))


def test_none_returns_its_input() -> None:
    x = window()
    assert Standardize("none")(x) is x


@pytest.mark.parametrize("mode", ["window", "channel"])
def test_a_constant_channel_is_flat_despite_rounding(mode: str) -> None:
    x = window()
    x[:, 0] = 1234.567
    y = Standardize(mode)(x)
    assert (y[:, 0] == y[:, 0, :1]).all()
    assert y.isfinite().all()


@pytest.mark.parametrize("mode", ["window", "channel"])
def test_volts_in_float32_lose_nothing(mode: str) -> None:
    layer, x = Standardize(mode), window()
    torch.testing.assert_close(layer(x * 1e-9), layer(x), rtol=1e-5, atol=1e-6)


def test_unknown_mode_is_named() -> None:
    with pytest.raises(ValueError, match="'zscore'"):
        Standardize("zscore")
