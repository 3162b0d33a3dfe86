"""The first layer of every network: makes it indifferent to the unit of its input."""

from torch import Tensor, nn

MODES = ("window", "channel", "none")

# Below this share of a channel's largest magnitude, a standard deviation in float32 is rounding, not signal.
_FLAT = 1e-6
_TINY = 1e-10


class Standardize(nn.Module):
    """Scale (batch, channel, time) so that volts and microvolts give the same output.

    Parameters
    ----------
    mode : `"window"`, one scale per window: the median over channels of the channel's standard deviation, so
        that channel means and relative amplitudes stay; `"channel"`, z-score of every channel inside the
        window; `"none"`.

    Flat channels become zeros under `"channel"`; an all-flat window keeps its scale. Neither gives NaN.
    """

    def __init__(self, mode: str = "window") -> None:
        super().__init__()
        if mode not in MODES:
            raise ValueError(f"standardize must be one of {', '.join(MODES)}, not {mode!r}")
        self.mode = mode

    def forward(self, x: Tensor) -> Tensor:
        if self.mode == "none":
            return x
        x = x.float() if x.dtype.itemsize < 4 else x
        # Divide by the largest magnitude first: squares of volts would fall to the bottom of float32.
        peak = x.abs().amax(dim=(1, 2), keepdim=True)
        x = x / peak.masked_fill(peak == 0, 1.0)
        centred = x - x.mean(dim=2, keepdim=True)
        # The root of exactly zero has no finite gradient.
        deviation = centred.square().mean(dim=2, keepdim=True).clamp_min(_TINY**2).sqrt()
        flat = deviation <= _FLAT * x.abs().amax(dim=2, keepdim=True) + _TINY
        if self.mode == "channel":
            return (centred / deviation.masked_fill(flat, 1.0)).masked_fill(flat, 0.0)
        ordered = deviation.masked_fill(flat, 0.0).sort(dim=1).values
        n_chans = ordered.shape[1]
        scale = ordered[:, (n_chans - 1) // 2 : n_chans // 2 + 1].mean(dim=1, keepdim=True)
        # More than half of the channels flat: the mean is the next best common scale.
        scale = scale.where(scale > 0, ordered.mean(dim=1, keepdim=True))
        return x / scale.masked_fill(scale == 0, 1.0)

    def extra_repr(self) -> str:
        return repr(self.mode)
