"""Find recordings, events files and tasks in a BIDS folder."""

import re
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from sparseeg.data.problems import Problem, noted
from sparseeg.errors import SparseEEGError
from sparseeg.files.atomic import read_json
from sparseeg.files.tsv import read_tsv

EXTENSIONS = (".bdf", ".set", ".edf", ".vhdr")  # in order of preference, if a recording exists in several
OTHERS = (".fif", ".fif.gz", ".cnt", ".raw", ".mff")  # no formats of EEG in BIDS, but read, after those
_PARTS = (".json", ".tsv", ".eeg", ".dat", ".vmrk", ".fdt")  # of the files named _eeg
SIDECARS = ("dataset_description.json", "participants.tsv")
_VERSION = re.compile(r"_(?:proc|desc|space|res|den)-[^_]+")  # how a recording was processed
_ENTITY = re.compile(r"(?:^|_)([a-z]+)-([^_]+)")


@dataclass(frozen=True)
class BidsFile:
    """A file of a recording (signal or events) in the BIDS folder `root`."""

    path: Path
    root: Path

    @property
    def entities(self) -> dict[str, str]:
        """BIDS entities in the file name, as `{"sub": "XX", "task": "YY"}`."""
        return dict(_ENTITY.findall(self.path.name))

    @property
    def subject(self) -> str:
        """Subject as `sub-XX`; the prefix keeps it text when tables are written and read."""
        return f"sub-{self.entities['sub']}"

    @property
    def run(self) -> str | None:
        """Run of the task, if the file name has one."""
        return self.entities.get("run")

    @property
    def stem(self) -> str:
        """File name up to its last entity: `sub-XX_task-YY_run-1`."""
        return self.path.name.rpartition("_")[0]

    def sidecars(self, suffix: str) -> list[Path]:
        """Return the files with a suffix as `events.tsv` that apply to this recording, nearest first.

        A file in the recording's folder, or in a folder above it up to the root, applies if all its entities
        are among the recording's; of several in one folder, that with most entities is the nearest. Only
        recordings with a BIDS name (`..._eeg`) have such files. Source: BIDS, inheritance principle.
        """
        own = self._own(suffix)
        if not self._has_bids_name:
            return []
        found = [own] if _is_there(own) else []
        for folder in self._folders():
            others = [
                path for path in folder.glob(f"*{suffix}") if path != own and self._inherits(path, suffix)
            ]
            found += sorted(others, key=lambda path: (-len(_ENTITY.findall(path.name)), path.name))
        return found

    def sidecar(self, suffix: str) -> Path:
        """Return the nearest file that applies; if none does, the path that it would have."""
        return next(iter(self.sidecars(suffix)), self._own(suffix))

    def table(self, suffix: str, names: Collection[str], problems: list[Problem]) -> pd.DataFrame:
        """Return the nearest table that applies; `names` as in `read_tsv`, whose notes become problems.

        Raises
        ------
        SparseEEGError : no table applies, it can't be read, or two in one folder apply alike.
        """
        path = self.sidecar(suffix)
        if path != self._own(suffix):
            size = len(_ENTITY.findall(path.name))
            for other in self.sidecars(suffix)[1:]:
                if other.parent == path.parent and len(_ENTITY.findall(other.name)) == size:
                    raise SparseEEGError(
                        f"{path.name} and {other.name} in {path.parent} both apply to it; keep one of them"
                    )
        notes: list[str] = []
        table = read_tsv(path, names, notes)
        problems += noted(path, notes)
        return table

    def metadata(self, suffix: str) -> dict[str, Any]:
        """Return the fields of all JSON files that apply; a nearer file replaces the fields of others.

        Raises
        ------
        SparseEEGError : a file is damaged.
        """
        merged: dict[str, Any] = {}
        for path in reversed(self.sidecars(suffix)):
            merged |= read_json(path, dict)
        return merged

    @property
    def _has_bids_name(self) -> bool:
        return self.path.name.lower().split(".")[0].endswith("_eeg")

    def _own(self, suffix: str) -> Path:
        name = self.stem if self._has_bids_name else self.path.stem
        return self.path.with_name(f"{name}_{suffix}")

    def _folders(self) -> Iterator[Path]:
        for folder in self.path.parents:
            yield folder
            if folder == self.root:
                return

    def _inherits(self, path: Path, suffix: str) -> bool:
        parts = path.name.removesuffix(suffix).split("_")
        return parts.pop() == "" and all(part in self.stem.split("_") and "-" in part for part in parts)


def _is_there(path: Path) -> bool:
    return path.is_file() or path.is_symlink()  # a link to content that was not fetched


def without_version(name: str) -> str:
    """Return the name of a file without what says how its recording was processed, as `_desc-clean`."""
    return _VERSION.sub("", name)


def bids_file(path: Path) -> BidsFile:
    """Return a recording as a file of the BIDS folder that holds it; of its own folder outside one."""
    subjects = [folder for folder in path.parents if folder.name.startswith("sub-")]
    return BidsFile(path, subjects[-1].parent if subjects else path.parent)


def roots(path: Path) -> tuple[Path, ...]:
    """Return `path` if it is a BIDS folder, else the BIDS folders directly inside it."""
    if _is_root(path):
        return (path,)
    return tuple(child for child in sorted(path.iterdir()) if child.is_dir() and _is_root(child))


def _is_root(path: Path) -> bool:
    return any((path / name).is_file() for name in SIDECARS) or any(_subject_folders(path))


def _subject_folders(root: Path) -> Iterator[Path]:
    return (folder for folder in sorted(root.glob("sub-*")) if folder.is_dir())


def _files(root: Path, endings: tuple[str, ...]) -> Iterator[BidsFile]:
    for folder in _subject_folders(root):
        for pattern in ("eeg/*", "ses-*/eeg/*"):
            for path in sorted(folder.glob(pattern)):
                if path.name.startswith("sub-") and path.name.lower().endswith(endings):
                    yield BidsFile(path, root)


def recordings(root: Path, tasks: Collection[str]) -> list[BidsFile]:
    """Return the recordings of these tasks (of all tasks if empty), each once, in order of paths."""
    found: dict[str, BidsFile] = {}
    for file in _files(root, _endings()):
        if tasks and file.entities.get("task") not in tasks:
            continue
        known = found.setdefault(_without_ending(file.path), file)
        if _rank(file) < _rank(known):
            found[_without_ending(file.path)] = file
    return list(found.values())


def unread(root: Path, tasks: Collection[str]) -> list[BidsFile]:
    """Return the files of these tasks that are named as recordings, but have another ending."""
    found = (file for file in _files(root, ("",)) if "_eeg." in file.path.name.lower())
    known = _endings() + tuple(f"_eeg{ending}" for ending in _PARTS)
    other = [file for file in found if not file.path.name.lower().endswith(known)]
    return [file for file in other if not tasks or file.entities.get("task") in tasks]


def extension(path: Path) -> str:
    """Return the ending of a recording in lower case, as ".edf" or ".fif.gz"; "" if none is known."""
    name = path.name.lower()
    return next((ending for ending in (*EXTENSIONS, *OTHERS) if name.endswith(ending)), "")


def _endings() -> tuple[str, ...]:
    return tuple(f"_eeg{ending}" for ending in (*EXTENSIONS, *OTHERS))


def _rank(file: BidsFile) -> int:
    return (*EXTENSIONS, *OTHERS).index(extension(file.path))


def _without_ending(path: Path) -> str:
    """Return the path without its ending; the parts of a split FIF file, which MNE joins, have one."""
    ending = extension(path)
    whole = str(path)[: -len(ending)]
    return re.sub(r"_split-\d+", "", whole) if ending.startswith(".fif") else whole


def events_files(root: Path, tasks: Collection[str]) -> list[BidsFile]:
    """Return the events files of these tasks (of all tasks if empty), with or without a signal."""
    files = _files(root, ("_events.tsv",))
    return [file for file in files if not tasks or file.entities.get("task") in tasks]


def tasks(root: Path) -> Counter[str]:
    """Return the number of recordings of each task."""
    return Counter(file.entities.get("task", "no task") for file in _files(root, _endings()))
