"""Baselines for reconstructing masked patches: interpolation over time, or the mean of other channels."""

import torch
from torch import Tensor


def time_interpolation(patches: Tensor, hidden: Tensor) -> Tensor:
    """Return patches with masked ones interpolated linearly between the nearest visible samples.

    Before the first and after the last visible sample of a channel, this sample is repeated; a channel
    without visible samples is zero.

    Parameters
    ----------
    patches : (batch, channel, step, sample).
    hidden : (batch, channel, step), True for masked patches.
    """
    signal = patches.flatten(2)
    seen = ~hidden.unsqueeze(3).expand(patches.shape).flatten(2)
    n_times = signal.shape[2]
    at = torch.arange(n_times, device=signal.device).expand(signal.shape)
    before = at.masked_fill(~seen, -1).cummax(dim=2).values
    after = at.masked_fill(~seen, n_times).flip(2).cummin(dim=2).values.flip(2)
    left, right = signal.gather(2, before.clamp(min=0)), signal.gather(2, after.clamp(max=n_times - 1))
    left, right = left.where(before >= 0, right), right.where(after < n_times, left)
    share = (at - before) / (after - before).clamp(min=1)
    line = left + share * (right - left)
    return line.where(seen.any(dim=2, keepdim=True), 0.0).view(patches.shape)


def other_channels(patches: Tensor, hidden: Tensor) -> Tensor:
    """Return for each patch the mean of the visible patches of all channels at its step; zeros if none is."""
    seen = (~hidden).unsqueeze(3)
    count = seen.sum(dim=1, keepdim=True).clamp(min=1)
    return ((patches * seen).sum(dim=1, keepdim=True) / count).expand(patches.shape)
