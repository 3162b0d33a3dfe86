"""The errors a user can mend: bad input, said in one line."""

import difflib
from collections.abc import Iterable


class SparseEEGError(ValueError):
    """Bad input from outside: the message says what, where and what to do; the command line exits with 2."""


def nearest(name: str, known: Iterable[str]) -> str:
    """Return " Did you mean 'x'?" for the known name closest to `name`, or an empty string."""
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f" Did you mean {close[0]!r}?" if close else ""
