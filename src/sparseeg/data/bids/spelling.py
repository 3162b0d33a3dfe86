"""Names of people that may be the same name, spelled differently: sub-1 and sub-01, sub-A1 and sub-a1.

A person who is read as two trains and tests the same network.
"""

import re
from collections.abc import Iterable

NUMBERED = re.compile(
    r"(?:^|(?<=[^A-Za-z0-9]))(subject|subj|sub|participant|proband|vpn?)[-_ ]?(\d+)(?![A-Za-z0-9])",
    re.IGNORECASE,
)
"""A number with a word that says that it is a person's."""


def plain(name: str) -> str:
    """Return a name without `sub-` or another word for a person, without leading zeros and capitals."""
    bare = NUMBERED.sub(r"\2", re.sub(r"^sub-", "", name, flags=re.IGNORECASE)).casefold()
    return re.sub(r"^0+(?=.)|(?<!\d)0+(?=\d)", "", bare)


def alike(names: Iterable[str]) -> tuple[str, str] | None:
    """Return the first two different names that may be one person's, or two people's; None if none may."""
    known: dict[str, str] = {}
    for name in names:
        first = known.setdefault(plain(name), name)
        if first != name:
            return first, name
    return None
