"""Convolution over time with the layers after it, in the memory layout that suits the device."""

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from sparseeg.attention import onednn
from sparseeg.attention.backend import autocast_dtype, fast_path_fits
from sparseeg.attention.dropout import ReLUDropout

from .pool import MaxPool


class ConvBlock(nn.Sequential):
    """Conv1d (padded by half its kernel), batch norm, ReLU, dropout, max pooling.

    On CPUs, arrays inside have time as their outer axis (channels last), where convolutions and batch norm
    are faster. In evaluation, batch norm and ReLU are part of the convolution.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        stride: int = 1,
        dropout: float = 0.0,
        pool: int = 1,
    ) -> None:
        super().__init__(
            nn.Conv1d(in_channels, out_channels, kernel_size, stride, padding=kernel_size // 2),
            nn.BatchNorm1d(out_channels),
            ReLUDropout(dropout, inplace=True),  # batch norm keeps its input, not its output
            *([MaxPool(pool)] if pool > 1 else []),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, in_channels, time) to (batch, out_channels, fewer steps)."""
        if x.dtype != torch.float32 or not fast_path_fits(x.device, "cpu"):
            return super().forward(x)
        conv, norm, activation, *pool = self.children()
        assert isinstance(conv, nn.Conv1d)
        assert isinstance(norm, nn.BatchNorm1d)
        image = x.unsqueeze(2).contiguous(memory_format=torch.channels_last)
        if self.training or torch.is_grad_enabled() or autocast_dtype("cpu") is not None:
            stride, padding = (1, conv.stride[0]), (0, int(conv.padding[0]))
            image = F.conv2d(image, conv.weight.unsqueeze(2), conv.bias, stride, padding)
            image = activation(_batch_norm(norm, image))
        else:
            image = _conv_norm_relu(conv, norm, image)
        steps = image.squeeze(2).transpose(1, 2)
        for layer in pool:
            assert isinstance(layer, MaxPool)
            steps = layer.over(steps, dim=1)
        return steps.transpose(1, 2)


def _batch_norm(norm: nn.BatchNorm1d, image: Tensor) -> Tensor:
    """Apply a one-dimensional batch norm to an image, which its own `forward` refuses."""
    if norm.training:
        norm.get_buffer("num_batches_tracked").add_(1)
    return F.batch_norm(
        image,
        norm.running_mean,
        norm.running_var,
        norm.weight,
        norm.bias,
        norm.training,
        norm.momentum or 0.0,
        norm.eps,
    )


def _conv_norm_relu(conv: nn.Conv1d, norm: nn.BatchNorm1d, image: Tensor) -> Tensor:
    """Compute convolution, norm and ReLU in one step: the running statistics are part of the weights."""
    mean, variance, offset = norm.get_buffer("running_mean"), norm.get_buffer("running_var"), conv.bias
    gain = norm.weight * (variance + norm.eps).rsqrt()
    weight = (conv.weight * gain[:, None, None]).unsqueeze(2)
    bias = norm.bias - mean * gain if offset is None else norm.bias + (offset - mean) * gain
    stride, padding = (1, conv.stride[0]), (0, int(conv.padding[0]))
    if onednn.HAS_CONV_RELU:
        return onednn.conv_relu(image, weight, bias, stride, padding)
    return F.conv2d(image, weight, bias, stride, padding).relu_()
