"""Names of events that look the same are the same."""

import unicodedata
from collections.abc import Iterable


def event_name(text: str) -> str:
    """Return a name without blanks around it, each letter with its accents as one character (NFC)."""
    return unicodedata.normalize("NFC", text).strip()


def event_names(texts: Iterable[str]) -> tuple[str, ...]:
    """Return the names of events in texts."""
    return tuple(map(event_name, texts))
