"""The network without convolutions: every stretch of every channel is a token that knows where and when."""

from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from sparseeg.attention.dropout import Dropout
from sparseeg.attention.linear import Linear

from .base import EEGNetwork
from .block import AttentionBlock
from .latency import READ_OUTS
from .places import N_PLACE_FEATURES, place_features, time_features, unit_positions
from .pool import AveragePool

AXES = ("time", "space", "time", "everything")


class SparseEEGTransformer(EEGNetwork):
    """Patches of single channels as tokens that carry place and time, and blocks of sparse attention.

    The blocks go along the tokens in turn: in time inside a channel, across the channels at one time, in time
    again, then in strides through all of them. No head holds more than `tokens_per_head`, so that cost and
    memory grow linearly with channels and seconds. Of 129 channels x 2 s every token hears every other within
    the four blocks; minutes take some blocks more. Weights don't depend on channels or length (but for the
    prior of a latency head), so that they load into networks for other montages and windows at the same rate.

    A window that isn't a whole number of patches is filled up with zeros, which is each channel's mean.

    Parameters
    ----------
    patch : seconds of a token, rounded to whole samples.
    width : of the tokens.
    n_blocks : blocks of attention.
    tokens_per_head : most tokens that meet in a head.
    dropout : of the tokens and in the blocks.
    positions : "electrodes", from `chs_info`, or "index", along a spiral in the order of the channels, as
        always without `chs_info`; weights then belong to this order.
    attention_options : further options of `sparseeg.attention.SparseMultiHeadAttention`, for all blocks.
    standardize, output : as in `EEGNetwork`, like the other parameters. Without an output, "latency" for one
        number and "scalar" for several.
    """

    places: Tensor

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
        # Not part of the weights, which fit any montage.
        self.register_buffer("places", place_features(unit_positions(n_chans, known)), persistent=False)
        self.width = width
        self.patch = max(1, round(patch * sfreq))
        self.tokens = Linear(self.patch, width)
        self.place = nn.Sequential(Linear(N_PLACE_FEATURES, width), nn.GELU(), Linear(width, width))
        self.time = Linear(width, width, bias=False)
        self.dropout = Dropout(dropout)
        self.axes = [AXES[index % len(AXES)] for index in range(n_blocks)]
        self.blocks = nn.ModuleList(
            AttentionBlock(
                width,
                dropout,
                **{
                    "partition": "strided" if axis == "everything" else "local",
                    # Windows of the same axis have other borders each time.
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

    def patches(self, x: Tensor) -> Tensor:
        """Cut standardised windows (batch, channel, time) into (batch, channel, step, patch)."""
        return F.pad(x, (0, -x.shape[2] % self.patch)).unflatten(2, (-1, self.patch))

    def attend(self, tokens: Tensor) -> Tensor:
        """Place tokens (batch, channel, step, width) in space and time and let them meet; the same shape."""
        steps = torch.arange(tokens.shape[2], device=tokens.device)
        seconds = (steps + 0.5) * (self.patch / self.sfreq)
        when = self.time(time_features(seconds, tokens.shape[3]))
        x = self.dropout(tokens + (self.place(self.places).unsqueeze(1) + when))
        for axis, block in zip(self.axes, self.blocks, strict=True):
            x = _along(axis, block, x)
        return self.norm(x)

    def forward_features(self, x: Tensor) -> Tensor:
        patches = self.patches(x)
        features = self.attend(self.tokens(patches)).mean(dim=1).transpose(1, 2)
        if self.output in READ_OUTS and x.shape[2] % self.patch:
            # One step a sample, without those that were filled up: each logit stays at its time.
            features = F.interpolate(features, patches.shape[2] * self.patch, mode="linear")
            features = features[:, :, : x.shape[2]]
        return features


def _along(axis: str, block: nn.Module, x: Tensor) -> Tensor:
    """Apply a block to tokens (batch, channel, step, width) of which those along an axis can meet."""
    if axis == "everything":
        return block(x.flatten(1, 2)).unflatten(1, x.shape[1:3])
    if axis == "space":
        return _along("time", block, x.transpose(1, 2)).transpose(1, 2)
    return block(x.flatten(0, 1)).unflatten(0, x.shape[:2])
