"""Who the subjects of a run are: `people.json`, beside `splits.json`, which only names them."""

from dataclasses import asdict, replace
from pathlib import Path

import numpy as np

from sparseeg.data.people import Person, named_as, people_in, without_datasets
from sparseeg.data.problems import Problem
from sparseeg.data.windows import WindowSet
from sparseeg.engines import Report, ignore
from sparseeg.errors import SparseEEGError
from sparseeg.files.atomic import read_json, write_json
from sparseeg.training import lineage, subjects
from sparseeg.training.fingerprints import same_people

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


def other_people(folder: Path, windows: WindowSet, report: Report) -> WindowSet:
    """Return other windows, in which people whom a network has seen have the names that its run gave them.

    They are found by name and data set, and by the samples of their windows, whatever the files are called.

    folder : of the network, as in `seen_by`. `report` is told who is told apart.
    """
    windows, notes = named_as(windows, _known(folder))
    for note in notes:
        report(note)
    return same_people(lineage.place(folder)[0], windows, report)


def without_seen(folder: Path, windows: WindowSet, report: Report) -> WindowSet:
    """Return other windows without the people whose targets trained or validated a network.

    folder : of the network, as in `seen_by`. `report` is told who is left out; so is `problems` of the
    windows. Raises SparseEEGError where nobody is left.
    """
    names = other_people(folder, windows, ignore).subjects
    seen = lineage.seen_by(folder)
    known = sorted({*seen.trained, *seen.validated} & set(names))
    if not known:
        return windows
    lost = np.isin(names, known)
    if lost.all():
        raise SparseEEGError(f"{windows.source}: no other subject is left: {seen.told(known)}")
    left_out = f"their {int(lost.sum())} windows left out"
    report(f"{seen.told(known)}: {left_out}")
    kind = "of subjects that the network has seen"
    problem = Problem(Path(windows.source), seen.told(known), left_out, "windows", int(lost.sum()), kind)
    return replace(windows.select(~lost), problems=(*windows.problems, problem))


def started_people(run: Path, init: str | None, windows: WindowSet, report: Report) -> WindowSet:
    """Return windows with the names of their people in a run, which may start from another run's weights."""
    if init is None or (run / subjects.FILE).exists():
        return own_people(run, windows)
    return other_people(Path(init), windows, report)


def _known(folder: Path) -> list[Person]:
    """Return the people whom the network in a folder has seen; those of its ancestors by name only."""
    run = lineage.place(folder)[0]
    if not (run / FILE).exists():
        return [Person.of_name(name) for name in sorted(lineage.seen_by(folder).names)]
    before = lineage.kept(run)
    names = set() if before is None else before.names
    return [*map(Person.of_name, sorted(names)), *read_json(run / FILE, list[Person])]
