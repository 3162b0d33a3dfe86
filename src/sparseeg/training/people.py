"""Who the subjects of a run are: `people.json`, beside `splits.json`, which only names them."""

from collections.abc import Collection
from dataclasses import asdict
from pathlib import Path

from sparseeg.data.people import Person, named_as, people_in, without_datasets
from sparseeg.data.windows import WindowSet
from sparseeg.engines import Report
from sparseeg.files.atomic import read_json, write_json
from sparseeg.training import subjects

FILE = "people.json"


def write_people(run: Path, windows: WindowSet) -> None:
    """Write the people in windows to the folder of a run."""
    write_json(run / FILE, [asdict(person) for person in people_in(windows)])


def own_people(run: Path, windows: WindowSet) -> WindowSet:
    """Return windows of a run with the names that its subjects had when it was started.

    Versions that kept no people named all of them as in their data sets.
    """
    if (run / FILE).exists():
        return named_as(windows, read_json(run / FILE, list[Person]))[0]
    return without_datasets(windows) if (run / subjects.FILE).exists() else windows


def other_people(run: Path, windows: WindowSet, names: Collection[str], report: Report) -> WindowSet:
    """Return other windows, in which only people of a run have their names, and report who is told apart.

    names : of people whose data set the run may not know; somebody of the same name is the same person.
    """
    kept = read_json(run / FILE, list[Person]) if (run / FILE).exists() else []
    known = [Person(name, name) for name in sorted(set(names) - {person.name for person in kept})]
    windows, notes = named_as(windows, [*known, *kept])
    for note in notes:
        report(note)
    return windows
