"""Say that events of some names are not in a recording, and which events it has."""

from collections.abc import Collection, Sequence

import pandas as pd

from sparseeg.errors import nearest

NAMES = ("trial_type", "value")  # columns of events.tsv that may hold names
SHOWN = 12
_TIMES = ("response_time", "reaction_time", "rt")  # columns that some laboratories write

Wanted = Sequence[Collection[str]]


def absent(names: pd.Series, wanted: Wanted) -> str:
    """Return "no event go or stop, no event press" for the groups of names without an event; else ""."""
    groups = [group for group in wanted if not names.isin(list(group)).any()]
    return ", ".join(f"no event {' or '.join(group)}" for group in groups)


def present(names: pd.Series, content: pd.DataFrame | None, wanted: Wanted, column: str) -> str:
    """Return which events a recording has, with their numbers.

    Parameters
    ----------
    names : of its events.
    content : of its events.tsv, of which each column that may hold names is told; None if it has none.
    wanted : groups of names that were looked for; one that is similar to an absent one is proposed.
    column : column that was asked for.
    """
    if content is None:
        return _listed({"": names}, wanted)
    found = {name: content[name] for name in dict.fromkeys((column, *NAMES)) if name in content}
    said = _listed({name: cells for name, cells in found.items() if cells.notna().any()}, wanted)
    times = next((name for name in content if str(name).lower() in _TIMES), None)
    if times is not None:
        said += (
            f"; response times in the column {times} are not read: add an event at onset + {times} for each "
            "response"
        )
    return said


def _listed(columns: dict[str, pd.Series], wanted: Wanted) -> str:
    words = [
        _counted(cells) + (f" in the column {name}" if name else "")
        for name, cells in columns.items()
        if cells.notna().any()
    ]
    there = {str(name) for cells in columns.values() for name in cells.dropna()}
    lacking = [name for group in wanted if there.isdisjoint(group) for name in group]
    hint = next(filter(None, (nearest(name, sorted(there)) for name in lacking)), "")
    if not words:
        return "it has no events"
    return f"its events are {'; '.join(words)}{'.' if hint else ''}{hint}"


def _counted(names: pd.Series) -> str:
    """Return the names of events with their numbers, the most frequent first: "go (10), stop (2)"."""
    counts = names.dropna().astype(str).value_counts()
    shown = [f"{name} ({count})" for name, count in counts.head(SHOWN).items()]
    return ", ".join(shown + (["..."] if len(counts) > SHOWN else []))
