"""Read participants.json of BIDS folders: which codes stand for missing values, and the unit of ages."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from sparseeg.data.problems import Problem
from sparseeg.errors import SparseEEGError, one_line
from sparseeg.files.atomic import read_json

NAME = "participants.json"
_YEARS = {"year": 1.0, "month": 12.0, "week": 365.25 / 7, "day": 365.25}  # in a year
_UNITS = {
    "year": {"year", "years", "yr", "yrs", "y", "a", "yo"},
    "month": {"month", "months", "mo", "mos", "mth", "mths"},
    "week": {"week", "weeks", "wk", "wks"},
    "day": {"day", "days", "d"},
}
_NOUN = "(?:value|data|score|answer|response|information|item|entry|measurement|age|sex|gender)s?"
_NOT = (
    "available|known|recorded|reported|given|stated|specified|provided|collected|measured|assessed|applicable"
)
_MISSING = re.compile(
    rf"(?:(?:the |a )?{_NOUN} )?(?:(?:is|are|was|were) )?"
    rf"(?:missing|n/?a|nan|unknown|unavailable|no (?:data|answer|value|score|information)"
    rf"|not (?:{_NOT}|answered|disclosed)|(?:refused|declined)(?: to \w+)?|prefer(?:s|red)? not to \w+)"
    rf"(?: {_NOUN})?(?: (?:due|because|for|as|at|in|by|from|on)\b.*)?(?:\s*[;:,.(/].*)?"
)


def read_columns(root: Path) -> tuple[dict[str, Any], list[Problem]]:
    """Return what participants.json says of each column, by its name in small letters, and its problems."""
    path = root / NAME
    if not path.exists():
        return {}, []
    try:
        found = read_json(path, dict)
    except SparseEEGError as error:
        return {}, [Problem(path, one_line(error).removeprefix(f"{path} "), "read without it", "nothing")]
    return {str(name).lower(): about for name, about in found.items()}, []


def missing_codes(column: pd.Series, about: object) -> pd.Series:
    """Return which cells of a column hold a code that its Levels describe as a missing value."""
    levels = about.get("Levels") if isinstance(about, Mapping) else None
    codes = [str(code).strip() for code, words in _items(levels) if _is_missing(words)]
    numbers = pd.to_numeric(pd.Series(codes, dtype=object), errors="coerce").dropna()
    return column.isin(codes) | pd.to_numeric(column, errors="coerce").isin(numbers)


def _items(levels: object) -> list[tuple[object, object]]:
    return list(levels.items()) if isinstance(levels, Mapping) else []


def _is_missing(words: object) -> bool:
    if isinstance(words, Mapping):
        words = words.get("Description")
    return isinstance(words, str) and _MISSING.fullmatch(" ".join(words.casefold().split())) is not None


def per_year(about: object) -> tuple[float | None, str]:
    """Return how many units of ages are a year, None for a unit that is not known; and its name."""
    if not isinstance(about, Mapping):
        return 1.0, "year"
    units = str(about.get("Units") or "").strip()
    if units.casefold() in ("", "n/a"):
        described = re.search(r"\bin (months|weeks|days)\b", str(about.get("Description")).casefold())
        units = described[1] if described else "years"
    word = re.split(r"[\s(,;.]", units.casefold())[0]
    unit = next((name for name, spellings in _UNITS.items() if word in spellings), None)
    return (None, units) if unit is None else (_YEARS[unit], unit)
