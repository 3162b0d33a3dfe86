"""Is the name of an event a misspelt form of another one?"""

import re
from collections.abc import Iterable

_SHORT = 4  # letters: below, one other letter makes another word, or the code of another condition


def misspelt(name: str, known: Iterable[str]) -> str | None:
    """Return the known name of which `name` may be a misspelt form; None if there is none.

    It may differ in capitals and in what stands between words, and one of its words in one letter that is
    missing, added, another, or exchanged with the next. Numbers are codes of other events.

    >>> misspelt("taste/links", ["Taste/links"]), misspelt("S 12", ["S 11"])
    ('Taste/links', None)
    """
    words = _words(name)
    return next((other for other in known if name != other and _alike(words, _words(other))), None)


def _words(name: str) -> list[str]:
    return re.findall(r"\d+|[^\W\d_]+", name.casefold())


def _alike(words: list[str], others: list[str]) -> bool:
    if "".join(words) == "".join(others):
        return bool(words)
    if len(words) != len(others):
        return False
    differing = [pair for pair in zip(words, others, strict=True) if pair[0] != pair[1]]
    return len(differing) == 1 and _one_letter_apart(*differing[0])


def _one_letter_apart(word: str, other: str) -> bool:
    if min(len(word), len(other)) < _SHORT or word.isdecimal() or other.isdecimal():
        return False
    while word and other and word[0] == other[0]:
        word, other = word[1:], other[1:]
    while word and other and word[-1] == other[-1]:
        word, other = word[:-1], other[:-1]
    return max(len(word), len(other)) == 1 or (len(word) == 2 and word == other[::-1])
