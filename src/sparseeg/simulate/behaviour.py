"""Behaviour in one run of the task: changes of contrast, button presses, and the events table."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from .random_streams import random_stream
from .settings import DELAYS, FEEDBACK_SECONDS, SFREQ, TARGETS_PER_RUN, SimulatorSettings
from .subjects import Subject

CODES = {
    "contrastTrial_start": "5",
    "left_target": "8",
    "right_target": "9",
    "left_buttonPress": "12",
    "right_buttonPress": "13",
    "break cnt": "break cnt",
    "9999": "9999",
}
COLUMNS = ("onset", "duration", "value", "event_code", "feedback")
LEAD_SECONDS, TAIL_SECONDS = 8.0, 6.0


@dataclass(frozen=True)
class TaskRun:
    """Trials and presses of one run of the task.

    Parameters
    ----------
    number : number of the run, from 1.
    trials : one row per target, with the columns trial_start, delay, onset, side, rt (NaN for a miss), driven
        (False for guesses and misses) and correct; times in seconds.
    presses : one row per button press, with the columns onset, side, kind ("response", "early", "second"),
        trial and feedback.
    seconds : length of the run.
    """

    number: int
    trials: pd.DataFrame
    presses: pd.DataFrame
    seconds: float

    @property
    def n_samples(self) -> int:
        """Number of samples of the recording."""
        return int(self.seconds * SFREQ)


def each_row(table: pd.DataFrame) -> Iterator[Any]:
    """Yield the rows of a table as named tuples."""
    yield from table.itertuples()


def _tick(seconds: np.ndarray) -> np.ndarray:
    """Round to the 2-ms clock of the original 500-Hz recordings."""
    return np.round(np.asarray(seconds) * 500) / 500


def _balanced(rng: np.random.Generator, values: tuple, count: int) -> np.ndarray:
    """Return `count` values in random order, each about equally often."""
    return rng.permutation(np.resize(rng.permutation(values), count))


def _response_times(
    rng: np.random.Generator,
    subject: Subject,
    delays: np.ndarray,
    right: np.ndarray,
    settings: SimulatorSettings,
) -> tuple[np.ndarray, np.ndarray]:
    """Draw response times (NaN for a miss), and whether the target caused the press, both (trials,)."""
    b, count = settings.behaviour, len(delays)
    drift = rng.standard_normal(count)
    for trial in range(1, count):
        drift[trial] = b.rt_lag * drift[trial - 1] + np.sqrt(1 - b.rt_lag**2) * drift[trial]
    by_delay = np.asarray(b.rt_by_delay)[np.searchsorted(DELAYS, delays)]
    rt = subject.rt_mean + by_delay + b.rt_right_minus_left * (right - 0.5) + subject.rt_sd * drift
    guess = rng.random(count) < subject.guess_rate
    rt = np.where(guess, rng.uniform(0.02, FEEDBACK_SECONDS, count), rt)
    missed = (rng.random(count) < subject.miss_rate) | (rt >= FEEDBACK_SECONDS - 0.004) | (rt < 0.02)
    return np.where(missed, np.nan, _tick(rt)), ~guess & ~missed


def _trials(
    rng: np.random.Generator, subject: Subject, targets: int, settings: SimulatorSettings
) -> pd.DataFrame:
    """Draw the trials of a run, (targets,) rows."""
    delays = _balanced(rng, DELAYS, targets)
    right = _balanced(rng, (0.0, 1.0), targets)
    rt, driven = _response_times(rng, subject, delays, right, settings)
    hit = rng.random(targets) < np.where(driven, settings.behaviour.accuracy, 0.5)
    length = delays + FEEDBACK_SECONDS
    start = LEAD_SECONDS + np.concatenate([[0.0], np.cumsum(length)[:-1]])
    return pd.DataFrame({
        "trial_start": _tick(start), "delay": delays, "onset": _tick(start + delays),
        "side": np.where(right > 0, "right", "left"), "rt": rt, "driven": driven,
        "correct": hit & ~np.isnan(rt),
    })  # fmt: skip


def _presses(rng: np.random.Generator, trials: pd.DataFrame, settings: SimulatorSettings) -> pd.DataFrame:
    """Return all presses: responses, and some before the target or after the response."""
    rows = []
    for number, trial in enumerate(each_row(trials)):
        early, second, draws = rng.random(), rng.random(), rng.random(2)
        side = ("left", "right")[int((trial.side == "right") == trial.correct)]
        if early < settings.behaviour.early_press_rate:
            when = trial.trial_start + 0.1 + draws[0] * (trial.delay - 0.2)
            rows.append((when, ("left", "right")[int(draws[1] < 0.5)], "early", number, "non_target"))
        if np.isnan(trial.rt):
            continue
        mark = "smiley_face" if trial.correct else "sad_face"
        rows.append((trial.onset + trial.rt, side, "response", number, mark))
        room = FEEDBACK_SECONDS - 0.02 - trial.rt
        if second < settings.behaviour.second_press_rate and room > 0.15:
            when = trial.onset + trial.rt + 0.12 + draws[0] * (room - 0.12)
            rows.append((when, ("left", "right")[int(draws[1] < 0.5)], "second", number, "non_target"))
    presses = pd.DataFrame(rows, columns=["onset", "side", "kind", "trial", "feedback"])
    presses["onset"] = _tick(presses["onset"].to_numpy(dtype=float))
    return presses.sort_values("onset", kind="stable", ignore_index=True)


def make_run(
    seed: int, subject: Subject, number: int, settings: SimulatorSettings, targets: int = TARGETS_PER_RUN
) -> TaskRun:
    """Draw a run of a subject: trials, presses, and length in whole seconds."""
    rng = random_stream(seed, subject.index, "behaviour", number)
    trials = _trials(rng, subject, targets, settings)
    presses = _presses(rng, trials, settings)
    end = trials["onset"].iloc[-1] + FEEDBACK_SECONDS + TAIL_SECONDS
    return TaskRun(number, trials, presses, float(np.ceil(end)))


def onset_text(seconds: float) -> str:
    """Return an onset as in events.tsv: at most three decimals, without trailing zeros."""
    return f"{seconds:.3f}".rstrip("0").rstrip(".")


def events_table(run: TaskRun) -> pd.DataFrame:
    """Return the events.tsv of a run as strings, in order of onset; a trial start follows the last trial."""
    rows = [(0.0, "break cnt", "n/a"), (LEAD_SECONDS - 5.0, f"contrastChangeB{run.number}_start", "n/a")]
    for trial in each_row(run.trials):
        rows += [
            (trial.trial_start, "contrastTrial_start", "n/a"),
            (trial.onset, f"{trial.side}_target", "n/a"),
        ]
    last = float(run.trials["onset"].iloc[-1]) + FEEDBACK_SECONDS
    rows.append((last, "contrastTrial_start", "n/a"))
    rows += [(press.onset, f"{press.side}_buttonPress", press.feedback) for press in each_row(run.presses)]
    rows += [(last + 4.0, "break cnt", "n/a"), (last + 5.0, "9999", "n/a")]
    rows.sort(key=lambda row: row[0])
    codes = {**CODES, f"contrastChangeB{run.number}_start": str(93 + run.number)}
    return pd.DataFrame(
        [(onset_text(onset), "n/a", value, codes[value], mark) for onset, value, mark in rows],
        columns=list(COLUMNS),
    )
