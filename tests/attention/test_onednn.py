"""oneDNN's private products: tried before they are used, and left alone where they do not work."""

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from sparseeg import models
from sparseeg.attention import onednn
from sparseeg.attention.linear import Linear, takes_onednn


def missing() -> Tensor:
    return torch.ops.mkldnn._no_such_operator()


def other_arguments() -> Tensor:
    return torch.ops.aten.add(torch.ones(2), "none")


def other_kind() -> Tensor:
    raise RuntimeError("could not create a primitive")


@pytest.mark.parametrize("product", [missing, other_arguments, other_kind])
def test_a_product_that_cannot_be_called_does_not_work(product: Callable[[], Tensor]) -> None:
    assert not onednn.works(product, torch.ones(2))


def test_a_product_with_another_result_does_not_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: True)
    assert not onednn.works(lambda: torch.full((2,), 1.1), torch.ones(2))
    assert onednn.works(lambda: torch.full((2,), 1.00001), torch.ones(2))


def test_layers_fall_back_to_the_public_products(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    network, x = models.build("light-sparse-attention-cnn", 5, 40).eval(), torch.randn(3, 5, 40)
    layer, rows = Linear(8, 6).eval(), torch.randn(2, 7, 8)
    with torch.no_grad():
        expected, expected_rows = network(x), F.linear(rows, layer.weight, layer.bias)
        monkeypatch.setattr(onednn, "HAS_LINEAR", False)
        monkeypatch.setattr(onednn, "HAS_CONV_RELU", False)
        monkeypatch.setattr(onednn, "linear", missing)
        monkeypatch.setattr(onednn, "conv_relu", missing)
        assert not takes_onednn(rows, layer.weight)
        torch.testing.assert_close(network(x), expected, rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(layer(rows), expected_rows)
