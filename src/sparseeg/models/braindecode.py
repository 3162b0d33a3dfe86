"""Any braindecode model under the same protocol; braindecode is imported only when one is asked for."""

import importlib
from typing import Any

from torch import Tensor, nn

from sparseeg.errors import SparseEEGError, nearest

from .heads import TargetScale
from .standardize import Standardize


def _model_class(name: str) -> type[nn.Module]:
    try:
        models = importlib.import_module("braindecode.models")
    except (ImportError, OSError) as error:
        raise SparseEEGError(
            f"braindecode:{name} needs braindecode, which can't be imported here ({error}); "
            "install it with `pip install sparseeg[braindecode]`"
        ) from error
    known = [key for key, value in vars(models).items() if isinstance(value, type)]
    if name not in known:
        raise SparseEEGError(f"braindecode has no model {name!r}.{nearest(name, known)}")
    return getattr(models, name)


class BraindecodeNetwork(nn.Module):
    """A braindecode model between our standardisation and our target scale.

    Parameters
    ----------
    model : class name in `braindecode.models`.
    standardize : see `Standardize`; the default is what braindecode's models are usually trained on.
    options : passed on to the model's constructor.
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
        **options: Any,
    ) -> None:
        super().__init__()
        self.standardize = Standardize(standardize)
        self.backbone = _model_class(model)(
            n_chans=n_chans, n_times=n_times, n_outputs=n_outputs, sfreq=sfreq, chs_info=chs_info, **options
        )
        self.final_layer = TargetScale(n_outputs)

    def forward(self, x: Tensor) -> Tensor:
        return self.final_layer(self.backbone(self.standardize(x)))
