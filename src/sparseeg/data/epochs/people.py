"""Find the person whose epochs a file holds, in the names of its folders and of the file itself.

A person who is read as two trains and tests the same network, and two people who are read as one are no fair
test either: where names allow two readings, nothing is guessed.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sparseeg.data.bids.layout import without_version
from sparseeg.data.bids.spelling import NUMBERED, alike, plain
from sparseeg.data.problems import listed
from sparseeg.errors import SparseEEGError

ENDING = re.compile(r"([-_]epo\.fif(\.gz)?|\.set)$", re.IGNORECASE)
_SUBJECT = re.compile(r"(?:^|[^A-Za-z0-9])sub-([^_/]+)", re.IGNORECASE)
# Parts of a name that say which recording of a person a file holds, never which person.
_ENTITIES = "ses|task|acq|run|proc|desc|rec|space|split|recording|res|den"
_RECORDING = re.compile(
    rf"(?:^|(?<=[^A-Za-z0-9]))(?:(?:{_ENTITIES})-[^_]+"
    r"|(?:session|sess|ses|run|block|blk|day|visit|split)[-_ ]?\d+)(?![A-Za-z0-9])",
    re.IGNORECASE,
)
_NEUTRAL = {"eeg", "epo", "epochs", "epoched", "data", "derivatives", "fif", "mne"}
# With a number: a recording, a laboratory, or a participant.
_UNCLEAR = {"part", "set", "cond", "condition", "trial", "rec", "recording", "epoch", "file", "lab", "site"}
_COUNTED = re.compile(rf"(?:^|(?<=[^A-Za-z0-9]))(?:{'|'.join(_UNCLEAR)})s?[-_ ]?\d+", re.IGNORECASE)
_PART = re.compile(r"[^\W\d_]+|\d+")


@dataclass(frozen=True)
class People:
    """The person of each file, and how they were found."""

    of: dict[Path, str]
    how: str


def find_people(root: Path, files: Sequence[Path], pattern: str | None = None) -> People:
    """Return the person of each epochs file below a folder.

    Parameters
    ----------
    root : the folder.
    files : the files.
    pattern : regular expression that finds the person in the path of a file below `root`: its first group, or
        its whole match if it has no group. By default, `sub-XX` in the names of folders and files; for other
        names, the name of the file without what counts recordings, such as `run-2` or `block1`.

    Raises
    ------
    SparseEEGError : a file names no person or two, or the names can be read in two ways.
    """
    names = {file: ENDING.sub("", file.relative_to(root).as_posix()) for file in files}
    if pattern is not None:
        return People(
            {file: _matched(root, name, pattern) for file, name in names.items()}, f"the pattern {pattern}"
        )
    found = {file: _by_entity(root, name) for file, name in names.items()}
    others = {file: name for file, name in names.items() if found[file] is None}
    people = {file: subject for file, subject in found.items() if subject is not None}
    _check_before(root, {names[file]: subject for file, subject in people.items()}, _SUBJECT)
    how = ["sub-XX in the names"] if people else []
    if others:
        people |= _by_name(root, others)
        how.append("the names of files without sub-XX" if how else "the names of files")
    pair = alike(people.values())
    if pair is not None:
        raise _unclear(root, f"{pair[0]} and {pair[1]} may be one person or two", r"sub-0*([^-_/]+)")
    return People({file: people[file] for file in files}, " and ".join(how))


def _matched(root: Path, name: str, pattern: str) -> str:
    """Return what a pattern of the user finds in a name."""
    try:
        wanted = re.compile(pattern)
    except re.error as error:
        raise SparseEEGError(f"--subject-pattern {pattern!r} is no regular expression: {error}") from error
    found = {match.group(1) if wanted.groups else match.group() for match in wanted.finditer(name)}
    if not found - {"", None}:
        raise SparseEEGError(
            f"{root}: --subject-pattern {pattern!r} finds no person in {name}; write one that fits all paths "
            "below this folder, or move the file out of it"
        )
    if len(found) > 1:
        raise SparseEEGError(
            f"{root}: --subject-pattern {pattern!r} finds {' and '.join(sorted(map(str, found)))} in {name}; "
            "write one that finds one person in each path"
        )
    return str(found.pop()).replace("/", "_")


def _by_entity(root: Path, name: str) -> str | None:
    """Return the `sub-XX` in a path; None if there is none."""
    labels = _SUBJECT.findall(name)
    above = [label for part in reversed(root.resolve().parts) for label in _SUBJECT.findall(part)][:1]
    if labels and above and labels[-1] != above[0]:
        readings = f"{name} names sub-{labels[-1]}, but is in the folder sub-{above[0]}"
        raise _unclear(root, readings, "sub-[^_/]+")
    if not any(_rest(part) for part in name.split("/")):
        # Folders above may name the person whose runs these are; a file that names somebody needs none.
        labels = labels or above
    if not labels:
        return None
    different = sorted({f"sub-{label}" for label in labels})
    if len(different) == 1 and "-" in labels[0]:
        short = labels[0].partition("-")[0]
        raise _unclear(root, f"{name} may be of sub-{short} or of {different[0]}", "sub-([^-_/]+)")
    others = (match.group() for match in NUMBERED.finditer(name))
    different += [person for person in others if plain(person) != plain(different[0])]
    if len(different) > 1:
        raise _unclear(root, f"{name} names {different[0]} and {different[1]}")
    return different[0]


def _check_before(root: Path, people: dict[str, str], pattern: re.Pattern[str]) -> None:
    """Raise SparseEEGError where other words are before a person in two paths, which may be two people.

    `siteA/sub-01` and `siteB/sub-01`, or `control_vp1` and `patient_vp1`, may be one person in two data sets
    or conditions.
    """
    known: dict[str, tuple[str, str]] = {}
    for name, person in people.items():
        match = pattern.search(name)
        if match is None:
            continue
        words = "/".join(filter(None, map(_rest, name[: match.start()].split("/"))))
        first, path = known.setdefault(person, (words, name[: match.end()]))
        if first != words:
            example = re.sub(r"\d+$", r"\\d+", person) if pattern is NUMBERED else "sub-[^_/]+"
            readings = f"{path} and {name[: match.end()]} may be one person or two"
            raise _unclear(root, readings, f"{example}' for one, or '.*{example}")


def _by_name(root: Path, names: dict[Path, str]) -> dict[Path, str]:
    """Return the people of files that have no `sub-XX` in their paths."""
    numbered = {name: _numbered(root, name) for name in names.values()}
    if all(numbered.values()):
        people = {name: str(person) for name, person in numbered.items()}
        _check_before(root, people, NUMBERED)
        return {file: people[name] for file, name in names.items()}
    rests = {file: tuple(filter(None, map(_rest, name.split("/")))) for file, name in names.items()}
    for file, rest in rests.items():
        if not rest:
            raise _unclear(root, f"{names[file]} names a recording, but no person")
    different = list(dict.fromkeys(rests.values()))
    _check_parts(root, different)
    last = Counter(rest[-1] for rest in different)
    return {file: rest[-1] if last[rest[-1]] == 1 else "_".join(rest) for file, rest in rests.items()}


def _numbered(root: Path, name: str) -> str | None:
    """Return the person in a path with a word such as "subject" and a number; None if there is none."""
    found = list(dict.fromkeys(match.group() for match in NUMBERED.finditer(name)))
    if len({plain(person) for person in found}) > 1:
        raise _unclear(root, f"{name} names {found[0]} and {found[1]}")
    return next(iter(found), None)


def _rest(part: str) -> str:
    """Return the name of a folder or file without what counts recordings and without words such as "eeg"."""
    rest = re.sub(r"[-_. ]{2,}", "_", _RECORDING.sub("", part)).strip("-_. ")
    return "" if rest.casefold() in _NEUTRAL else rest


def recording_words(name: str) -> set[str]:
    """Return the words in a path that say which recording of a person it is, as `run-2` and `task-x`."""
    return {match.group().casefold() for match in _RECORDING.finditer(without_version(name))}


def _check_parts(root: Path, names: Sequence[tuple[str, ...]]) -> None:
    """Raise SparseEEGError unless each of the names can only be a person of its own.

    Two names that have a part in common, which others lack, may be two people, or one in two conditions.
    """
    each = f"each name is a person ({listed(('/'.join(name) for name in names), 'name')})"
    for name in names:
        words = {word.casefold() for part in name for word in re.findall(r"[^\W\d_]+", part)}
        if words and all({word, word.removesuffix("s")} & (_UNCLEAR | _NEUTRAL) for word in words):
            raise _unclear(root, f"either {each}, or they are recordings of one person")
    if len(names) < 2:
        return
    parts = [_parts(name) for name in names]
    counts = Counter(part for found in parts for part in found)
    shared = [part for part, count in counts.items() if 1 < count < len(names)]
    everywhere = {part for part, count in counts.items() if count == len(names)}
    own = [found - everywhere for found in parts]
    if shared:
        part = _spelled(max(shared), names)
        raise _unclear(root, f"either {each}, or files that share {part!r} are of one person")
    if not all(own):
        raise _unclear(root, f"either {each}, or names that differ in this way are of one person")
    numbered = all(any(part[0].isdigit() for part in found) for found in own)
    numbers = [part for part in everywhere if part[0].isdigit()]
    counted = all(_COUNTED.search("/".join(name)) for name in names)
    if everywhere and (not numbered or numbers or (counted and len(everywhere) > 1)):
        same = min(numbers or everywhere)
        raise _unclear(root, f"either {each}, or all files are of one person, because all share {same!r}")


def _parts(name: tuple[str, ...]) -> set[str]:
    """Return the words and numbers of a name; case and leading zeros don't count, repeats do."""
    found = [part.casefold() for one in name for part in _PART.findall(one)]
    counts = Counter(str(int(part)) if part.isdecimal() else part for part in found if part not in _NEUTRAL)
    return {part if not number else f"{part} {number}" for part in counts for number in range(counts[part])}


def _spelled(part: str, names: Sequence[tuple[str, ...]]) -> str:
    """Return a part that names share as they write it, with the rest of its word if they share that too."""
    text = re.compile(re.escape(part.partition(" ")[0]), re.IGNORECASE)
    words = Counter(word for name in names for one in name for word in set(re.split(r"[-_. ]+", one)))
    found = [word for word in words if text.search(word)]
    whole = [word for word in found if words[word] > 1]
    return next(iter(whole), None) or next((match[0] for match in map(text.search, found) if match), part)


def _unclear(root: Path, readings: str, example: str = "^[^_/]+") -> SparseEEGError:
    return SparseEEGError(
        f"{root}: it is not clear whose epochs these are: {readings}. Give --subject-pattern, a regular "
        f"expression that finds the person in the path of each file below this folder, for example "
        f"--subject-pattern '{example}'"
    )
