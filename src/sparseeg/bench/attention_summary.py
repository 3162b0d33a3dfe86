"""Summarise the attention table: ratios by size, growth of memory, and the size that gives a speed-up."""

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.optimize import least_squares

from sparseeg.bench.contenders import OURS
from sparseeg.bench.peers import PEERS
from sparseeg.bench.probe import BACKWARD, FORWARD

CLAIMED_SPEED_UP = 1250.0
MEMORY_RANGE = (4096, 1_048_576)

_DENSE = ("dense 1 head", "dense 8 heads")
_DENSE_ONEDNN = "dense 8 heads (oneDNN)"
_PACKAGES = tuple(package for package, *_ in PEERS)
_COLUMNS = [
    "pass",
    "tokens per head",
    "batch",
    "N",
    "time / floor",
    "dense / ours",
    "fastest dense",
    "dense with oneDNN products / ours",
    "fastest package / ours",
    "fastest package",
]


def growth(tokens: Sequence[float], values: Sequence[float]) -> tuple[float, float]:
    """Fit values ~ a + c tokens**b with a >= 0 by least squares on logarithms, and return a and b.

    NaN for fewer than four sizes, because three always fit.
    """
    if len(set(tokens)) < 4:
        return math.nan, math.nan
    x, y = np.log(np.asarray(tokens, float)), np.asarray(values, float)

    def residual(parameters: np.ndarray) -> np.ndarray:
        constant, scale, power = parameters
        return np.log(constant + np.exp(scale + power * x)) - np.log(y)

    start = (y.min() / 2, np.log(y[-1]) - x[-1], 1.0)
    fit = least_squares(residual, start, bounds=([0, -np.inf, -np.inf], np.inf), x_scale="jac")
    return float(fit.x[0]), float(fit.x[2])


def crossing(sizes: Sequence[float], values: Sequence[float], level: float) -> tuple[float, str]:
    """Return the smallest size at which values reach a level, and a description of how it was found.

    Between two measured sizes it is interpolated on logarithms; NaN if no size reaches the level.
    """
    if not len(sizes):
        return math.nan, "not measured"
    reached = [index for index, value in enumerate(values) if value >= level]
    if not reached:
        return math.nan, f"not reached up to N = {sizes[-1]}: {values[-1]:.4g}x there"
    after = reached[0]
    if after == 0 or values[after] == level:
        return float(sizes[after]), f"as measured, {values[after]:.4g}x there"
    x, y = np.log(sizes[after - 1 : after + 1]), np.log(values[after - 1 : after + 1])
    share = (math.log(level) - y[0]) / (y[1] - y[0])
    between = f"between N = {sizes[after - 1]} ({values[after - 1]:.4g}x) and {sizes[after]}"
    return float(np.exp(x[0] + share * (x[1] - x[0]))), f"interpolated {between} ({values[after]:.4g}x)"


def by_size(table: pd.DataFrame) -> pd.DataFrame:
    """Compare our layer at each size with the floor, dense attention, and other packages."""
    rows = []
    for name in (FORWARD, BACKWARD):
        for _, own in _ours(table, f"{name} ms").iterrows():
            here = table[(table["N"] == own["N"]) & (table["batch"] == own["batch"])]
            dense = _fastest(here[here["layer"].isin(_DENSE)], name)
            products = _fastest(here[here["layer"] == _DENSE_ONEDNN], name)
            package = _fastest(here[here["layer"].str.startswith(_PACKAGES)], name)
            rows.append(
                {
                    "pass": name,
                    "tokens per head": own["tokens per head"],
                    "batch": own["batch"],
                    "N": own["N"],
                    "time / floor": own[f"{name} / floor"],
                    "dense / ours": dense[1] / own[f"{name} ms"],
                    "fastest dense": dense[0],
                    "dense with oneDNN products / ours": products[1] / own[f"{name} ms"],
                    "fastest package / ours": package[1] / own[f"{name} ms"],
                    "fastest package": package[0],
                }
            )
    return pd.DataFrame(rows, columns=_COLUMNS)


def scaling(table: pd.DataFrame) -> pd.DataFrame:
    """Return how the peak memory of our layer grows with N, and the N at which it is 1,250 times as fast."""
    rows = []
    compared = by_size(table)
    for name in (FORWARD, BACKWARD):
        own = _ours(table, f"{name} peak MB")
        own = own[own["N"].between(*MEMORY_RANGE)]
        ratios = compared[compared["pass"] == name].dropna(subset=["dense / ours"])
        for tokens in table["tokens per head"].dropna().unique():
            grown = own[own["tokens per head"] == tokens]
            ratio = ratios[ratios["tokens per head"] == tokens]
            where, how = crossing(ratio["N"].tolist(), ratio["dense / ours"].tolist(), CLAIMED_SPEED_UP)
            size = (grown["N"] * grown["batch"]).tolist()
            constant, power = growth(size, grown[f"{name} peak MB"].tolist())
            rows.append(
                {
                    "pass": name,
                    "tokens per head": tokens,
                    "exponent of peak memory": power,
                    "constant MB": constant,
                    "measured at N": ", ".join(map(str, grown["N"])),
                    f"N where dense takes {CLAIMED_SPEED_UP:g}x": where,
                    "how known": how,
                }
            )
    return pd.DataFrame(rows)


def _ours(table: pd.DataFrame, column: str) -> pd.DataFrame:
    own = table[(table["layer"] == OURS) & table[column].notna()]
    return own.sort_values(["tokens per head", "N"])


def _fastest(rivals: pd.DataFrame, name: str) -> tuple[str, float]:
    """Return name and milliseconds of the fastest layer; the name is marked if only a slice was timed."""
    rivals = rivals.dropna(subset=[f"{name} ms"])
    if rivals.empty:
        return "", math.nan
    best = rivals.sort_values(f"{name} ms").iloc[0]
    sliced = " (slice)" if f"{name}: slice" in best["note"] else ""
    return f"{best['layer']}{sliced}", float(best[f"{name} ms"])
