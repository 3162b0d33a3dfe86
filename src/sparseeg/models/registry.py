"""Networks by name."""

import inspect
from collections.abc import Callable, Collection, Iterable
from typing import Any

from sparseeg.errors import SparseEEGError, nearest

from .base import EEGNetwork
from .braindecode import BraindecodeNetwork, option_names
from .light_sparse_attention_cnn import LightSparseAttentionCNN
from .response_time_cnn import ResponseTimeCNN
from .sparse_attention_cnn import SparseAttentionCNN
from .sparse_attention_locator import SparseAttentionLocator
from .sparse_eeg_transformer import SparseEEGTransformer

BRAINDECODE_PREFIX = "braindecode:"
SIGNAL = ("n_chans", "n_times", "n_outputs", "sfreq", "chs_info")  # arguments that follow from the windows

BuiltNetwork = EEGNetwork | BraindecodeNetwork
"""What `build` returns: a `torch.nn.Module` and a `sparseeg.models.network.Network`."""

_NETWORKS: dict[str, Callable[..., EEGNetwork]] = {
    "response-time-cnn": ResponseTimeCNN,
    "sparse-attention-cnn": SparseAttentionCNN,
    "light-sparse-attention-cnn": LightSparseAttentionCNN,
    "sparse-attention-locator": SparseAttentionLocator,
    "sparse-eeg-transformer": SparseEEGTransformer,
}


def names() -> list[str]:
    """Return the names of the package's own networks; `braindecode:NAME` adds any braindecode model."""
    return sorted(_NETWORKS)


def check_name(name: str, others: Iterable[str] = ()) -> None:
    """Raise SparseEEGError, with the nearest known name, unless `build` knows this name.

    others : what else may be named in its place, for the message.
    """
    if name not in _NETWORKS and not name.startswith(BRAINDECODE_PREFIX):
        known = [*names(), *others]
        raise SparseEEGError(
            f"unknown model {name!r}; known are {', '.join(known)} and braindecode:NAME."
            + (nearest(name, known) or f" For a model of braindecode, write {BRAINDECODE_PREFIX}{name}")
        )


def check_signal(name: str, options: Iterable[str]) -> None:
    """Raise SparseEEGError where an option says what follows from the windows."""
    for option in options:
        if option in SIGNAL:
            raise SparseEEGError(f"{name}: {option} follows from the data and is not an option")


def check_options(name: str, options: Collection[str]) -> None:
    """Raise SparseEEGError unless `build` knows a network, and the network the names of its options.

    Whether their values fit each other and the windows shows in `build`.
    """
    check_name(name)
    check_signal(name, options)
    if name.startswith(BRAINDECODE_PREFIX):
        known = option_names(name[len(BRAINDECODE_PREFIX) :])  # imports braindecode
        if known is None:
            return
    else:
        parameters = inspect.signature(_NETWORKS[name]).parameters.values()
        known = [one.name for one in parameters if one.kind is one.KEYWORD_ONLY]
    known = [option for option in known if option not in SIGNAL]
    for option in options:
        if option not in known:
            raise SparseEEGError(
                f"{name} has no option {option!r}; it has {', '.join(known)}.{nearest(option, known)}"
            )


def build(
    name: str,
    n_chans: int,
    n_times: int,
    n_outputs: int = 1,
    sfreq: float = 100.0,
    chs_info: list[dict[str, Any]] | None = None,
    **options: Any,
) -> BuiltNetwork:
    """Return the network registered as `name`, untrained.

    It takes (batch, n_chans, n_times) in any unit and returns (batch, n_outputs) in the target's unit, once
    `final_layer.set_target(mean, std)` was called. `chs_info` holds the positions of the electrodes: for each
    channel its `ch_name` and a `loc` that begins with x, y, z in metres, or is None. Raises SparseEEGError
    for an unknown name or option, for windows that the network does not accept, and for missing positions
    that it needs.
    """
    check_name(name)
    try:
        if name.startswith(BRAINDECODE_PREFIX):
            model = name[len(BRAINDECODE_PREFIX) :]
            return BraindecodeNetwork(model, n_chans, n_times, n_outputs, sfreq, chs_info, **options)
        check_options(name, options)
        return _NETWORKS[name](n_chans, n_times, n_outputs, sfreq, chs_info, **options)
    except SparseEEGError:
        raise
    except (TypeError, ValueError, RuntimeError) as error:  # torch raises RuntimeError for negative sizes
        raise SparseEEGError(f"can't build {name} for {n_chans} x {n_times}: {error}") from error
