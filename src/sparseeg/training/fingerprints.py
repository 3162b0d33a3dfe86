"""Which windows a run knows: `fingerprints.json`, so that copies under other names are told when it is used.

Names of people only say who someone is as long as nobody renames a file or a data set.
"""

from pathlib import Path

from sparseeg.data.fingerprints import fingerprints
from sparseeg.data.people import renamed
from sparseeg.data.problems import listed
from sparseeg.data.windows import WindowSet
from sparseeg.engines import Report
from sparseeg.errors import SparseEEGError
from sparseeg.files.atomic import read_json, write_json

FILE = "fingerprints.json"


def write_fingerprints(run: Path, windows: WindowSet, before: Path | None) -> None:
    """Write the fingerprints of windows to the folder of a run.

    before : run that its initial weights come from, whose fingerprints are kept too: it may be moved.
    """
    found = {} if before is None else _read(before)
    for subject, prints in _by_subject(windows).items():
        found[subject] = found.get(subject, set()) | prints
    write_json(run / FILE, {subject: sorted(prints) for subject, prints in found.items()})


def check_same_windows(run: Path, windows: WindowSet, report: Report) -> None:
    """Check that a run's own data are those that it was started with; report windows that are new.

    Runs of version 0.1.0 keep no fingerprints: nothing is compared then.

    Raises
    ------
    SparseEEGError : none of the windows of a person were there.
    """
    known = _read(run)
    for subject, prints in _by_subject(windows).items():
        new = [one for one in prints if one not in known.get(subject, ())]
        if not new or subject not in known:
            continue
        if len(new) == len(prints):
            raise SparseEEGError(
                f"{windows.source}: the {len(new)} windows of {subject} are not those that {run} was started "
                "with: the data there have changed; put them back, or give other data by --data"
            )
        report(f"{len(new)} of the {len(prints)} windows of {subject} were not there when {run} was started")


def same_people(run: Path, windows: WindowSet, report: Report) -> WindowSet:
    """Return windows in which people with the same samples as those of a run have their names.

    `report` is told who that is. Raises SparseEEGError where the run knows somebody else by that name.
    """
    known = _read(run)
    owners = {one: subject for subject, prints in known.items() for one in prints}
    names, found = {}, []
    for subject, prints in _by_subject(windows).items():
        if subject in known and not known[subject].isdisjoint(prints):
            continue
        others = sorted({owners[one] for one in prints if one in owners})
        if not others:
            continue
        shared = sum(one in owners for one in prints)
        if subject in known or len(others) > 1:
            raise SparseEEGError(
                f"{windows.source}: {shared} of the {len(prints)} windows of {subject} have the same samples "
                f"as those of {' and '.join(others)} in {run}: whose they are is not known; leave "
                f"{subject} out"
            )
        names[subject] = others[0]
        found.append(f"{subject} ({others[0]}, {shared} of {len(prints)} windows)")
    if found:
        same = "has the same samples as" if len(found) == 1 else "have the same samples as"
        report(
            f"{windows.source}: {listed(found, 'subject', f' {same} subjects of {run}, so they are these')}"
        )
    return renamed(windows, names)


def _by_subject(windows: WindowSet) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for subject, one in zip(windows.subjects.tolist(), fingerprints(windows), strict=True):
        if one:
            found.setdefault(subject, set()).add(one)
    return found


def _read(run: Path) -> dict[str, set[str]]:
    """Return the fingerprints that a run keeps, by subject; none for a run of version 0.1.0."""
    return read_json(run / FILE, dict[str, set[str]]) if (run / FILE).exists() else {}
