"""Any braindecode model under the same protocol; braindecode is imported when the first one is built."""

import importlib
import inspect
from typing import Any

import torch
from torch import Tensor, nn

from sparseeg.errors import SparseEEGError, nearest, not_installed

from .base import check_output
from .heads import TargetScale
from .latency import READ_OUTS, LatencyHead, check_length
from .standardize import Standardize

_SCALAR = "use output='scalar'"
_LOC = 12  # length of `loc` in MNE: the first three numbers are the position


def _model_class(name: str) -> type[nn.Module]:
    try:
        models = importlib.import_module("braindecode.models")
    except (ImportError, OSError) as error:
        raise not_installed("braindecode", "sparseeg[braindecode]", error) from error
    known = [key for key, value in vars(models).items() if isinstance(value, type)]
    if name not in known:
        raise SparseEEGError(f"braindecode has no model {name!r}.{nearest(name, known)}")
    return getattr(models, name)


def option_names(model: str) -> list[str] | None:
    """Return the names of the options of a model; None if it takes any. Errors are those of building it."""
    parameters = inspect.signature(_model_class(model)).parameters.values()
    if any(one.kind is one.VAR_KEYWORD for one in parameters):
        return None
    around = inspect.signature(BraindecodeNetwork).parameters.values()
    own = [one.name for one in around if one.kind is one.KEYWORD_ONLY]
    return own + [one.name for one in parameters]


def _as_in_mne(
    chs_info: list[dict[str, Any]] | None,
) -> tuple[list[dict[str, Any]] | None, list[str]]:
    """Return the channels with a `loc` as long as in MNE, or None, and the names without a position."""
    unknown = [channel["ch_name"] for channel in chs_info or () if channel["loc"] is None]
    if chs_info is None or unknown:
        return None, unknown
    locs = [[*channel["loc"], *[0.0] * (_LOC - len(channel["loc"]))] for channel in chs_info]
    return [channel | {"loc": loc} for channel, loc in zip(chs_info, locs, strict=True)], []


class BraindecodeNetwork(nn.Module):
    """A braindecode model between this package's standardisation and target scale.

    Parameters
    ----------
    model : class name in `braindecode.models`.
    standardize : see `Standardize`; braindecode's models are usually trained with the default.
    output : "scalar", the output of the model itself; or, as in `EEGNetwork`, a distribution over the samples
        of the window in place of the model's `final_layer`, if the input of that layer is features over time.
    options : passed to the model's constructor.

    The model gets `chs_info` only if the positions of all channels are known.
    """

    def __init__(
        self,
        model: str,
        n_chans: int,
        n_times: int,
        n_outputs: int = 1,
        sfreq: float = 100.0,
        chs_info: list[dict[str, Any]] | None = None,
        *,
        standardize: str = "channel",
        output: str = "scalar",
        **options: Any,
    ) -> None:
        super().__init__()
        check_output(model, output, n_outputs)
        self.standardize = Standardize(standardize)
        signal = {"n_chans": n_chans, "n_times": n_times, "n_outputs": n_outputs, "sfreq": sfreq}
        channels, unknown = _as_in_mne(chs_info)
        try:
            self.backbone = _model_class(model)(chs_info=channels, **signal, **options)
        except (TypeError, ValueError) as error:
            if isinstance(error, SparseEEGError) or not unknown:
                raise
            raise ValueError(f"{error}; positions not known: {', '.join(unknown)}") from error
        if output in READ_OUTS:
            self.backbone.final_layer = nn.Identity()
            n_features = self._n_features(n_chans, n_times)
            self.final_layer: TargetScale | LatencyHead = LatencyHead(
                n_features, n_times, sfreq, READ_OUTS[output]
            )
        else:
            self.final_layer = TargetScale(n_outputs)

    def _n_features(self, n_chans: int, n_times: int) -> int:
        """Return the number of features of each step; raise ValueError if features are not over time."""
        name = type(self.backbone).__name__
        try:
            with torch.no_grad():
                shape = self.backbone.eval()(torch.zeros(2, n_chans, n_times)).shape
        except (TypeError, ValueError, RuntimeError) as error:
            raise ValueError(f"{name} does not run without its final_layer ({error}); {_SCALAR}") from error
        self.backbone.train()
        if len(shape) not in (3, 4) or sum(size > 1 for size in shape[2:]) != 1:
            raise ValueError(
                f"{name} passes {tuple(shape)} to its final_layer for two windows; a latency head needs "
                f"(batch, features, steps); {_SCALAR}"
            )
        return shape[1]

    def encode(self, x: Tensor) -> Tensor:
        """Return the input of `final_layer` for windows (batch, n_chans, n_times)."""
        check_length(self.final_layer, x)
        encoded = self.backbone(self.standardize(x))
        return encoded.flatten(2) if isinstance(self.final_layer, LatencyHead) else encoded

    def forward(self, x: Tensor) -> Tensor:
        return self.final_layer(self.encode(x))
