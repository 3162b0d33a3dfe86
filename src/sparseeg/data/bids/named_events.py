"""Say which named events recordings lack, which others look like them, and which trials have no response."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd

from sparseeg.data.bids.misspelt import misspelt
from sparseeg.data.bids.trials import CONTRAST_CHANGE, TrialRule, trial_table
from sparseeg.data.problems import Problem
from sparseeg.errors import counted, nearest


@dataclass(frozen=True)
class Alike:
    """Events of one recording whose name looks like a named one: how many, and how many in response times."""

    name: str
    like: str
    count: int
    between: int


@dataclass(frozen=True)
class NamedEvents:
    """The named events of one recording.

    Parameters
    ----------
    counts : number of events of each name.
    trials, unanswered : number of trials of each stimulus, and of those without a response.
    similar : for names without an event, the most similar event that has no name here, as a hint.
    alike : events that look like named ones, which are not used.
    """

    counts: dict[str, int] = field(default_factory=dict)
    trials: dict[str, int] = field(default_factory=dict)
    unanswered: dict[str, int] = field(default_factory=dict)
    similar: dict[str, str] = field(default_factory=dict)
    alike: list[Alike] = field(default_factory=list)


Found = Sequence[tuple[Path, NamedEvents]]
"""Path of the events file and named events of each recording."""


def named_events(events: pd.DataFrame, rule: TrialRule) -> NamedEvents:
    """Return the named events of a recording; `events` are those of `Events.named`."""
    names = events["name"].dropna().astype(str)
    counts = {name: int((names == name).sum()) for name in rule.names}
    others = sorted(set(names) - set(rule.names))
    trials = trial_table(events, replace(rule, column="name")).dropna(subset=["stimulus_onset"])
    shown, missed = trials["stimulus"], trials.loc[trials["rt"].isna(), "stimulus"]
    alike = []
    for name in others:
        like = misspelt(name, rule.names)
        if like is not None:
            onset = events.loc[events["name"] == name, "onset"].to_numpy(dtype=np.float64)
            alike.append(Alike(name, like, len(onset), _between(onset, trials.dropna(subset=["rt"]))))
    return NamedEvents(
        counts,
        dict(Counter(map(str, shown))),
        dict(Counter(map(str, missed))),
        {name: nearest(name, others) for name, count in counts.items() if not count},
        alike,
    )


def notes_on_events(path: Path, rule: TrialRule, found: Found) -> list[Problem]:
    """Return what is to be said on the named events of the recordings of the data set at `path`."""
    return [*_in_none(path, rule, found), *_in_some(rule, found), *_alike(path, found)]


def _in_none(path: Path, rule: TrialRule, found: Found) -> list[Problem]:
    """Return a problem for events of the user's own that no recording has or that lead to no window."""
    counts, trials, missed = (_total(found, name) for name in ("counts", "trials", "unanswered"))
    problems = []
    for group, noun in ((rule.stimulus, "stimuli"), (rule.response, "responses")):
        if group in (CONTRAST_CHANGE.stimulus, CONTRAST_CHANGE.response):
            continue
        for name in group:
            locked = "no window is locked to an event" if noun == "stimuli" else "no recording has an event"
            if not counts[name]:
                hint = next(filter(None, (events.similar.get(name) for _, events in found)), "")
                reason = f"{locked} {name}{'.' * bool(hint)}{hint}"
            elif noun == "stimuli" and trials[name] == missed[name]:
                why = f"none of its {counted(trials[name], 'trial')} has a response"
                reason = f"{locked} {name}: {why if trials[name] else 'it is the first of no trial'}"
            else:
                continue
            problems.append(Problem(path, reason, f"the other {noun} are used", "nothing"))
    return problems


def _in_some(rule: TrialRule, found: Found) -> list[Problem]:
    """Return a problem for each recording that lacks an event that most recordings have."""
    problems = []
    for name in dict.fromkeys((*rule.stimulus, *rule.response, *rule.trial_start)):
        having = sum(events.counts.get(name, 0) > 0 for _, events in found)
        if having <= len(found) / 2:
            continue
        for path, events in found:
            if events.counts.get(name) or name in [alike.like for alike in events.alike]:
                continue  # the latter is said of the event that looks like it
            hint = events.similar.get(name, "")
            if name in rule.response and not hint:
                continue  # who presses one button only is no fault of the file
            reason = f"no event {name}, which {having} of {len(found)} recordings have"
            problems.append(
                Problem(path, f"{reason}{'.' if hint else ''}{hint}", "read without it", "nothing")
            )
    return problems


def _alike(path: Path, found: Found) -> list[Problem]:
    """Return a problem for events that look like named ones: one for all recordings if none has the name."""
    counts, everywhere = _total(found, "counts"), dict[tuple[str, str], list[Alike]]()
    problems = []
    for events_file, events in found:
        for alike in events.alike:
            if counts[alike.like]:
                problems.append(_not_used(events_file, [alike]))
            else:
                everywhere.setdefault((alike.name, alike.like), []).append(alike)
    return problems + [_not_used(path, group) for group in everywhere.values()]


def _not_used(path: Path, group: Sequence[Alike]) -> Problem:
    name, like = group[0].name, group[0].like
    count, between = (sum(getattr(alike, part) for alike in group) for part in ("count", "between"))
    reason = f"{counted(count, 'event')} {name} not used: the name looks like {like}"
    if between:
        reason += f"; {between} of them between a stimulus and its response, whose time may be wrong"
    return Problem(path, reason, f"correct {name}, or name it as an event too", "nothing")


def _between(onset: np.ndarray, answered: pd.DataFrame) -> int:
    """Return how many onsets lie between the stimulus and the response of a trial."""
    first, last = (answered[name].to_numpy(dtype=np.float64) for name in ("stimulus_onset", "response_onset"))
    return int(((onset[:, None] > first) & (onset[:, None] < last)).any(axis=1).sum())


def _total(found: Found, part: str) -> Counter[str]:
    return sum((Counter(getattr(events, part)) for _, events in found), Counter())
