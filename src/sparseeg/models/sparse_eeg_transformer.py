"""A network without convolutions: each patch of each channel is a token with its position and time."""

from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from sparseeg.attention.dropout import Dropout
from sparseeg.attention.linear import Linear

from .base import EEGNetwork
from .block import AttentionBlock
from .latency import READ_OUTS
from .pool import AveragePool
from .positions import N_ELECTRODE_FEATURES, electrode_features, time_features, unit_positions

AXES = ("time", "space", "time", "everything")


class SparseEEGTransformer(EEGNetwork):
    """Patches of single channels as tokens with position and time, and blocks of sparse attention.

    The blocks attend along one axis after the other: over time inside a channel, across the channels at one
    time, over time again, then in strides through all tokens. No head holds more than `tokens_per_head`
    tokens, so that cost and memory grow linearly with channels and seconds. With 129 channels x 2 s, the four
    blocks connect every token with every other; minutes take a few blocks more. Weights do not depend on
    channels or length (except the prior of a latency head), so that they load into networks for other
    montages and windows at the same rate.

    Windows are padded to a whole number of patches with zeros, the mean of each standardised channel.

    Parameters
    ----------
    patch : length of a patch in seconds, rounded to whole samples.
    width : of the tokens.
    n_blocks : blocks of attention.
    tokens_per_head : largest number of tokens in a head.
    dropout : of the tokens and in the blocks.
    positions : "electrodes", from `chs_info`; or "index", along a spiral in the order of the channels, also
        used where there is no `chs_info`. With "index", weights are valid for this order of channels only.
    attention_options : further options of `sparseeg.attention.SparseMultiHeadAttention`, for all blocks.
    standardize, output : as in `EEGNetwork`, like the other parameters. `output` is "latency" by default for
        one number and "scalar" for several.
    """

    electrode_features: Tensor

    def __init__(
        self,
        n_chans: int,
        n_times: int,
        n_outputs: int = 1,
        sfreq: float = 100.0,
        chs_info: list[dict[str, Any]] | None = None,
        *,
        patch: float = 0.08,
        width: int = 64,
        n_blocks: int = 4,
        tokens_per_head: int = 64,
        dropout: float = 0.1,
        positions: str = "electrodes",
        attention_options: dict[str, Any] | None = None,
        standardize: str = "channel",
        output: str | None = None,
    ) -> None:
        output = output or ("latency" if n_outputs == 1 else "scalar")
        super().__init__(n_chans, n_times, n_outputs, sfreq, chs_info, standardize, output)
        if positions not in ("electrodes", "index"):
            raise ValueError(f"positions must be electrodes or index, not {positions!r}")
        known = chs_info if positions == "electrodes" else None
        # Not persistent: the weights fit any montage.
        features = electrode_features(unit_positions(n_chans, known))
        self.register_buffer("electrode_features", features, persistent=False)
        self.width = width
        self.patch = max(1, round(patch * sfreq))
        self.tokens = Linear(self.patch, width)
        # The name `place` is part of the files of weights.
        self.place = nn.Sequential(Linear(N_ELECTRODE_FEATURES, width), nn.GELU(), Linear(width, width))
        self.time = Linear(width, width, bias=False)
        self.dropout = Dropout(dropout)
        self.axes = [AXES[index % len(AXES)] for index in range(n_blocks)]
        self.blocks = nn.ModuleList(
            AttentionBlock(
                width,
                dropout,
                **{
                    "partition": "strided" if axis == "everything" else "local",
                    # Another index along the same axis shifts the heads.
                    "layer_index": self.axes[:index].count(axis),
                    "tokens_per_head": tokens_per_head,
                    **(attention_options or {}),
                },
            )
            for index, axis in enumerate(self.axes)
        )
        self.norm = nn.LayerNorm(width)
        self._finish(width, AveragePool(), width)

    def layers(self) -> list[list[nn.Parameter]]:
        """Return all parameters by layer, from the input to the output."""
        parts = [[self.tokens, self.place, self.time], *([block] for block in self.blocks)]
        parts.append([self.norm, self.final_layer])
        return [[parameter for module in part for parameter in module.parameters()] for part in parts]

    @property
    def electrode_positions(self) -> Tensor:
        """Positions of the electrodes on the unit sphere, (channel, 3)."""
        return self.electrode_features[:, :3]

    def embed(self, patches: Tensor) -> Tensor:
        """Return the tokens of patches, (batch, channel, step, width)."""
        return self.tokens(patches)

    def patches(self, x: Tensor) -> Tensor:
        """Cut standardised windows (batch, channel, time) into (batch, channel, step, patch)."""
        return F.pad(x, (0, -x.shape[2] % self.patch)).unflatten(2, (-1, self.patch))

    def attend(self, tokens: Tensor) -> Tensor:
        """Add position and time to tokens (batch, channel, step, width) and pass them through the blocks."""
        steps = torch.arange(tokens.shape[2], device=tokens.device)
        seconds = (steps + 0.5) * (self.patch / self.sfreq)
        when = self.time(time_features(seconds, tokens.shape[3]))
        x = self.dropout(tokens + (self.place(self.electrode_features).unsqueeze(1) + when))
        for axis, block in zip(self.axes, self.blocks, strict=True):
            x = _along(axis, block, x)
        return self.norm(x)

    def forward_features(self, x: Tensor) -> Tensor:
        patches = self.patches(x)
        features = self.attend(self.embed(patches)).mean(dim=1).transpose(1, 2)
        if self.output in READ_OUTS and x.shape[2] % self.patch:
            # One step per sample, without the padding: each logit stays at its time.
            features = F.interpolate(features, patches.shape[2] * self.patch, mode="linear")
            features = features[:, :, : x.shape[2]]
        return features


def _along(axis: str, block: nn.Module, x: Tensor) -> Tensor:
    """Apply a block along an axis of tokens (batch, channel, step, width)."""
    if axis == "everything":
        return block(x.flatten(1, 2)).unflatten(1, x.shape[1:3])
    if axis == "space":
        return _along("time", block, x.transpose(1, 2)).transpose(1, 2)
    return block(x.flatten(0, 1)).unflatten(0, x.shape[:2])
