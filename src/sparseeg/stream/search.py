"""Search for a stream, and for the same stream again after it has ended."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sparseeg.stream.lsl import SeveralStreamsError

PAUSE = 1.0  # seconds between two attempts

Stream = TypeVar("Stream")


@dataclass
class Search(Generic[Stream]):
    """Looks for a stream once a second and opens it; never reports the same line twice in a row.

    Parameters
    ----------
    find : `find_signal` or `find_markers`, called with the name of the previous stream.
    open : opens the stream that was found.
    waiting : line to report while there is no stream.
    report : called with each line.
    previous : name of the stream that was read last; None before the first.
    """

    find: Callable[[str | None], Any | None]
    open: Callable[[Any], Stream]
    waiting: str
    report: Callable[[str], None]
    previous: str | None = None
    last_line: str = ""
    last_attempt: float = float("-inf")

    def __call__(self) -> Stream | None:
        """Return the open stream; None if there is none, or the last attempt was less than a second ago.

        Raises
        ------
        SeveralStreamsError : several streams fit, and none has been read before.
        """
        if time.monotonic() - self.last_attempt < PAUSE:
            return None
        try:
            info, line = self.find(self.previous), self.waiting
        except SeveralStreamsError as error:
            if self.previous is None:
                raise
            info, line = None, f"{error}, or stop the others; waiting"
        self.last_attempt = time.monotonic()
        if info is None:
            self.report_once(line)
            return None
        try:
            return self.open(info)
        except (RuntimeError, TimeoutError) as error:  # it ended before it was opened
            self.report_once(f"{info.name} can't be opened ({error})")
            return None

    def report_once(self, line: str) -> None:
        """Report a line, unless it is the same as the last one."""
        if line != self.last_line:
            self.report(line)
        self.last_line = line

    def accept(self, name: str) -> None:
        """Remember the name of the stream that is read now."""
        self.previous, self.last_line = name, ""
