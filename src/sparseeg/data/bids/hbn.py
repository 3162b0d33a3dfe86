"""Constants of HBN-EEG: releases, tasks, channels, and the subjects that the challenge excludes.

Source: the data sets' own sidecars on OpenNeuro and the EEG Foundation Challenge 2025 start kit.
"""

from collections.abc import Iterable

from sparseeg.errors import SparseEEGError, nearest

RELEASES = {
    "R1": "ds005505",
    "R2": "ds005506",
    "R3": "ds005507",
    "R4": "ds005508",
    "R5": "ds005509",
    "R6": "ds005510",
    "R7": "ds005511",
    "R8": "ds005512",
    "R9": "ds005514",  # ds005513 is another data set
    "R10": "ds005515",
    "R11": "ds005516",
}
VALIDATION_RELEASE = "R5"

CONTRAST_TASK = "contrastChangeDetection"
TASKS = (
    "RestingState",
    "DespicableMe",
    "DiaryOfAWimpyKid",
    "FunwithFractals",
    "ThePresent",
    CONTRAST_TASK,
    "seqLearning6target",
    "seqLearning8target",
    "surroundSupp",
    "symbolSearch",
)

CH_NAMES = (*(f"E{number}" for number in range(1, 129)), "Cz")
MONTAGE = "GSN-HydroCel-129"
SFREQ = 100.0

EXCLUDED_SUBJECTS = frozenset(
    {
        "sub-NDARWV769JM7",
        "sub-NDARME789TD2",
        "sub-NDARUA442ZVF",
        "sub-NDARJP304NK1",
        "sub-NDARTY128YLU",
        "sub-NDARDW550GU6",
        "sub-NDARLD243KRE",
        "sub-NDARUJ292JXV",
        "sub-NDARBA381JGH",
    }
)


def release(name: str) -> str:
    """Return the name of a release (`R5`), given as `R5`, `r5`, `5` or its OpenNeuro id (`ds005509`).

    Raises
    ------
    SparseEEGError : there is no such release; the message suggests a similar one.
    """
    wanted = str(name).strip()
    by_id = {identifier: key for key, identifier in RELEASES.items()}
    candidate = by_id.get(wanted.lower(), wanted.upper())
    candidate = f"R{candidate}" if candidate.isdigit() else candidate
    if candidate not in RELEASES:
        raise SparseEEGError(
            f"unknown release {name!r}: HBN-EEG has R1 to R11.{nearest(candidate, RELEASES)}"
        )
    return candidate


def missing_releases(chosen: Iterable[str], found: Iterable[object], every: bool = True) -> list[str]:
    """Return the chosen releases that were not found; without `every`, none if any of them was found."""
    missing = sorted(set(chosen) - set(found))
    return missing if every or len(missing) == len(set(chosen)) else []
