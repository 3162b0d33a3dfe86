"""Which errors are retried, how often, and after which pause."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from threading import Event
from typing import TypeVar

Result = TypeVar("Result")
LONGEST_PAUSE = 30.0


class BrokenError(Exception):
    """An error after which the request is repeated."""


class RefusedError(Exception):
    """An error that repeating does not solve."""


class StoppedError(Exception):
    """The download was stopped."""


@dataclass(frozen=True)
class Patience:
    """Number of retries, pauses and time limit.

    Parameters
    ----------
    retries : retries after an attempt that received no data; one that received some starts the count anew.
    pause : seconds before the first of them; each pause is about twice the one before, up to 30 s.
    silence : seconds without data after which an attempt ends.
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
    """Return `attempt()`, repeated after each `BrokenError` as often as `patience` allows.

    Parameters
    ----------
    position : how far the attempts have come; only one that comes further than all before counts as progress.

    Raises
    ------
    RefusedError : no retry is left; the message is that of the last attempt.
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
                attempts = "1 attempt" if failures == 1 else f"{failures} attempts in a row"
                raise RefusedError(f"{error}; {attempts} received no data") from error
            pause = min(LONGEST_PAUSE, patience.pause * 2 ** (failures - 1)) * random.uniform(0.5, 1.0)
        if stop.wait(pause):
            raise StoppedError
