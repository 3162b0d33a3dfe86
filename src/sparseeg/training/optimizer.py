"""AdamW with layer-wise learning rates, and its schedule of warm-up and half a cosine."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn
from torch.optim.lr_scheduler import OneCycleLR


def adamw(
    module: nn.Module,
    learning_rate: float,
    weight_decay: float,
    betas: tuple[float, float],
    layers: Sequence[Sequence[nn.Parameter]] = (),
    layer_decay: float = 1.0,
) -> torch.optim.AdamW:
    """Return AdamW for the parameters of a module.

    layers : parameters from the input to the output; each layer learns at `layer_decay` times the rate of the
        one above it. The last one, and what is in none, learns at the full rate.
    """
    depth = {id(parameter): d for d, layer in enumerate(reversed(layers)) for parameter in layer}
    groups: dict[tuple[int, bool], list[nn.Parameter]] = {}
    for name, parameter in module.named_parameters():
        # Only matrices decay; biases, norms, positions and priors don't.
        decays = name.endswith("weight") and parameter.ndim > 1
        key = (0 if layer_decay == 1 else depth.get(id(parameter), 0), not decays)
        groups.setdefault(key, []).append(parameter)
    options: list[dict[str, Any]] = [
        {"params": groups[key], "lr": learning_rate * layer_decay ** key[0]}
        | ({"weight_decay": 0.0} if key[1] else {})
        for key in sorted(groups)
    ]
    return torch.optim.AdamW(options, lr=learning_rate, betas=betas, weight_decay=weight_decay)


def warm_up_and_cosine(optimizer: torch.optim.Optimizer, n_steps: int, warmup: float) -> OneCycleLR:
    """Return the schedule that rises for a share `warmup` of the steps and falls like half a cosine."""
    # OneCycleLR divides by the steps of its phases, less one.
    n_steps = max(n_steps, 5)
    return OneCycleLR(
        optimizer,
        max_lr=[group["lr"] for group in optimizer.param_groups],
        total_steps=n_steps,
        pct_start=max(warmup, 2 / n_steps),
        cycle_momentum=False,
    )
