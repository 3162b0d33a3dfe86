"""Compare sexes of two data sets, which may write them in other words, as `F`, `w` or `female`."""

from collections.abc import Sequence

_FEMALE = {
    *("f", "fem", "female", "w", "woman", "girl", "weiblich", "frau", "femme", "feminin", "féminin"),
    *("femenino", "feminino", "femminile", "femmina", "mujer", "vrouw"),
}
_MALE = {
    *("m", "male", "man", "boy", "männlich", "maennlich", "mann", "homme", "masculin", "masculino"),
    *("maschile", "maschio", "hombre"),
}


def compared_sexes(pairs: Sequence[tuple[str, str]]) -> tuple[bool, str]:
    """Return whether the sex of a person differs between two data sets, and two codes that tell nothing.

    Codes that are not understood, as numbers, tell nothing; nor does M beside H (mujer, hombre).

    pairs : sex of each person in one and in the other data set. The codes are in words; empty if all of them
        are understood.
    """
    ones, others = ([_plain(pair[number]) for pair in pairs] for number in (0, 1))
    sexes = list(zip(_understood(ones), _understood(others), strict=True))
    unclear = [pair for pair, known in zip(pairs, sexes, strict=True) if None in known]
    differ = any(None not in known and known[0] != known[1] for known in sexes)
    return differ, f"{unclear[0][0]!r} and {unclear[0][1]!r}" if unclear else ""


def _plain(code: str) -> str:
    return code.strip().rstrip(".").casefold()


def _understood(codes: Sequence[str]) -> list[str | None]:
    """Return the sex that each code of a data set stands for; None where that is not clear."""
    unclear = {"m"} if "h" in codes else set()
    return [
        None if code in unclear else "female" if code in _FEMALE else "male" if code in _MALE else None
        for code in codes
    ]
