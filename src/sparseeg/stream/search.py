"""The search for a stream, and for the same one again once it is gone."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sparseeg.stream.lsl import SeveralError

PAUSE = 1.0  # seconds between two looks


@dataclass
class Search:
    """Looks for a stream once a second, and never tells the same thing twice in a row.

    Parameters
    ----------
    find : `find_signal` or `find_markers`, given the name of the stream that was read before.
    waiting : what is told while there is none.
    report : called with a line for whoever watches.
    before : name of the stream that was read last.
    """

    find: Callable[[str | None], Any | None]
    waiting: str
    report: Callable[[str], None]
    before: str | None = None
    told: str = ""
    asked: float = float("-inf")

    def __call__(self) -> Any | None:
        """Return the description of the stream where it is there and it is time to look.

        Raises SeveralError where several fit, but only until one has been read.
        """
        if time.monotonic() - self.asked < PAUSE:
            return None
        try:
            info, words = self.find(self.before), self.waiting
        except SeveralError as error:
            if self.before is None:
                raise
            info, words = None, f"{error}, or stop the others; waiting"
        self.asked = time.monotonic()
        if info is None:
            self.tell(words)
        return info

    def tell(self, words: str) -> None:
        """Report something that goes on, unless it was the last thing that was told."""
        if words != self.told:
            self.report(words)
        self.told = words

    def opened(self, name: str) -> None:
        """Remember the stream that is read now."""
        self.before, self.told = name, ""
