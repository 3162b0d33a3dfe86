"""Waiting for something that happens elsewhere: as long as it takes, on any machine under any load."""

import time
from collections.abc import Callable

SAFETY_NET = 600.0
"""Seconds after which something will never happen. No test takes so long unless it fails."""


def wait_until(happened: Callable[[], object], words: object = "") -> None:
    """Return when `happened()` is true; fail, with `words`, if it never is."""
    until = time.monotonic() + SAFETY_NET
    while not happened():
        assert time.monotonic() < until, words or "it never happened"
        time.sleep(0.01)
