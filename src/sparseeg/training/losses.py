"""Loss functions."""

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from sparseeg.models.latency import LatencyHead


def squared_error(prediction: Tensor, target: Tensor, std: float) -> Tensor:
    """Return the squared error of each window, (batch,), in units of the training targets' variance.

    prediction, target : (batch, 1), in the target's unit.
    """
    return ((prediction.float() - target) / std).square().squeeze(1)


def smoothed(times: Tensor, target: Tensor, width: float, step: float) -> Tensor:
    """Spread each target over the window's samples by a normal distribution, (batch, n_times).

    Rows sum to one for targets inside the window. Rows are zero for targets outside the window.

    Parameters
    ----------
    times : of the samples, (n_times,), `step` seconds apart.
    target : (batch, 1), seconds.
    width : standard deviation, seconds.
    """
    edges = torch.cat([times - step / 2, times[-1:] + step / 2])
    mass = torch.special.ndtr((edges - target) / width).diff(dim=1)
    inside = (target >= edges[0]) & (target <= edges[-1])
    return torch.where(inside, mass / mass.sum(dim=1, keepdim=True).clamp_min(1e-12), 0.0)


def cross_entropy(head: LatencyHead, features: Tensor, target: Tensor, width: float) -> Tensor:
    """Return the cross entropy of each window's distribution against its smoothed target, (batch,).

    It differs from the Kullback-Leibler divergence by the entropy of the targets, which no weight changes. A
    target outside the window counts for the guess component.
    """
    log_samples, log_guess = head.log_probabilities(features)
    wanted = smoothed(head.times, target, width, 1 / head.sfreq)
    log_outside = log_guess + torch.log1p(-head.n_times * head.step_share)
    outside = 1 - wanted.sum(dim=1, keepdim=True)
    return -(wanted * log_samples).sum(dim=1) - (outside * log_outside).squeeze(1)


def label_loss(logits: Tensor, labels: Tensor, weights: Tensor | None = None) -> Tensor:
    """Return the mean cross entropy of yes-or-no labels over those that are known, each column alike.

    Parameters
    ----------
    logits, labels : (batch, n_labels); labels are 1, 0, or NaN where they are not known.
    weights : of the windows in the mean, (batch,); all alike by default.
    """
    known = ~labels.isnan()
    loss = F.binary_cross_entropy_with_logits(
        logits.float(), torch.where(known, labels, 0.0), reduction="none"
    )
    share = known if weights is None else known * weights.unsqueeze(1)
    return ((loss * share).sum(dim=0) / share.sum(dim=0).clamp_min(1e-12)).mean()
