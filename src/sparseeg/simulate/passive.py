"""Passive recordings: events of a resting state with open and closed eyes, and of a film."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sparseeg.errors import SparseEEGError

from .behaviour import COLUMNS, onset_text
from .metadata import events_json

REST, FILM = "RestingState", "DespicableMe"

OPEN, CLOSE = "instructed_toOpenEyes", "instructed_toCloseEyes"
CODES = {
    "break cnt": "break cnt",
    "resting_start": "90",
    OPEN: "20",
    CLOSE: "30",
    "9999": "9999",
    "video_start": "83",
    "video_stop": "103",
}
"""Event codes of the real recordings; 83 and 103 are those of this film."""

OPEN_SECONDS, CLOSED_SECONDS = 20.0, 40.0
FIRST_INSTRUCTION = 5.0
"""About 46 s in the real recordings; earlier here, so that one minute includes both states."""

FILM_MARGIN = 2.0
"""Seconds of recording before the film starts and after it stops."""
FILM_SEED = 83
"""The film is the same for all subjects and data sets."""
SHOT_SECONDS, SHOT_LOG_SD = 3.0, 0.6
SHORTEST_MINUTES, LONGEST_MINUTES = 1, 30

EVENTS_JSON = events_json(
    {
        "resting_start": "Start of the resting state",
        OPEN: "A voice asks to open the eyes",
        CLOSE: "A voice asks to close the eyes",
        "video_start": "The film starts",
        "video_stop": "The film stops",
    }
)


@dataclass(frozen=True)
class PassiveRecording:
    """A passive recording.

    Parameters
    ----------
    task : BIDS name of the task.
    number : key of its random streams.
    seconds : its length.
    events : (onset in seconds, value), in order.
    cuts : times of the cuts between shots of the film, in seconds; they are not in events.tsv.
    """

    task: str
    number: int
    seconds: int
    events: tuple[tuple[float, str], ...]
    cuts: tuple[float, ...] = ()


def passive_seconds(minutes: float) -> int:
    """Return the length of a passive recording in whole seconds; 0 for no recording.

    Raises
    ------
    SparseEEGError : the length is neither 0 nor 1 to 30 minutes.
    """
    if minutes != 0 and not SHORTEST_MINUTES <= minutes <= LONGEST_MINUTES:
        raise SparseEEGError(
            f"passive recordings of {minutes:g} minutes cannot be simulated: choose 0 for none, or "
            f"{SHORTEST_MINUTES} to {LONGEST_MINUTES}"
        )
    return round(60 * minutes)


def passive_recordings(seconds: int) -> tuple[PassiveRecording, ...]:
    """Return the passive recordings of each subject, of `seconds` each; none for 0."""
    return (_rest(seconds), _film(seconds)) if seconds else ()


def _rest(seconds: int) -> PassiveRecording:
    events, onset, value = [(0.0, "break cnt"), (1.0, "resting_start")], FIRST_INSTRUCTION, OPEN
    while onset < seconds - 1:
        events.append((onset, value))
        onset += OPEN_SECONDS if value == OPEN else CLOSED_SECONDS
        value = CLOSE if value == OPEN else OPEN
    return PassiveRecording(REST, 1, seconds, (*events, (seconds - 1.0, "break cnt")))


def _film(seconds: int) -> PassiveRecording:
    start, stop = FILM_MARGIN, seconds - FILM_MARGIN
    shots = np.random.default_rng(FILM_SEED).lognormal(np.log(SHOT_SECONDS), SHOT_LOG_SD, seconds)
    cuts = start + np.cumsum(shots)
    events = ((0.0, "9999"), (start, "video_start"), (stop, "video_stop"))
    return PassiveRecording(FILM, 2, seconds, events, tuple(cuts[cuts < stop].tolist()))


def passive_events(recording: PassiveRecording) -> pd.DataFrame:
    """Return the events.tsv of a passive recording as strings, without a feedback column."""
    rows = [(onset_text(onset), "n/a", value, CODES[value]) for onset, value in recording.events]
    return pd.DataFrame(rows, columns=list(COLUMNS[:-1]))
