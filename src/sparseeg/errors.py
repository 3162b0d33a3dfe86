"""The errors a user can mend: bad input, said in one line."""

import difflib
import errno
from collections.abc import Iterable

# What an OSError says of the disk that is written to, and never of a file that is read.
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)


class SparseEEGError(ValueError):
    """Bad input from outside: the message says what, where and what to do; the command line exits with 2."""


def not_installed(package: str, install: str, cause: Exception) -> SparseEEGError:
    """Return the error that an optional package can't be imported: why, and what `pip install` takes."""
    return SparseEEGError(
        f"{package} can't be imported here ({cause}); install it with `pip install '{install}'`"
    )


def one_line(error: BaseException) -> str:
    """Return an error's message on one line, with its type where the message alone says too little."""
    text = " ".join(str(error).split())
    if isinstance(error, ValueError) and text:
        return text
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def nearest(name: str, known: Iterable[str]) -> str:
    """Return " Did you mean 'x'?" for the known name that is closest or holds `name`, or an empty string."""
    names = list(known)
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    close = close or [one for one in names if len(name) > 2 and name.lower() in one.lower()]
    return f" Did you mean {close[0]!r}?" if close else ""
