"""The first layer of every network: makes the output independent of the unit of the input."""

import torch
from torch import Tensor, nn

from sparseeg.attention.backend import fast_path_fits, is_exporting

MODES = ("window", "channel", "none")

# Below this share of a channel's largest magnitude, a standard deviation in float32 is rounding error.
_FLAT = 1e-6
_TINY = 1e-10
_ELEMENTS = 2**18


class Standardize(nn.Module):
    """Scale windows (batch, channel, time) so that volts and microvolts give the same output.

    Parameters
    ----------
    mode : `"window"`, one scale per window, the median over channels of their standard deviations: channel
        means and relative amplitudes are kept; `"channel"`, z-score of every channel inside the window;
        `"none"`.

    With `"channel"`, flat channels become zeros; a window in which all channels are flat keeps its scale.
    Neither gives NaN.
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
        # On CPUs a few windows at a time, so that intermediate arrays stay in the cache.
        windows = max(1, _ELEMENTS // max(1, x[:1].numel()))
        parts = x.split(windows) if fast_path_fits(x.device, "cpu") else (x,)
        if self.mode == "channel":
            return torch.cat([_z_score(part) for part in parts])
        return x / _median(torch.cat([_spread(part)[1] for part in parts]))

    def extra_repr(self) -> str:
        return repr(self.mode)


def _z_score(x: Tensor) -> Tensor:
    """Return every channel with mean 0 and standard deviation 1, flat ones as zeros."""
    centred, deviation = _spread(x)
    flat = deviation == 0
    return (centred / deviation.masked_fill(flat, 1.0)).masked_fill(flat, 0.0)


def _spread(x: Tensor) -> tuple[Tensor, Tensor]:
    """Return the centred channels and their standard deviations, (batch, channel, 1), 0 for flat ones."""
    magnitude = x.abs().amax(dim=2, keepdim=True)
    centred = x - x.mean(dim=2, keepdim=True)
    # In float64: squares of volts are too small for float32.
    norm = torch.linalg.vector_norm(centred, dim=2, keepdim=True, dtype=torch.float64)
    deviation = (norm / x.shape[2] ** 0.5).to(x.dtype)
    flat = deviation <= _FLAT * magnitude + _TINY * magnitude.amax(dim=1, keepdim=True)
    return centred, deviation.masked_fill(flat, 0.0)


def _median(deviation: Tensor) -> Tensor:
    """Return the median over channels, (batch, 1, 1), or 1 where all channels are flat."""
    n_chans = deviation.shape[1]
    scale = _kth_value(deviation, (n_chans + 1) // 2)
    if n_chans % 2 == 0:
        scale = (scale + _kth_value(deviation, n_chans // 2 + 1)) / 2
    # Where more than half of the channels are flat, the median is zero: the mean takes its place.
    scale = scale.where(scale > 0, deviation.mean(dim=1, keepdim=True))
    return scale.masked_fill(scale == 0, 1.0)


def _kth_value(deviation: Tensor, k: int) -> Tensor:
    """Return the k-th smallest of the channels, (batch, 1, 1)."""
    if is_exporting():  # ONNX has no kthvalue
        return deviation.sort(dim=1).values[:, k - 1 : k]
    return deviation.kthvalue(k, dim=1, keepdim=True).values
