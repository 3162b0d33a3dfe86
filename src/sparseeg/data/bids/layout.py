"""Find recordings, events files and tasks in a BIDS folder."""

import re
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

EXTENSIONS = (".bdf", ".set", ".edf", ".vhdr")  # in order of preference, if a recording exists in several
SIDECARS = ("dataset_description.json", "participants.tsv")
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

    def sidecar(self, suffix: str) -> Path:
        """Return the path of another file of the same recording, with a suffix as `events.tsv`."""
        return self.path.with_name(f"{self.stem}_{suffix}")


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
                if path.name.startswith("sub-") and path.name.endswith(endings):
                    yield BidsFile(path, root)


def recordings(root: Path, tasks: Collection[str]) -> list[BidsFile]:
    """Return the recordings of these tasks (of all tasks if empty), each once, in order of paths."""
    found: dict[Path, BidsFile] = {}
    for file in _files(root, tuple(f"_eeg{extension}" for extension in EXTENSIONS)):
        if tasks and file.entities.get("task") not in tasks:
            continue
        known = found.setdefault(file.sidecar("eeg"), file)
        if EXTENSIONS.index(file.path.suffix) < EXTENSIONS.index(known.path.suffix):
            found[file.sidecar("eeg")] = file
    return list(found.values())


def events_files(root: Path, tasks: Collection[str]) -> list[BidsFile]:
    """Return the events files of these tasks (of all tasks if empty), with or without a signal."""
    files = _files(root, ("_events.tsv",))
    return [file for file in files if not tasks or file.entities.get("task") in tasks]


def tasks(root: Path) -> Counter[str]:
    """Return the number of recordings of each task."""
    endings = tuple(f"_eeg{extension}" for extension in EXTENSIONS)
    return Counter(file.entities.get("task", "no task") for file in _files(root, endings))
