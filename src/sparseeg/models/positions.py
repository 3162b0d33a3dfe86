"""Positions of tokens: electrodes on the unit sphere, patches in seconds, as waves of fixed frequencies."""

import math
from typing import Any

import torch
from torch import Tensor

_OCTAVES = 4  # waves along each axis, of a half to four periods across the head
SHORTEST, LONGEST = 0.1, 1000.0  # periods in seconds
N_ELECTRODE_FEATURES = 3 + 6 * _OCTAVES


def unit_positions(n_chans: int, chs_info: list[dict[str, Any]] | None) -> Tensor:
    """Return the direction of each electrode from the centre of the head, (n_chans, 3), of length 1.

    Without `chs_info`, the channels lie in their order along a spiral from the vertex down to the ears: these
    positions are distinct but arbitrary.
    Raises ValueError, naming the channels, where positions are not known.
    """
    if chs_info is None:
        index = torch.arange(n_chans, dtype=torch.float64)
        height = 1 - (index + 0.5) / n_chans
        angle = index * math.pi * (3 - math.sqrt(5))
        radius = (1 - height.square()).sqrt()
        return torch.stack([radius * angle.cos(), radius * angle.sin(), height], dim=1).float()
    unknown = [channel["ch_name"] for channel in chs_info if not _is_position(channel["loc"])]
    if unknown:
        raise ValueError(
            f"the positions of {', '.join(unknown)} are not known; rename them as in the 10-05 system, leave "
            "them out, or set the option positions to index"
        )
    position = torch.tensor([list(channel["loc"][:3]) for channel in chs_info], dtype=torch.float64)
    return (position / position.norm(dim=1, keepdim=True)).float()


def _is_position(loc: Any) -> bool:
    return loc is not None and all(map(math.isfinite, loc[:3])) and any(loc[:3])


def electrode_features(positions: Tensor) -> Tensor:
    """Return the positions (channel, 3) and waves along their axes, (channel, N_ELECTRODE_FEATURES)."""
    frequencies = math.pi / 2 * 2.0 ** torch.arange(_OCTAVES)
    angles = (positions.unsqueeze(2) * frequencies).flatten(1)
    return torch.cat([positions, angles.sin(), angles.cos()], dim=1)


def time_features(seconds: Tensor, width: int) -> Tensor:
    """Return sines and cosines of times in seconds (step,): (step, width), with geometric periods."""
    n_waves = (width + 1) // 2
    share = torch.arange(n_waves, device=seconds.device) / max(1, n_waves - 1)
    frequencies = 2 * math.pi / SHORTEST * (SHORTEST / LONGEST) ** share
    angles = seconds.unsqueeze(1) * frequencies
    return torch.cat([angles.sin(), angles.cos()], dim=1)[:, :width]
