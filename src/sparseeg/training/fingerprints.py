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
from sparseeg.training.subjects import networks_say_who_trained

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
    SparseEEGError : none of the windows of a person were there, or some were another person's.
    """
    known = _read(run)
    owners = _owners(known)
    for subject, prints in _by_subject(windows).items():
        new = prints - known.get(subject, set())
        if not new or subject not in known:
            continue
        others = sorted({owner for one in new for owner in owners.get(one, ())})
        if len(new) == len(prints) or others:
            whose = f", but those of {' and '.join(others)}" if others else ""
            raise SparseEEGError(
                f"{windows.source}: {len(new)} of the {len(prints)} windows of {subject} are not those that "
                f"{run} was started with{whose}: the data there have changed; put them back, or give other "
                "data by --data"
            )
        report(f"{len(new)} of the {len(prints)} windows of {subject} were not there when {run} was started")


def same_people(run: Path, windows: WindowSet, report: Report) -> WindowSet:
    """Return windows in which people with the same samples as those of a run have their names.

    `report` is told who that is. Raises SparseEEGError where a person has windows of several people of the
    run, or the run knows somebody else by that name.
    """
    known = _read(run)
    owners = _owners(known)
    names, found, alone = {}, [], []
    for subject, prints in _by_subject(windows).items():
        shared = {one for one in prints if one in owners and subject not in owners[one]}
        others = sorted({owner for one in shared for owner in owners[one]})
        if not others:
            alone += [] if subject in known else [subject]
            continue
        if subject in known or len(others) > 1:
            raise SparseEEGError(
                f"{windows.source}: {len(shared)} of the {len(prints)} windows of {subject} have the same "
                f"samples as those of {' and '.join(others)} in {run}: whose they are is not known; leave "
                f"{subject} out"
            )
        names[subject] = others[0]
        found.append(f"{subject} ({others[0]}, {len(shared)} of {len(prints)} windows)")
    if found:
        same = "has the same samples as" if len(found) == 1 else "have the same samples as"
        report(
            f"{windows.source}: {listed(found, 'subject', f' {same} subjects of {run}, so they are these')}"
        )
    if found and alone:
        report(
            f"warning: {listed(alone, 'subject')} share no sample with {run}; as others do, make sure that "
            "these are not the same people with signals that were processed in another way"
        )
    return renamed(windows, names)


def _owners(known: dict[str, set[str]]) -> dict[str, set[str]]:
    """Return whose each fingerprint is."""
    owners: dict[str, set[str]] = {}
    for subject, prints in known.items():
        for one in prints:
            owners.setdefault(one, set()).add(subject)
    return owners


def _by_subject(windows: WindowSet) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for subject, one in zip(windows.subjects.tolist(), fingerprints(windows), strict=True):
        if one:
            found.setdefault(subject, set()).add(one)
    return found


def _read(run: Path) -> dict[str, set[str]]:
    """Return the fingerprints that a run keeps, by subject; none for a run of version 0.1.0."""
    if (run / FILE).exists():
        return read_json(run / FILE, dict[str, set[str]])
    if networks_say_who_trained(run):
        raise SparseEEGError(
            f"{run / FILE} is missing: whether people of other names trained the network can't be known; "
            "restore the file"
        )
    return {}
