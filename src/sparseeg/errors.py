"""Errors caused by bad input, with messages of one line."""

import difflib
import errno
import importlib
import shlex
from collections.abc import Iterable

# Errors of an OSError that concern the disk that is written to, never a file that is read.
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)


class SparseEEGError(ValueError):
    """Bad input: the message says what is wrong, where, and what to do; commands exit with code 2."""


def not_installed(package: str, install: str, cause: Exception) -> SparseEEGError:
    """Return the error for an optional package that can't be imported, with the command that installs it.

    Parameters
    ----------
    package : name of the package.
    install : argument of `pip install`.
    cause : error of the import.
    """
    return SparseEEGError(f"{package} can't be imported ({cause}); install it with `pip install '{install}'`")


def require(package: str, extra: str, why: str) -> None:
    """Raise SparseEEGError if an optional package can't be imported; `extra` of sparseeg installs it."""
    try:
        importlib.import_module(package)
    except ImportError as error:
        raise SparseEEGError(f"{why}; {not_installed(package, f'sparseeg[{extra}]', error)}") from error


def one_line(error: BaseException) -> str:
    """Return the message of an error on one line, with its type unless it is a ValueError."""
    text = " ".join(str(error).split())
    if isinstance(error, ValueError) and text:
        return text
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def nearest(name: str, known: Iterable[str]) -> str:
    """Return " Did you mean 'x'?" for the known name that is most similar or contains `name`, if any.

    A name that is known needs no hint.
    """
    names = list(known)
    if name in names:
        return ""
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    close = close or [candidate for candidate in names if len(name) > 2 and name.lower() in candidate.lower()]
    return f" Did you mean {close[0]!r}?" if close else ""


def command(*words: object) -> str:
    """Return a command of sparseeg as it can be pasted into a shell: words with blanks are quoted.

    >>> command("train", "--task", "reaction (ms)")
    "sparseeg train --task 'reaction (ms)'"
    """
    return shlex.join(["sparseeg", *map(str, words)])


def counted(number: int, noun: str) -> str:
    """Return "1 window" or "2 windows"."""
    return f"{number} {noun}{'s' * (number != 1)}"


def in_words(value: object) -> str:
    """Return a value as a user types it: 100 for 100.0, names with commas, "none" for nothing."""
    if isinstance(value, list | tuple):
        return ",".join(map(in_words, value)) or "none"
    if value is None:
        return "none"
    return f"{value:.12g}" if isinstance(value, float) else str(value)
