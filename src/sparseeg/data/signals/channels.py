"""The channels that recordings should have, and how those of a recording differ from them."""

from collections import Counter
from collections.abc import Sequence

from sparseeg.data.bids.hbn import CH_NAMES


def expected_channels(found: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    """Return the channels that every recording should have.

    These are HBN's 129 channels, in HBN's order, if any recording has them; otherwise the most frequent list,
    or the first of several equally frequent ones.

    Parameters
    ----------
    found : the channels of each recording, in their order.
    """
    if not found:
        return ()
    if any(sorted(names) == sorted(CH_NAMES) for names in found):
        return CH_NAMES
    return Counter(found).most_common(1)[0][0]


def channel_order(names: Sequence[str], expected: Sequence[str]) -> list[int] | None:
    """Return the index in `names` of each expected channel; None unless both hold the same channels."""
    if sorted(names) != sorted(expected):
        return None
    return [list(names).index(name) for name in expected]


def channel_difference(names: Sequence[str], expected: Sequence[str]) -> str:
    """Describe how channels differ from the expected ones."""
    missing = [name for name in expected if name not in names]
    additional = [name for name in names if name not in expected]
    parts = [f"{len(names)} EEG channels instead of {len(expected)}"]
    for words, differing in (("missing", missing), ("additional", additional)):
        if differing:
            parts.append(f"{words}: {', '.join(differing[:5])}{', ...' if len(differing) > 5 else ''}")
    return "; ".join(parts)
