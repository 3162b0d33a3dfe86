"""HBN-EEG from its public bucket to a folder: in parallel, verified, resumable at any moment.

Each file gathers beside its place, is verified against the server's checksum and renamed into place; a line
in the manifest of its folder says so. A file that can't be had is a problem in the outcome, the rest goes on.
"""

import errno
import re
import shutil
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Event, Lock

from rich.filesize import decimal

from sparseeg.data.bids import hbn
from sparseeg.data.problems import Problem
from sparseeg.errors import NO_ROOM, SparseEEGError, nearest, one_line
from sparseeg.files import lock

from . import manifest
from .bucket import Bucket, Remote
from .download import UNFINISHED, Download, bytes_there
from .manifest import Manifest
from .retry import PATIENCE, Patience, RefusedError
from .threads import in_threads

_ROOT = "NeurIPS25"
_TASK = re.compile(r"(?:^|_)task-([0-9A-Za-z]+)")
_FORBIDDEN = re.compile(r"[\\:\x00-\x1f]")
_DISK = (*NO_ROOM, errno.EACCES)  # what is true of the next file too

Progress = Callable[[int, int, int, int], None]


@dataclass(frozen=True)
class Request:
    """What to fetch, and where to.

    Parameters
    ----------
    releases : as `hbn.release` takes them.
    to : gets one folder for each release.
    mini : the copy of twenty subjects in place of the full one.
    tasks : only recordings of these tasks, all where none is named.

    Raises
    ------
    SparseEEGError : no release, or an unknown release or task.
    """

    releases: tuple[str, ...]
    to: Path
    mini: bool = False
    tasks: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.releases:
            raise SparseEEGError(f"no release is named; HBN-EEG has {', '.join(hbn.RELEASES)}")
        for task in self.tasks:
            if task not in hbn.TASKS:
                known = ", ".join(hbn.TASKS)
                raise SparseEEGError(f"unknown task {task!r}; HBN-EEG has {known}.{nearest(task, hbn.TASKS)}")
        for name in self.releases:
            hbn.release(name)

    @property
    def names(self) -> tuple[str, ...]:
        """The folders, each once, in the order asked for."""
        middle = "_mini" if self.mini else ""
        return tuple(dict.fromkeys(f"{hbn.release(name)}{middle}_L100_bdf" for name in self.releases))


@dataclass(frozen=True)
class Folder:
    """One release: what it consists of, and what of it was there when that was looked at.

    `left` are the files to be fetched or, where they look whole, to be verified; `there` is in bytes.
    """

    path: Path
    files: tuple[Remote, ...]
    left: tuple[Remote, ...]
    there: int
    problems: tuple[Problem, ...]

    @property
    def size(self) -> int:
        """The size of all its files in bytes."""
        return sum(file.size for file in self.files)


@dataclass(frozen=True)
class Outcome:
    """What a fetch did: the folders as it found them, with the problems it met, and the bytes it fetched."""

    folders: tuple[Folder, ...]
    fetched: int

    @property
    def problems(self) -> tuple[Problem, ...]:
        """The files that are missing."""
        return tuple(problem for folder in self.folders for problem in folder.problems)


def plan(request: Request, patience: Patience = PATIENCE) -> list[Folder]:
    """Return what a fetch would do, without writing anything.

    Raises
    ------
    SparseEEGError : the server can't be reached or doesn't have it.
    """
    listed = _list(request, Bucket(1, patience), Event())
    return [_survey(Manifest(request.to / name), files) for name, files in listed.items()]


def free_space(path: Path) -> int:
    """Return the free bytes on the disk on which a folder is or would be."""
    while not path.exists():
        path = path.parent
    return shutil.disk_usage(path).free


def fetch(
    request: Request,
    jobs: int = 8,
    patience: Patience = PATIENCE,
    progress: Progress | None = None,
) -> Outcome:
    """Fetch what is missing; files that can't be had are the outcome's problems.

    Parameters
    ----------
    jobs : files at a time.
    progress : called as `progress(bytes done, bytes in all, files done, files in all)`, from any thread.

    Raises
    ------
    SparseEEGError : the server can't be reached or doesn't have it, the disk is too small, or another
        command is writing there.
    OSError : the disk can't be written to.
    """
    bucket, stop = Bucket(jobs, patience), Event()
    listed = _list(request, bucket, stop)
    with ExitStack() as stack:
        manifests = {}
        for name in listed:
            _make(request.to / name)
            stack.enter_context(lock.only_writer(request.to / name))
            manifests[name] = Manifest(request.to / name)
        folders = [_survey(manifests[name], files) for name, files in listed.items()]
        _check_space(request.to, folders)
        tally = _Tally(folders, progress)
        locks = stack.pop_all()

    def one(item: tuple[Folder, Remote]) -> tuple[Folder, Problem] | None:
        folder, remote = item
        target = folder.path / remote.path
        try:
            whole = Download(bucket, remote, target, tally.moved, stop).run(patience)
            manifests[folder.path.name].add(whole)
        except RefusedError as error:
            return folder, _problem(target, str(error))
        except OSError as error:
            if error.errno in _DISK:
                error.filename = error.filename or str(target)
                raise
            return folder, _problem(target, one_line(error))
        tally.finished()
        return None

    items = [(folder, remote) for folder in folders for remote in folder.left]
    failed = [failure for failure in in_threads(one, items, jobs, stop, locks) if failure is not None]
    done = []
    for folder in folders:
        met = [problem for where, problem in failed if where is folder]
        done.append(replace(folder, problems=(*folder.problems, *met)))
    return Outcome(tuple(done), tally.fetched)


def _list(request: Request, bucket: Bucket, stop: Event) -> dict[str, list[Remote]]:
    listed = {}
    for name in request.names:
        try:
            found = bucket.objects(f"{_ROOT}/{name}/", stop)
        except RefusedError as error:
            raise SparseEEGError(f"{bucket.address} can't be listed: {error}") from error
        if not found:
            raise SparseEEGError(f"{bucket.address} has nothing below {_ROOT}/{name}")
        listed[name] = [
            file
            for file in found
            if not file.key.endswith("/") and (not request.tasks or _task(file) in (None, *request.tasks))
        ]
    return listed


def _task(file: Remote) -> str | None:
    found = _TASK.search(file.path.rpartition("/")[2])
    return found[1] if found else None


def _is_safe(path: str) -> bool:
    """Say whether a key is a place inside the folder, and none that fetch itself needs."""
    parts = path.split("/")
    own = parts[0] in (manifest.NAME, lock.NAME) or path.endswith(UNFINISHED)
    return not own and not _FORBIDDEN.search(path) and not {"", ".", ".."} & set(parts)


def _survey(done: Manifest, files: Iterable[Remote]) -> Folder:
    good, unsafe = [], []
    for file in files:
        if _is_safe(file.path):
            good.append(file)
        else:
            unsafe.append(_problem(Path(file.key), "its name can't be the name of a file here"))
    left = [file for file in good if not done.has(file)]
    missing = sum(file.size - bytes_there(done.folder / file.path, file) for file in left)
    there = sum(file.size for file in good) - missing
    return Folder(done.folder, tuple(good), tuple(left), there, tuple(unsafe))


def _problem(path: Path, reason: str) -> Problem:
    return Problem(path, reason, "not fetched")


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise SparseEEGError(
            f"{folder} can't be made: something else is there; choose another folder"
        ) from error


def _check_space(to: Path, folders: Iterable[Folder]) -> None:
    left = sum(folder.size - folder.there for folder in folders)
    free = free_space(to)
    if left > free:
        raise SparseEEGError(
            f"{to}: {decimal(left)} are left to fetch, {decimal(free)} are free; "
            "free some space, choose another folder, or fetch less by --mini or --task"
        )


class _Tally:
    """Adds up what all threads do."""

    def __init__(self, folders: Sequence[Folder], progress: Progress | None) -> None:
        self.fetched = 0
        self._progress = progress
        self._lock = Lock()
        self._there = sum(folder.there for folder in folders)
        self._size = sum(folder.size for folder in folders)
        self._n_files = sum(len(folder.files) for folder in folders)
        self._n_done = self._n_files - sum(len(folder.left) for folder in folders)
        self._add()

    def moved(self, there: int, size: int) -> None:
        self._add(there, size)

    def finished(self) -> None:
        self._add(files=1)

    def _add(self, there: int = 0, size: int = 0, files: int = 0) -> None:
        with self._lock:
            self.fetched += max(there, 0)
            self._there += there
            self._size += size
            self._n_done += files
            if self._progress is not None:
                self._progress(self._there, self._size, self._n_done, self._n_files)
