"""Fused products of oneDNN, which PyTorch offers only as private operators.

Private operators change without notice. Each is called once, at import, and compared with the public one:
`HAS_LINEAR` and `HAS_CONV_RELU` say which of the functions here can be used.
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor


def linear(x: Tensor, weight: Tensor, bias: Tensor | None, activation: str = "none") -> Tensor:
    """Return x (..., in) times weight (out, in) transposed, plus bias, float32 on a CPU.

    activation : "none" or "gelu", applied to the result.
    """
    return torch.ops.mkldnn._linear_pointwise(x, weight, bias, activation, [], "none")


def conv_relu(
    image: Tensor, weight: Tensor, bias: Tensor | None, stride: tuple[int, int], padding: tuple[int, int]
) -> Tensor:
    """Return the ReLU of the convolution of an image (batch, in, height, width), float32 on a CPU."""
    return torch.ops.mkldnn._convolution_pointwise(
        image, weight, bias, padding, stride, (1, 1), 1, "relu", [], ""
    )


def works(product: Callable[[], Tensor], expected: Tensor) -> bool:
    """Return whether a product can be called here and gives what is expected."""
    try:
        return torch.backends.mkldnn.is_available() and torch.allclose(product(), expected, rtol=1e-4)
    except (AttributeError, RuntimeError, TypeError, ValueError):
        return False


def _float32(values: list[float]) -> Tensor:
    return torch.tensor(values, dtype=torch.float32, device="cpu")


def _linear_works() -> bool:
    x, weight = _float32([1.0, -2.0, 0.5, 3.0]).view(2, 2), _float32([1.0, 1.0, 0.0, 2.0]).view(2, 2)
    expected = _float32([-1.0, -4.0, 3.5, 6.0]).view(2, 2)
    return works(lambda: linear(x, weight, _float32([0.0, 1.0])), expected + _float32([0.0, 1.0])) and works(
        lambda: linear(x, weight, None, "gelu"), F.gelu(expected)
    )


def _conv_relu_works() -> bool:
    # One channel of three pixels: importing this module starts no threads.
    image, weight, bias = _float32([1.0, -4.0, 5.0]), _float32([1.0, 1.0, 1.0]), _float32([0.5])
    expected = _float32([0.0, 2.5, 1.5]).view(1, 1, 1, 3)
    return works(
        lambda: conv_relu(image.view(1, 1, 1, 3), weight.view(1, 1, 1, 3), bias, (1, 1), (0, 1)), expected
    )


HAS_LINEAR = _linear_works()
HAS_CONV_RELU = _conv_relu_works()
