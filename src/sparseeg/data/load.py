"""One way in: recognise what a path is and read it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from sparseeg.data import tasks
from sparseeg.data.bids import hbn, layout
from sparseeg.data.epochs.read import PATTERNS, epochs_files, read_epochs
from sparseeg.data.match import match
from sparseeg.data.provenance import Processing, Provenance
from sparseeg.data.read_bids import read_bids
from sparseeg.data.store import store
from sparseeg.data.windows import WindowSet
from sparseeg.engines import Progress
from sparseeg.errors import SparseEEGError, nearest

READS = (
    "a store, a BIDS folder (sub-*/eeg/*_eeg.bdf, .set, .edf or .vhdr) or a folder of MNE epochs "
    f"({', '.join(PATTERNS[:2])})"
)


def load(
    path: Path | str,
    *,
    task: str = tasks.RESPONSE_TIME,
    target: str | None = None,
    target_unit: str | None = None,
    tmin: float | None = None,
    tmax: float | None = None,
    sfreq: float | None = None,
    releases: Sequence[str] | None = None,
    keep_excluded: bool = False,
    margin: float = 0.0,
    n_jobs: int = 1,
    progress: Progress | None = None,
) -> WindowSet:
    """Return the labelled windows at a path: a store, a BIDS folder, or a folder of MNE epochs.

    Parameters
    ----------
    path : what it is, is recognised from what it holds.
    task : what is decoded: "response-time", or a column of numbers in participants.tsv, as "externalizing". A
        store must be of this task. For "pretraining" every store will do, and its targets are left out.
    target, target_unit : metadata column and its unit; needed for epochs, fixed for response times of BIDS
        folders and for stores.
    tmin, tmax, sfreq : seconds from the event, Hz; the defaults are +0.5 to +2.5 s at 100 Hz for BIDS folders
        and the whole epoch at its own rate for epochs. A store has its own.
    releases, keep_excluded : HBN-EEG only, as in `read_bids`.
    margin : seconds of signal around locked windows, by which training may move them. A store has its own.
    n_jobs, progress : processes that read, and a function called as `progress(done, total)`.

    Raises
    ------
    SparseEEGError : nothing readable there, or options that don't fit what is there; one line that says what
        was looked for, what was found and what to do.
    """
    path = Path(path)
    kind = recognise(path)
    unlabelled = task == tasks.PRETRAINING
    if kind == "store":
        windows = store.open_store(path, task=None if unlabelled else task)
        _check_store(windows, target, target_unit, tmin, tmax, sfreq)
        chosen = _of_releases(windows, releases, path)
        return _without_targets(chosen) if unlabelled else chosen
    if kind == "epochs" and unlabelled:
        raise SparseEEGError(f"{path} holds MNE epochs; pretraining takes a BIDS folder or a store")
    if kind == "epochs":
        if releases is not None:
            raise SparseEEGError(f"{path} holds MNE epochs, which have no releases to choose from")
        if task not in (tasks.RESPONSE_TIME, target):
            raise SparseEEGError(
                f"{path} holds MNE epochs: what they decode is the metadata column --target, which takes the "
                f"place of --task {task}"
            )
        return read_epochs(
            path,
            target=target,
            target_unit=target_unit,
            tmin=tmin,
            tmax=tmax,
            sfreq=sfreq,
            margin=margin,
            n_jobs=n_jobs,
            progress=progress,
        )
    changes = tasks.TaskFile(target=target, unit=target_unit, tmin=tmin, tmax=tmax)
    found = tasks.find_task(task, changes)
    _check_bids(path, found, target_unit)
    return read_bids(
        path,
        task=found,
        processing=Processing(hbn.SFREQ if sfreq is None else sfreq),
        releases=releases,
        keep_excluded=keep_excluded,
        margin=margin,
        n_jobs=n_jobs,
        progress=progress,
    )


def load_like(
    path: Path | str,
    like: Provenance,
    whose: str,
    *,
    target_unit: str | None = None,
    n_jobs: int = 1,
    progress: Progress | None = None,
) -> tuple[WindowSet, list[str]]:
    """Return the windows at a path, read or made like those that a network was trained on, and notes.

    Parameters
    ----------
    path : as in `load`.
    like, whose : as in `match`.
    target_unit : of the metadata column, for epochs.
    n_jobs, progress : as in `load`.

    Raises
    ------
    SparseEEGError : nothing readable there, or windows that can't be made alike.
    """
    path, task = Path(path), like.task
    kind = recognise(path)
    if kind == "store":
        windows = store.open_store(path)
    elif kind == "epochs":
        if task.locked and target_unit is None:
            raise SparseEEGError(
                f"{path} holds MNE epochs, but {whose} was trained on recordings: the unit of "
                f"{task.target} in the epochs is not known; save them as a store, in seconds"
            )
        windows = read_epochs(
            path,
            target=task.target,
            target_unit=target_unit or task.unit,
            tmin=like.tmin,
            tmax=like.tmin + like.duration,
            sfreq=like.sfreq,
            n_jobs=n_jobs,
            progress=progress,
        )
    else:
        if task.locked and not (task.rule and task.rule.response):
            raise SparseEEGError(
                f"{path} is a BIDS folder, but {whose} was trained on windows whose events are not known; "
                "make a store of the folder: sparseeg prepare with --stimulus and --response"
            )
        processing = replace(like.processing, channels=None)
        windows = read_bids(path, task=task, processing=processing, n_jobs=n_jobs, progress=progress)
    return match(windows, like, whose, str(path))


def recognise(path: Path) -> str:
    """Return "store", "bids" or "epochs" for what a folder holds.

    Raises
    ------
    SparseEEGError : it is none of them.
    """
    if not path.exists():
        raise SparseEEGError(f"{path} does not exist.{_neighbour(path)}")
    if not path.is_dir():
        raise SparseEEGError(f"{path} is a file; sparseeg reads {READS}.{_file_hint(path)}")
    if store.is_store(path):
        return "store"
    roots = layout.roots(path)
    if any(layout.tasks(root) for root in roots):
        return "bids"
    if epochs_files(path):
        return "epochs"
    if roots:
        return "bids"
    raise SparseEEGError(
        f"{path} holds nothing to read: looked for {READS}; found {_contents(path)}{_above(path)}"
    )


def _above(path: Path) -> str:
    """Hint at the data set where a folder inside it was named."""
    for folder in (path, *path.parents):
        if folder.name.startswith("sub-"):
            return f". Name the data set's folder, as {folder.parent}"
    return ""


def _neighbour(path: Path) -> str:
    parent = path.absolute().parent
    if not parent.is_dir():
        return f" Neither does {parent}"
    return nearest(path.name, sorted(child.name for child in parent.iterdir()))


def _file_hint(path: Path) -> str:
    if path.suffix.lower() in {".zip", ".gz", ".tar", ".tgz"}:
        return " Unpack it and name the folder"
    return f" Name the folder that holds it, as {path.parent}"


def _contents(path: Path) -> str:
    endings = Counter(
        file.suffix or "no ending"
        for file in path.rglob("*")
        if file.is_file() and not file.name.startswith(".")
    )
    if not endings:
        return "an empty folder"
    return "files ending in " + ", ".join(f"{ending} ({count})" for ending, count in endings.most_common(5))


def _check_bids(path: Path, task: tasks.Task, target_unit: str | None) -> None:
    if task.locked and target_unit not in (None, "s"):
        raise SparseEEGError(f"{path}: events files count in seconds; leave out the unit {target_unit!r}")


def _check_store(
    windows: WindowSet,
    target: str | None,
    target_unit: str | None,
    tmin: float | None,
    tmax: float | None,
    sfreq: float | None,
) -> None:
    """Refuse options a store can't follow: what it holds was decided when it was prepared."""
    end = windows.tmin + windows.n_times / windows.sfreq
    half = 0.5 / windows.sfreq
    asked: list[tuple[str, object, object, bool]] = [
        ("target", target, windows.target_name, target == windows.target_name),
        ("target unit", target_unit, windows.target_unit, target_unit == windows.target_unit),
        ("tmin", tmin, windows.tmin, tmin is not None and abs(tmin - windows.tmin) < 2 * half),
        ("tmax", tmax, end, tmax is not None and abs(tmax - end) < 2 * half),
        (
            "sfreq",
            sfreq,
            windows.sfreq,
            sfreq is not None and abs(sfreq - windows.sfreq) < 1e-6 * windows.sfreq,
        ),
    ]
    for name, wanted, there, same in asked:
        if wanted is not None and not same:
            raise SparseEEGError(
                f"{windows.source}: the store was prepared with {name} {there}, not {wanted}; prepare another"
            )


def _without_targets(windows: WindowSet) -> WindowSet:
    """Return the windows as if they had been read for pretraining."""
    task = tasks.TASKS[tasks.PRETRAINING]
    return replace(
        windows,
        table=windows.table.assign(target=0.0),
        task=task,
        tmin=0.0,
    )


def _of_releases(windows: WindowSet, releases: Sequence[str] | None, path: Path) -> WindowSet:
    if releases is None:
        return windows
    chosen = {hbn.release(name) for name in releases}
    if "release" not in windows.table.columns:
        raise SparseEEGError(f"{path}: the store knows no releases")
    mask = windows.table["release"].isin(chosen).to_numpy()
    if not mask.any():
        raise SparseEEGError(f"{path}: no window of release {', '.join(sorted(chosen))} in the store")
    return windows.select(mask)
