"""Data augmentation, drawn anew for every batch."""

import torch
from torch import Tensor

from sparseeg.training.config import AugmentConfig


def augment(x: Tensor, config: AugmentConfig) -> Tensor:
    """Return windows (batch, channel, time) changed by everything but mixup; drawn from torch's generator.

    * channel dropout: every channel of a window is silent with a probability that is itself drawn, for each
      window, between zero and twice `channel_dropout`: good recordings and bad ones;
    * amplitude: every channel of a window times exp(z), z normal with a standard deviation of `amplitude`. A
      network that z-scores its channels doesn't see this one;
    * noise: white, with `noise` times the channel's own standard deviation.
    """
    batch, n_chans, _ = x.shape
    if config.noise:
        x = x + config.noise * x.std(dim=2, keepdim=True) * torch.randn_like(x)
    gain = torch.ones(batch, n_chans, 1, device=x.device)
    if config.amplitude:
        gain = gain * torch.exp(config.amplitude * torch.randn_like(gain))
    if config.channel_dropout:
        rate = 2 * config.channel_dropout * torch.rand(batch, 1, 1, device=x.device)
        gain = gain * (torch.rand_like(gain) >= rate)
    return x if not (config.amplitude or config.channel_dropout) else x * gain


def mixup(x: Tensor, alpha: float) -> tuple[Tensor, Tensor, Tensor]:
    """Mix every window with another one of its batch (Zhang et al. 2018, arXiv 1710.09412).

    Returns the mixed windows, the partner of each (batch,), and its own share (batch,), at least a half.
    Losses are mixed alike: that share of the loss for the window's own target or label, and the rest of the
    loss for its partner's.
    """
    share = torch.distributions.Beta(alpha, alpha).sample((len(x),)).to(x.device)
    share = torch.maximum(share, 1 - share)
    partner = torch.randperm(len(x), device=x.device)
    weights = share[:, None, None]
    return weights * x + (1 - weights) * x[partner], partner, share
