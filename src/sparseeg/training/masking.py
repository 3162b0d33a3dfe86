"""Random masks for pretraining: whole stretches of time and areas of the scalp, not single patches."""

import torch
from torch import Tensor

CAPS = 3  # patches of scalp that are hidden in each stretch of time


def draw_mask(
    positions: Tensor,
    batch: int,
    n_steps: int,
    share: float,
    span: int,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Return which patches are hidden, (batch, channel, step), True = hidden; drawn for each window.

    The window is cut into stretches of `span` steps, at places that are drawn. About half of the share falls
    on stretches that are hidden on all channels, so that other channels don't give them away; in the rest,
    caps of neighbouring electrodes are hidden from the stretch's beginning to its end, so that neither do the
    channels beside them. Every window has the same number of hidden patches, and at least one that is seen.

    Parameters
    ----------
    positions : of the electrodes on the unit sphere, (channel, 3); on the device that draws.
    share : of the patches, in (0, 1).
    """
    device, n_chans = positions.device, positions.shape[0]
    n_patches = n_chans * n_steps
    n_hidden = max(1, min(n_patches - 1, round(share * n_patches)))
    shift = torch.randint(span, (batch, 1), device=device, generator=generator)
    stretch = (torch.arange(n_steps, device=device) + shift) // span
    n_stretches = (n_steps + span - 2) // span + 1
    centres = torch.randn(batch, n_stretches, CAPS, 3, device=device, generator=generator)
    centres = centres / centres.norm(dim=3, keepdim=True)
    near = torch.einsum("cx,bskx->bcsk", positions, centres).amax(dim=3)
    rank = torch.rand(batch, n_stretches, device=device, generator=generator).argsort(dim=1).argsort(dim=1)
    whole = rank < round(share / 2 * n_stretches)
    near = near.masked_fill(whole.unsqueeze(1), 2.0)  # nearer than any electrode
    near = near.gather(2, stretch.unsqueeze(1).expand(-1, n_chans, -1)).flatten(1)
    hidden = torch.zeros_like(near, dtype=torch.bool)
    return hidden.scatter(1, near.topk(n_hidden, dim=1).indices, True).unflatten(1, (n_chans, n_steps))
