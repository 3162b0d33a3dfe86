"""Error of cheaper attention relative to full attention, together with its cost."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from sparseeg.bench.contenders import (
    OURS,
    Contender,
    ProjectedAttention,
    Weights,
    build_sparse,
    contenders,
    dense_attention,
    random_weights,
)
from sparseeg.engines import Report, ignore

TOKENS_PER_HEAD = (2, 4, 8, 16, 32, 64)
ROUNDS = (1, 2, 4, 8)
SIGNALS = ("smooth", "random")
SCORE_SDS = (1.0, 3.0)

_CUTOFF = 1 / 16  # cycles per token: adjacent tokens correlate at 0.97, tokens 8 apart do not
_REPEATS = 3
_FEW: dict[str, tuple[Any, ...]] = {"tokens_per_head": (8, 64), "rounds": (1, 8), "correction": (True,)}


@dataclass(frozen=True)
class Setting:
    """A layer with its settings, and what its row says about them."""

    name: str
    build: Callable[[int, Weights, int], nn.Module]  # N, weights, seed
    settings: str = ""
    heads: int = 1
    columns: dict[str, object] = field(default_factory=dict)
    missing: str | None = None


def make_signal(kind: str, num_tokens: int, dim: int, seed: int) -> Tensor:
    """Return one sample (1, N, d) of unit variance: white noise ("random"), or low-pass noise ("smooth").

    Smooth noise has no frequencies above 1/16 cycles per token; it is filtered in the Fourier domain, so it
    is periodic over N.
    """
    noise = torch.randn(num_tokens, dim, generator=torch.Generator().manual_seed(seed))
    if kind == "smooth":
        spectrum = torch.fft.rfft(noise, dim=0)
        spectrum[torch.fft.rfftfreq(num_tokens) > _CUTOFF] = 0
        noise = torch.fft.irfft(spectrum, num_tokens, dim=0)
    return (noise / noise.std())[None]


def scaled_weights(x: Tensor, score_sd: float, seed: int) -> Weights:
    """Return random projections for which the scores q k / sqrt(d) of x have a given SD.

    The output projection is the identity, so that the output of a layer is the result of its attention.
    """
    dim = x.shape[-1]
    query, key, value = random_weights(dim, seed).qkv.chunk(3)
    scores = (x @ query.T) @ (x @ key.T).transpose(1, 2) / dim**0.5
    factor = (score_sd / scores.std()).sqrt()
    return Weights(torch.cat([query * factor, key * factor, value]), torch.eye(dim))


def relative_error(output: Tensor, full: Tensor) -> float:
    """Return RMS(output - full) / RMS(full)."""
    return ((output - full).square().mean() / full.square().mean()).sqrt().item()


def mean_of_values(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Return the mean of all values for each token: attention that ignores its scores."""
    return value.mean(1, keepdim=True).expand_as(value)


def settings(num_tokens: int) -> list[Setting]:
    """Return our layer in all settings (in a few for more than 1,024 tokens), and the other layers."""
    every: dict[str, tuple[Any, ...]] = {
        "tokens_per_head": TOKENS_PER_HEAD,
        "rounds": ROUNDS,
        "correction": (False, True),
    }
    chosen = every if num_tokens <= 1024 else _FEW
    own = [
        _own(tokens, rounds, correction, "random")
        for tokens in chosen["tokens_per_head"]
        for rounds in chosen["rounds"]
        for correction in chosen["correction"]
    ]
    own += [_own(8, 1, correction, kind) for kind in ("strided", "local") for correction in (False, True)]
    return [*own, Setting("mean of the values", _mean, "no scores at all"), *map(_other, _comparable())]


def _comparable() -> list[Contender]:
    """Return the layers that are neither ours nor full attention."""
    return [layer for layer in contenders() if layer.package or layer.name == "literal formulation"]


def _own(tokens: int, rounds: int, correction: bool, kind: str) -> Setting:
    options = {"tokens_per_head": tokens, "rounds": rounds, "correction": correction, "partition": kind}
    columns = {name.replace("_", " "): value for name, value in options.items()}
    columns["correction"] = "on" if correction else "off"
    return Setting(OURS, partial(_build_own, options=options), columns=columns)


def _build_own(num_tokens: int, weights: Weights, seed: int, options: dict[str, Any]) -> nn.Module:
    rest = {name: value for name, value in options.items() if name != "tokens_per_head"}
    return build_sparse(num_tokens, weights, options["tokens_per_head"], layer_index=seed, **rest)


def _mean(num_tokens: int, weights: Weights, seed: int) -> nn.Module:
    return ProjectedAttention(weights, mean_of_values)


def _other(contender: Contender) -> Setting:
    def build(num_tokens: int, weights: Weights, seed: int) -> nn.Module:
        torch.manual_seed(seed)  # for random features or permutations
        return contender.build(num_tokens, weights, 0)

    return Setting(contender.name, build, contender.settings, contender.heads, missing=contender.missing())


def measure_quality(
    sizes: Sequence[int] = (200, 1024, 4096),
    *,
    dim: int = 256,
    seeds: int = 5,
    score_sds: Sequence[float] = SCORE_SDS,
    report: Report = ignore,
) -> pd.DataFrame:
    """Compare all settings with full attention, with as many heads as the setting (1 or 8).

    A layer that can't be built or run keeps its row, with the reason.

    Parameters
    ----------
    sizes : numbers of tokens N.
    dim : width d of the tokens.
    seeds : number of seeds; each has its own signal, projections and partition.
    score_sds : SDs of the scores.
    report : called with a line about the progress.

    Returns
    -------
    DataFrame : relative error (median, minimum and maximum over seeds), and the time of the whole layer
        relative to its products alone (median over seeds, measured in pairs).
    """
    rows: list[dict[str, object]] = []
    for num_tokens in sizes:
        for kind in SIGNALS:
            for score_sd in score_sds:
                report(f"N = {num_tokens}, {kind} signal, scores of SD {score_sd:g}")
                rows += _compare(num_tokens, kind, score_sd, dim, seeds)
    table = pd.DataFrame(rows, columns=_COLUMNS)
    return table.astype({"tokens per head": "Int64", "rounds": "Int64"})


def _compare(num_tokens: int, kind: str, score_sd: float, dim: int, seeds: int) -> list[dict[str, object]]:
    inputs = []
    for seed in range(seeds):
        x = make_signal(kind, num_tokens, dim, seed)
        weights = scaled_weights(x, score_sd, seed)
        inputs.append((x, weights, {heads: _full(x, weights, heads) for heads in (1, 8)}))
    shared = {"N": num_tokens, "d": dim, "signal": kind, "score SD": score_sd}
    return [{**shared, **_row(setting, inputs)} for setting in settings(num_tokens)]


def _full(x: Tensor, weights: Weights, heads: int) -> Tensor:
    with torch.inference_mode():
        return ProjectedAttention(weights, partial(dense_attention, heads=heads)).eval()(x)


def _row(setting: Setting, inputs: Sequence[tuple[Tensor, Weights, dict[int, Tensor]]]) -> dict[str, object]:
    row: dict[str, object] = {"layer": setting.name, **setting.columns, "settings": setting.settings}
    if setting.missing:
        return {**row, "note": setting.missing}
    errors, ratios = [], []
    try:
        for seed, (x, weights, full) in enumerate(inputs):
            error, ratio = _measure(setting, seed, x, weights, full[setting.heads])
            errors.append(error)
            ratios += ratio
    except (RuntimeError, ImportError, ValueError) as error:
        return {**row, "note": f"{type(error).__name__}: {(str(error).splitlines() or [''])[0][:120]}"}
    return {
        **row,
        "relative error": float(np.median(errors)),
        "error min-max": f"{min(errors):.3g}-{max(errors):.3g}",
        "time / floor": float(np.median(ratios)),
        "note": "",
    }


def _measure(
    setting: Setting, seed: int, x: Tensor, weights: Weights, full: Tensor
) -> tuple[float, list[float]]:
    """Return the error for one seed, and the time of the layer relative to its products, for some repeats."""
    floor = contenders()[0].build(x.shape[1], weights, 0).eval()
    layer = setting.build(x.shape[1], weights, seed).eval()
    with torch.inference_mode():
        floor(x)
        output = layer(x)
        ratios = []
        for _ in range(_REPEATS):
            started = time.perf_counter()
            layer(x)
            between = time.perf_counter()
            floor(x)
            ratios.append((between - started) / (time.perf_counter() - between))
    return relative_error(output, full), ratios


_COLUMNS = [
    "N",
    "d",
    "signal",
    "score SD",
    "layer",
    "tokens per head",
    "rounds",
    "correction",
    "partition",
    "relative error",
    "error min-max",
    "time / floor",
    "settings",
    "note",
]
