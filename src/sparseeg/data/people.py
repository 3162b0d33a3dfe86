"""Tell people of several data sets apart: two laboratories may both have a sub-01."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path

import pandas as pd

from sparseeg.data.bids.description import is_derivative, read_description
from sparseeg.data.bids.spelling import plain
from sparseeg.data.problems import listed
from sparseeg.data.sexes import compared_sexes
from sparseeg.data.windows import WindowSet
from sparseeg.errors import SparseEEGError

_HBN = re.compile(r"^sub-NDAR[A-Z0-9]{6,}$")  # given once, in whatever release or study
_FOLDER = " (folder)"  # after the name of a folder, which says less than a Name
# What programs write where nobody has named the data set, as "[Unspecified]" of mne-bids.
_NO_NAME = (
    "",
    "unspecified",
    "unknown",
    "untitled",
    "unnamed",
    "n/a",
    "na",
    "none",
    "todo",
    "name",
    "dataset",
)
_DERIVATIVE = " (derivative)"  # after the Name of a processed version of another data set


@dataclass(frozen=True)
class Person:
    """A person in windows.

    Parameters
    ----------
    name : `subject` of the windows.
    subject : name in the data set.
    dataset : name of the data set; None if it is not known.
    age, sex : as in participants.tsv; None if they are not known.
    """

    name: str
    subject: str
    dataset: str | None = None
    age: float | None = None
    sex: str | None = None

    @classmethod
    def of_name(cls, name: str) -> "Person":
        """Return a person of whom no more is known than a name, with the data set in it, if any."""
        dataset, _, subject = name.rpartition("/")
        return cls(name, subject, dataset or None)


def dataset_name(root: Path) -> str:
    """Return the Name in dataset_description.json; without one, the name of the folder, marked as such.

    What programs write instead of a Name, as "[Unspecified]", is none.

    The Name of a derivative is marked, too: it tells no people apart.
    """
    try:
        name = read_description(root).get("Name")
        mark = _DERIVATIVE if is_derivative(root) else ""
    except SparseEEGError:
        name = None
    if isinstance(name, str) and name.strip(" []<>().-_").lower() not in _NO_NAME:
        return name.strip().removesuffix(_DERIVATIVE) + mark
    return f"{root.resolve().name}{_FOLDER}"


def people_in(windows: WindowSet) -> list[Person]:
    """Return the people in windows; one who is in several data sets is there once for each."""
    columns = [name for name in ("subject", "dataset", "age", "sex") if name in windows.table]
    rows = windows.table[columns].drop_duplicates(subset=[name for name in columns if name in _KEYS])
    return [person_of({str(key): value for key, value in row.items()}) for row in rows.to_dict("records")]


_KEYS = ("subject", "dataset")


def person_of(row: Mapping[str, object]) -> Person:
    """Return the person in a row of a table with `subject`, `dataset`, `age` and `sex`, as far as known."""
    known = {key: None if pd.isna(value) else value for key, value in row.items()}  # type: ignore[call-overload]
    name, dataset = str(row["subject"]), known.get("dataset")
    age, sex = known.get("age"), known.get("sex")
    return Person(
        name,
        name if dataset is None else name.rpartition("/")[2],
        None if dataset is None else str(dataset),
        None if age is None else float(age),  # type: ignore[arg-type]
        None if sex is None else str(sex),
    )


def name_people(people: Iterable[Person]) -> tuple[list[Person], list[str]]:
    """Return people with names that tell them apart, and a line for each two data sets that share subjects.

    Subjects who are in two data sets are the same people if all their ages and sexes agree, and different
    people if these differ. Sexes in codes that are not understood are not compared. Without ages, they are
    different people if both data sets have a Name, and it differs. The Name of a derivative doesn't count.
    Different people are named with their data set, as `NAME/sub-01`. Subjects of HBN-EEG are always the same
    people, and so are those of a data set that is not known.

    Raises
    ------
    SparseEEGError : a subject is the same as two that are different people.
    """
    people = list(people)
    sets: dict[str, dict[str, Person]] = {}
    for person in people:
        if person.dataset is not None:
            sets.setdefault(person.dataset, {}).setdefault(person.subject, person)
    homes = {(name, subject): name for name, subjects in sets.items() for subject in subjects}
    apart: set[tuple[str, str]] = set()
    notes = []
    compared: dict[str, dict[frozenset[str], bool]] = {}
    for one, other in combinations(sets, 2):
        both = [subject for subject in sets[one] if subject in sets[other] and not _HBN.match(subject)]
        if not both:
            continue
        different, reason = _compared(one, other, [(sets[one][name], sets[other][name]) for name in both])
        kind = "different people" if different else "the same people"
        notes.append(f"{one} and {other} both have {listed(both, 'subject')}, read as {kind}: {reason}")
        for subject in both:
            compared.setdefault(subject, {})[frozenset((one, other))] = different
            if different:
                apart |= {(one, subject), (other, subject)}
            else:
                homes[other, subject] = homes[one, subject]
    for subject, pairs in compared.items():
        _check_agree(subject, pairs)
    return [_named(person, homes, apart) for person in people], [*notes, *_other_spellings(people)]


def _check_agree(subject: str, different: Mapping[frozenset[str], bool]) -> None:
    """Raise SparseEEGError where a subject is the same person as two who are different people.

    different : by two data sets that have the subject, whether these are different people.
    """
    datasets = sorted(frozenset().union(*different))
    for pair in (pair for pair, apart in different.items() if apart):
        for third in datasets:
            if third not in pair and not any(different[frozenset((one, third))] for one in pair):
                raise SparseEEGError(
                    f"{subject} of {third} may be {subject} of {' or of '.join(sorted(pair))}, who are "
                    "different people; give ages and sexes in participants.tsv of all these data sets, or "
                    "fewer data sets at once"
                )


def _other_spellings(people: Sequence[Person]) -> list[str]:
    """Return a line on people whose names differ only in their spelling, as sub-1 and sub-01, if any do."""
    first: dict[str, Person] = {}
    pairs = []
    for person in people:
        known = first.setdefault(plain(person.subject), person)
        if known.subject != person.subject:
            one, other = (
                who.subject + (f" ({who.dataset})" if who.dataset else "") for who in (known, person)
            )
            pairs.append(f"{one} and {other}")
    if not pairs:
        return []
    return [
        f"people whose names differ only by leading zeros, capitals or a word are read as different people "
        f"({listed(pairs, 'pair')}); if they are the same, write the names alike"
    ]


def _named(person: Person, homes: Mapping[tuple[str, str], str], apart: set[tuple[str, str]]) -> Person:
    if person.dataset is None or (person.dataset, person.subject) not in apart:
        return replace(person, name=person.subject)
    return replace(person, name=f"{homes[person.dataset, person.subject]}/{person.subject}")


def _compared(one: str, other: str, pairs: Sequence[tuple[Person, Person]]) -> tuple[bool, str]:
    """Return whether the subjects of two data sets are different people, and the reason."""
    made = next((name for name in (one, other) if name.endswith(_DERIVATIVE)), None)
    if one.removesuffix(_DERIVATIVE) == other.removesuffix(_DERIVATIVE):
        return False, f"{made} is a derivative of the other"
    ages = [(a.age, b.age) for a, b in pairs if a.age is not None and b.age is not None]
    sexes = [(a.sex, b.sex) for a, b in pairs if a.sex is not None and b.sex is not None]
    remedy = "in dataset_description.json"
    other_age = any(abs(a - b) >= 1.0 for a, b in ages)  # they may be rounded in one of them
    other_sex, unclear = compared_sexes(sexes)
    if other_age or other_sex:
        return (
            True,
            f"their ages or sexes differ; if they are the same, give both data sets one Name {remedy}",
        )
    if ages:
        not_compared = f", their sexes can't be compared ({unclear})"
        agree = f"ages agree{not_compared}" if unclear else "ages and sexes agree"
        return False, f"their {agree}; if they are not the same, rename those of one data set"
    if made is not None:
        return False, (
            f"{made} is a derivative; if they are not the same, give their ages and sexes in participants.tsv"
        )
    if not (one.endswith(_FOLDER) or other.endswith(_FOLDER)):
        return True, f"the data sets have other names; if they are the same, give both one Name {remedy}"
    return False, f"nothing tells them apart; if they are not the same, give both data sets a Name {remedy}"


def tell_apart(sets: Sequence[WindowSet]) -> tuple[list[WindowSet], list[str]]:
    """Return several sets whose subjects are told apart by data set, and notes as in `name_people`."""
    sets = _folders_told_apart(sets)
    people = [person for windows in sets for person in people_in(windows)]
    named, notes = name_people(people)
    notes = [*_of_one_name(sets), *notes]
    names = {(person.subject, person.dataset): person.name for person in named}
    return [_renamed(windows, names) for windows in sets], notes


def _of_one_name(sets: Sequence[WindowSet]) -> list[str]:
    """Return a line for each two sets with the same subjects of data sets of one name: the same people."""
    found = [({(who.subject, who.dataset) for who in people_in(one)}, one.source) for one in sets]
    lines = []
    for (some, one), (others, other) in combinations(found, 2):
        shared = [who for who in some & others if who[1] is not None and not _HBN.match(who[0])]
        if shared and one != other:
            people = listed((subject for subject, _ in shared), "subject")
            names = ", ".join(sorted({str(dataset) for _, dataset in shared}))
            lines.append(
                f"{one} and {other} both have {people}, read as the same people: both data sets are called "
                f"{names}; if they are not the same, give them other Names in dataset_description.json"
            )
    return lines


def _folders_told_apart(sets: Sequence[WindowSet]) -> list[WindowSet]:
    """Return sets in which data sets without a Name have longer names where their folders are called alike.

    `lab1/bids` and `lab2/bids` would be one data set otherwise, and its subjects the same people.
    """
    folders: dict[str, dict[Path, None]] = {}
    for windows in sets:
        for name, folder in _folders(windows).items():
            folders.setdefault(name, {})[folder] = None
    apart = []
    for windows in sets:
        longer = {
            name: _shortest_name(folder, folders[name]) + _FOLDER
            for name, folder in _folders(windows).items()
            if len(folders[name]) > 1
        }
        if longer:
            table = windows.table.assign(dataset=windows.table["dataset"].replace(longer))
            windows = replace(windows, table=table)
        apart.append(windows)
    return apart


def _folders(windows: WindowSet) -> dict[str, Path]:
    """Return the folder of each data set in windows that is named after its folder."""
    source = Path(windows.source).resolve()
    names = windows.table["dataset"].dropna().unique() if "dataset" in windows.table else ()
    return {
        str(name): source if name == source.name + _FOLDER else source / name.removesuffix(_FOLDER)
        for name in names
        if name.endswith(_FOLDER)
    }


def _shortest_name(folder: Path, others: Iterable[Path]) -> str:
    """Return the last parts of a path that no other path ends in."""
    ends = (Path(*folder.parts[at:]) for at in range(len(folder.parts) - 1, -1, -1))
    return next(
        end.as_posix()
        for end in ends
        if not any(other.parts[-len(end.parts) :] == end.parts for other in others if other != folder)
    )


def named_as(windows: WindowSet, known: Sequence[Person]) -> tuple[WindowSet, list[str]]:
    """Return windows in which known people have their known names, and others have none of these.

    Parameters
    ----------
    windows : the windows.
    known : people with their names, as those of a run.
    """
    own = people_in(windows)
    named, notes = name_people([*known, *own])
    before = {_identity(person): person.name for person in known}
    names = {}
    for person in named[len(known) :]:
        # The first known person whom it may be; who is told apart from all of them has a name of its own.
        same = [
            old.name
            for old, new in zip(known, named, strict=False)
            if old.subject == person.subject
            and (new.name == person.name or None in (old.dataset, person.dataset))
        ]
        names[person.subject, person.dataset] = before.get(_identity(person)) or next(iter(same), person.name)
    return _renamed(windows, names), notes


def _identity(person: Person) -> tuple[str, str | None]:
    return person.subject, person.dataset


def _renamed(windows: WindowSet, names: Mapping[tuple[str, str | None], str]) -> WindowSet:
    """Return windows with other names for their subjects, by subject and data set."""
    by_name = {(person.name, person.dataset): names[_identity(person)] for person in people_in(windows)}
    if all(name == new for (name, _), new in by_name.items()):
        return windows
    datasets = windows.table["dataset"] if "dataset" in windows.table else [None] * len(windows)
    keys = zip(windows.subjects, datasets, strict=True)
    subjects = [by_name[subject, None if pd.isna(dataset) else dataset] for subject, dataset in keys]
    return replace(windows, table=windows.table.assign(subject=subjects))


def renamed(windows: WindowSet, names: Mapping[str, str]) -> WindowSet:
    """Return windows in which some subjects have other names, by their names in the windows."""
    if not names:
        return windows
    subjects = [names.get(subject, subject) for subject in windows.subjects.tolist()]
    return replace(windows, table=windows.table.assign(subject=subjects))


def without_datasets(windows: WindowSet) -> WindowSet:
    """Return windows with subjects named as in their data sets, as earlier versions did."""
    return _renamed(windows, {_identity(person): person.subject for person in people_in(windows)})
