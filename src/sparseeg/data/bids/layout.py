"""Where things are in a BIDS folder: recordings, their events files, and which tasks there are."""

import re
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

EXTENSIONS = (".bdf", ".set", ".edf", ".vhdr")  # in order of preference where a recording is there twice
SIDECARS = ("dataset_description.json", "participants.tsv")
_ENTITY = re.compile(r"(?:^|_)([a-z]+)-([^_]+)")


@dataclass(frozen=True)
class BidsFile:
    """One recording's file (signal or events) in the BIDS folder `root`."""

    path: Path
    root: Path

    @property
    def entities(self) -> dict[str, str]:
        return dict(_ENTITY.findall(self.path.name))

    @property
    def subject(self) -> str:
        """`sub-XX`, with the prefix: it stays text wherever it is written and read again."""
        return f"sub-{self.entities['sub']}"

    @property
    def run(self) -> str | None:
        return self.entities.get("run")

    @property
    def stem(self) -> str:
        """The file's name up to its last entity: `sub-XX_task-YY_run-1`."""
        return self.path.name.rpartition("_")[0]

    def sidecar(self, suffix: str) -> Path:
        """Return the path of another file of the same recording, as `events.tsv`."""
        return self.path.with_name(f"{self.stem}_{suffix}")


def roots(path: Path) -> tuple[Path, ...]:
    """Return the BIDS folders at `path`: itself, or, for a folder of data sets, those directly inside."""
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
                if path.name.startswith("sub-") and path.name.endswith(endings):
                    yield BidsFile(path, root)


def recordings(root: Path, tasks: Collection[str]) -> list[BidsFile]:
    """Return the recordings of these tasks, or of all where none is named, each once, in order of paths."""
    found: dict[Path, BidsFile] = {}
    for file in _files(root, tuple(f"_eeg{extension}" for extension in EXTENSIONS)):
        if tasks and file.entities.get("task") not in tasks:
            continue
        known = found.setdefault(file.sidecar("eeg"), file)
        if EXTENSIONS.index(file.path.suffix) < EXTENSIONS.index(known.path.suffix):
            found[file.sidecar("eeg")] = file
    return list(found.values())


def events_files(root: Path, tasks: Collection[str]) -> list[BidsFile]:
    """Return the events files of these tasks, or of all where none is named, with or without a signal."""
    files = _files(root, ("_events.tsv",))
    return [file for file in files if not tasks or file.entities.get("task") in tasks]


def tasks(root: Path) -> Counter[str]:
    """Return how many recordings there are of each task."""
    endings = tuple(f"_eeg{extension}" for extension in EXTENSIONS)
    return Counter(file.entities.get("task", "no task") for file in _files(root, endings))
