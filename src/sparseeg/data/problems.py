"""Problems with files that were read: what is wrong, and what was done about it."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pandas as pd

from sparseeg.errors import counted
from sparseeg.files.atomic import write_whole

Loss = Literal["nothing", "channels", "windows", "recording"]
LEFT_OUT = "left out"
FILE = "problems.tsv"


@dataclass(frozen=True)
class Problem:
    """A problem with one file.

    Parameters
    ----------
    path : the file.
    reason : what is wrong.
    action : what was done about it.
    lost : what it cost: "nothing" if the file was read nevertheless, some "channels" that are not EEG, some
        "windows", or the "recording".
    count : number of channels, windows or recordings lost; 0 is one recording.
    kind : the reason without what differs between files, or the type of the channels; for summaries.
    """

    path: Path
    reason: str
    action: str
    lost: Loss = "recording"
    count: int = 0
    kind: str = ""

    @property
    def is_note(self) -> bool:
        """Whether it cost nothing that is EEG."""
        return self.lost in ("nothing", "channels")

    def __str__(self) -> str:
        return f"{self.path}: {self.reason} ({self.action})"


def noted(path: Path, notes: Iterable[str]) -> list[Problem]:
    """Return a problem without loss for each note on a file that was read nevertheless."""
    return [Problem(path, note, "read nevertheless", "nothing") for note in notes]


def write_problems(problems: Iterable[Problem], folder: Path) -> None:
    """Write `problems.tsv` to a folder; without any problem, one of an earlier call is removed."""
    rows = [(str(problem.path), problem.reason, problem.action) for problem in problems]
    if not rows:
        (folder / FILE).unlink(missing_ok=True)
        return
    table = pd.DataFrame(rows, columns=["path", "reason", "action"])
    write_whole(folder / FILE, table.to_csv(sep="\t", index=False))


def listed(names: Iterable[str], noun: str, which: str = "") -> str:
    """Return "2 subjects: a, b": the number of different names and the first five of them."""
    different = sorted(set(names))
    more = ", ..." if len(different) > 5 else ""
    return f"{counted(len(different), noun)}{which}: {', '.join(different[:5])}{more}"


def count(problems: Iterable[Problem]) -> str:
    """Return "2 problems and 18 notes"."""
    problems = tuple(problems)
    notes = sum(problem.is_note for problem in problems)
    numbers = ((len(problems) - notes, "problem"), (notes, "note"))
    return " and ".join(counted(number, noun) for number, noun in numbers if number) or "no problems"


def summarise(problems: Iterable[Problem], examples: int = 3) -> str:
    """Return one line with the number of problems, what they cost, and the first of each of a few kinds."""
    problems = tuple(problems)
    by_loss = Counter(problem.lost for problem in problems)
    recordings = sum(problem.count or 1 for problem in problems if problem.lost == "recording")
    windows = sum(problem.count for problem in problems if problem.lost == "windows")
    costs = []
    if recordings:
        costs.append(f"{counted(recordings, 'recording')} left out")
    if windows:
        costs.append(f"{counted(windows, 'window')} dropped in {by_loss['windows']}")
    if by_loss["channels"]:
        costs.append(f"{by_loss['channels']} with channels left out")
    kinds: dict[str, list[Problem]] = {}
    for problem in sorted(problems, key=lambda problem: problem.is_note):
        kinds.setdefault(problem.kind or str(problem), []).append(problem)
    shown = [_first_of(alike) for alike in list(kinds.values())[:examples]]
    left = sum(map(len, list(kinds.values())[examples:]))
    if shown and left:
        shown.append(f"and {left} more")
    cost = f" ({', '.join(costs)})" if costs else ""
    return count(problems) + cost + (f": {'; '.join(shown)}" if shown else "")


def _first_of(alike: list[Problem]) -> str:
    """Return the first of several problems of a kind, with the number of the others."""
    return str(alike[0]) + (f" and {len(alike) - 1} like it" if len(alike) > 1 else "")
