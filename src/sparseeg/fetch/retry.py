"""Trying again: what is worth another try, how often, and after how long."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from threading import Event
from typing import TypeVar

Result = TypeVar("Result")
LONGEST_PAUSE = 30.0


class BrokenError(Exception):
    """Something that may go well at another try."""


class RefusedError(Exception):
    """Something that another try won't mend."""


class StoppedError(Exception):
    """Told to stop."""


@dataclass(frozen=True)
class Patience:
    """How long to put up with a bad connection.

    Parameters
    ----------
    retries : further tries after one that brought nothing; one that brought something starts the count anew.
    pause : seconds before the first of them; each pause is about twice the one before, up to 30 s.
    silence : seconds without a byte after which a try is given up.
    """

    retries: int = 5
    pause: float = 1.0
    silence: float = 30.0


PATIENCE = Patience()


def persist(
    attempt: Callable[[], Result],
    patience: Patience,
    stop: Event,
    position: Callable[[], int] = lambda: 0,
) -> Result:
    """Return `attempt()`, called again as long as it is `BrokenError` and patience lasts.

    Parameters
    ----------
    position : how far the attempts have come; only one that comes further than all before counts as progress.

    Raises
    ------
    RefusedError : out of patience; the message is the last attempt's.
    StoppedError : `stop` was set during a pause.
    """
    failures, furthest = 0, position()
    while True:
        try:
            return attempt()
        except BrokenError as error:
            now = position()
            failures = 0 if now > furthest else failures + 1
            furthest = max(furthest, now)
            if failures > patience.retries:
                tries = "one try" if failures == 1 else f"{failures} tries in a row"
                raise RefusedError(f"{error}; {tries} brought nothing") from error
            pause = min(LONGEST_PAUSE, patience.pause * 2 ** (failures - 1)) * random.uniform(0.5, 1.0)
        if stop.wait(pause):
            raise StoppedError
