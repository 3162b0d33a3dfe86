"""Training options that would have no effect: refused, with what they need."""

from collections.abc import Callable, Iterator, Mapping
from shlex import quote
from typing import TYPE_CHECKING, Any

from sparseeg.errors import SparseEEGError

if TYPE_CHECKING:
    from sparseeg.data.windows import WindowSet
    from sparseeg.training.config import TrainConfig

Written = Callable[[str, Any], str]
_OF_NETWORKS = {"loss", "target_width", "layer_decay", "partitions", "auxiliary", "amplitude"}


def check_effect(
    config: "TrainConfig", windows: "WindowSet", given: Mapping[str, Any], written: Written
) -> None:
    """Raise SparseEEGError where a setting was given that changes nothing in this run.

    Parameters
    ----------
    config : of the run.
    windows : that it is trained on.
    given : the settings that were given, by field; those from a recipe or a file may have no effect.
    written : returns how a setting is written, as `as_option` does.
    """
    found = [*_by_settings(config, written), *_by_windows(config, windows)]
    if _OF_NETWORKS & given.keys():
        found += _by_network(config, windows, written)
    for name, reason, instead in found:
        if name in given:
            raise SparseEEGError(
                f"{written(name, given[name])} has no effect: {reason}; leave it out"
                + (f", or add {instead}" if instead else "")
            )


def as_option(name: str, value: Any) -> str:
    """Return a setting as it is written on the command line of `train`."""
    if name in ("output", "standardize"):
        return f"--option {quote(f'{name}={value}')}"
    dashed = f"--{name.replace('_', '-')}"
    return dashed if value is True else f"{dashed} {quote(str(value))}"


def as_change(name: str, value: Any) -> str:
    """Return a setting as it is written behind a model of `compare`."""
    return f"@{name}={str(value).lower() if isinstance(value, bool) else value}"


def _by_settings(config: "TrainConfig", written: Written) -> Iterator[tuple[str, str, str]]:
    """Yield settings without an effect beside the others: the name, the reason, and what gives it one."""
    if config.keep == "last":
        yield "patience", f"{config.model} keeps the last epoch, not the best one", written("keep", "best")
    if config.loss == "squared":
        yield "target_width", "the squared loss smooths no target", written("loss", "kl")
    if config.control_within_subject and not config.control:
        yield "control_within_subject", "no controls are trained", written("control", True)


def _by_windows(config: "TrainConfig", windows: "WindowSet") -> Iterator[tuple[str, str, str]]:
    """Yield settings without an effect on these windows."""
    import numpy as np

    from sparseeg.evaluation.controls import is_subject_level
    from sparseeg.training.labels import LABELS, trial_labels

    target = windows.target_name
    if config.augment.jitter and not windows.locked:
        yield "jitter", f"{target} is not a time after an event, and its windows are cropped at random", ""
    if config.auxiliary and np.isnan(trial_labels(windows.table)).all():
        yield (
            "auxiliary",
            f"no window of {', '.join(config.data.path)} has one of the labels {', '.join(LABELS)}",
            "",
        )
    if config.control_within_subject and is_subject_level(windows.targets, windows.subjects):
        yield "control_within_subject", f"{target} is the same in all windows of a subject", ""


def _by_network(
    config: "TrainConfig", windows: "WindowSet", written: Written
) -> Iterator[tuple[str, str, str]]:
    """Yield settings without an effect on this network."""
    from sparseeg.models.latency import LatencyHead
    from sparseeg.models.network import HasAuxiliary, HasLayers
    from sparseeg.models.partitions import random_layers
    from sparseeg.models.standardize import Standardize
    from sparseeg.training.fit import network_spec

    try:
        network = network_spec(windows, config).build()
    except SparseEEGError:
        return  # the fit says why
    if not isinstance(network.final_layer, LatencyHead):
        reason, latency = f"{config.model} has no latency head", written("output", "latency")
        yield "target_width", reason, latency
        if config.loss != "squared":
            yield "loss", reason, latency
    if config.layer_decay != 1 and not isinstance(network, HasLayers):
        yield "layer_decay", f"{config.model} does not name its layers", ""
    if config.auxiliary and not isinstance(network, HasAuxiliary):
        yield "auxiliary", f"{config.model} has no auxiliary outputs", ""
    first = network.standardize
    if config.augment.amplitude and isinstance(first, Standardize) and first.mode == "channel":
        scaled = f"{config.model} z-scores each channel, which removes its gain"
        yield "amplitude", scaled, written("standardize", "window")
    if not random_layers(network):
        yield "partitions", f"{config.model} has no random attention", ""
