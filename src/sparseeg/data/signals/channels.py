"""Which channels recordings should have, and how one that differs does so."""

from collections import Counter
from collections.abc import Sequence

from sparseeg.data.bids.hbn import CH_NAMES


def expected_channels(found: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    """Return the channels every recording should have, from those found.

    HBN's 129 where some recording has them (in their own order), else the list that most recordings have; of
    equally frequent ones the first found.
    """
    if not found:
        return ()
    if any(sorted(names) == sorted(CH_NAMES) for names in found):
        return CH_NAMES
    return Counter(found).most_common(1)[0][0]


def channel_order(names: Sequence[str], expected: Sequence[str]) -> list[int] | None:
    """Return where each expected channel is among `names`, or None unless both hold the same channels."""
    if sorted(names) != sorted(expected):
        return None
    return [list(names).index(name) for name in expected]


def channel_difference(names: Sequence[str], expected: Sequence[str]) -> str:
    """Say in words how channels differ from the expected ones."""
    lacking = [name for name in expected if name not in names]
    beyond = [name for name in names if name not in expected]
    parts = [f"{len(names)} EEG channels instead of {len(expected)}"]
    for words, differing in (("lacks", lacking), ("has besides", beyond)):
        if differing:
            parts.append(f"{words} {', '.join(differing[:5])}{', ...' if len(differing) > 5 else ''}")
    return "; ".join(parts)
