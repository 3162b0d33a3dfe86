"""Load windows from a path, whatever kind of data it holds."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np

from sparseeg.arguments import Length, checked
from sparseeg.data import tasks
from sparseeg.data.bids import hbn, layout
from sparseeg.data.epochs.choose import PATTERNS, epochs_files
from sparseeg.data.epochs.read import read_epochs
from sparseeg.data.match import match
from sparseeg.data.provenance import ChannelChoice, Processing, Provenance
from sparseeg.data.read_bids import read_bids
from sparseeg.data.signals.channels import WantedChannels
from sparseeg.data.store import store
from sparseeg.data.windows import WindowSet
from sparseeg.engines import Progress
from sparseeg.errors import SparseEEGError, in_words, nearest

READS = (
    "a store, a BIDS folder (sub-*/eeg/*_eeg.bdf, .set, .edf or .vhdr; also .fif, .cnt, .raw and .mff) or a "
    f"folder of MNE epochs ({', '.join(PATTERNS[:2])}) or of EEGLAB epochs (.set)"
)


@checked
def load(
    path: Path | str,
    *,
    task: str = tasks.RESPONSE_TIME,
    target: str | None = None,
    target_unit: str | None = None,
    max_rt: float | None = None,
    subject_pattern: str | None = None,
    proc: str | None = None,
    tmin: float | None = None,
    tmax: float | None = None,
    sfreq: float | None = None,
    releases: Sequence[str] | None = None,
    every_release: bool = True,
    keep_excluded: bool = False,
    keep_bad: bool = False,
    channels: ChannelChoice | None = None,
    margin: Length = 0.0,
    n_jobs: int = 1,
    progress: Progress | None = None,
) -> WindowSet:
    """Return the labelled windows of a store, a BIDS folder, or a folder of MNE epochs.

    Parameters
    ----------
    path : the folder; its kind is recognised by its content.
    task : what is decoded: "response-time", or a column of numbers in participants.tsv, as "externalizing". A
        store must be of this task. For "pretraining", any store can be used; its targets are ignored.
    target, target_unit : metadata column and its unit. Required for epochs; fixed for response times of BIDS
        folders and for stores.
    max_rt : longest time in seconds, for targets that are times. By default 10 s, or the end of the window if
        that is more; fixed for stores.
    subject_pattern : for epochs, regular expression that finds the subject in the path of a file.
    proc : for epochs, which files to read where names have `_proc-NAME`.
    tmin, tmax : first and last time of a window in seconds from the event. By default 0.5 and 2.5 for BIDS
        folders and the whole epoch for epochs; fixed for stores.
    sfreq : sampling rate in Hz. By default 100 for BIDS folders and unchanged for epochs; fixed for stores.
    releases, every_release, keep_excluded : for HBN-EEG only, as in `read_bids`.
    keep_bad : keep windows in stretches of a recording that are marked as bad; fixed for stores.
    channels : how recordings with different channels are made alike, as in `plan_channels`; fixed for stores.
    margin : seconds of signal around windows that are locked to an event, by which training may move them;
        fixed for stores.
    n_jobs : number of processes.
    progress : called as `progress(done, total)`.

    Raises
    ------
    SparseEEGError : the path holds no readable data, or the options don't fit them. The message says what was
        looked for, what was found, and what to do.
    """
    path = Path(path)
    kind = recognise(path)
    unlabelled = task == tasks.PRETRAINING
    _check_keep_bad(path, kind, keep_bad)
    for name, value in (("--subject-pattern", subject_pattern), ("--proc", proc)):
        if kind != "epochs" and value is not None:
            raise SparseEEGError(f"{path} holds no MNE epochs: {name} has no effect; leave it out")
    if kind == "store":
        windows = store.open_store(path, task=None if unlabelled else task)
        _check_store(path, windows, target, target_unit, tmin, tmax, sfreq, channels)
        _check_longest(path, windows, max_rt)
        chosen = _of_releases(windows, releases, every_release, path)
        return _without_targets(chosen) if unlabelled else chosen
    if kind == "epochs" and unlabelled:
        raise SparseEEGError(f"{path} holds MNE epochs; pretraining takes a BIDS folder or a store")
    if kind == "epochs":
        if releases is not None:
            raise SparseEEGError(f"{path} holds MNE epochs, which have no releases to choose from")
        if task not in (tasks.RESPONSE_TIME, target):
            raise SparseEEGError(
                f"{path} holds MNE epochs: name the metadata column to decode with --target and leave "
                f"--task {task} out"
            )
        return read_epochs(
            path,
            target=target,
            target_unit=target_unit,
            max_rt=max_rt,
            subject_pattern=subject_pattern,
            proc=proc,
            tmin=tmin,
            tmax=tmax,
            sfreq=sfreq,
            margin=margin,
            channels=channels,
            n_jobs=n_jobs,
            progress=progress,
        )
    changes = tasks.TaskFile().with_options(
        {"target": target, "unit": target_unit, "tmin": tmin, "tmax": tmax, "max_rt": max_rt}
    )
    found = tasks.find_task(task, changes)
    return read_bids(
        path,
        task=found,
        processing=Processing(hbn.SFREQ if sfreq is None else sfreq, channels=channels),
        releases=releases,
        every_release=every_release,
        keep_excluded=keep_excluded,
        keep_bad=keep_bad,
        margin=margin,
        n_jobs=n_jobs,
        progress=progress,
    )


@checked
def load_like(
    path: Path | str,
    like: Provenance,
    whose: str,
    *,
    flat: Sequence[str] = (),
    target_unit: str | None = None,
    keep_bad: bool = False,
    subject_pattern: str | None = None,
    proc: str | None = None,
    n_jobs: int = 1,
    progress: Progress | None = None,
) -> tuple[WindowSet, list[str]]:
    """Return the windows at a path, converted to match others, and a note on each conversion.

    Channels are found by name, in any order; missing ones are interpolated. In a BIDS folder, this is done
    for each recording, as `predict` does; bad channels are interpolated there if they were for the others.

    Parameters
    ----------
    path : as in `load`.
    like : provenance of the windows to match, for example those that a network was trained on.
    whose : name of their owner in messages, as "the run RUN".
    flat : channels that were flat in training; they are set to zero.
    target_unit, subject_pattern, proc : for epochs, as in `load`.
    keep_bad, n_jobs, progress : as in `load`.

    Raises
    ------
    SparseEEGError : the path holds no readable data, or windows that can't be converted.
    """
    path, task = Path(path), like.task
    kind = recognise(path)
    _check_keep_bad(path, kind, keep_bad)
    if kind == "store":
        windows = store.open_store(path)
    elif kind == "epochs":
        if task.locked and target_unit is None:
            raise SparseEEGError(
                f"{path} holds MNE epochs, but {whose} was trained on recordings: the unit of "
                f"{task.target} in the epochs is not known; give it with --target-unit, as s or ms"
            )
        windows = read_epochs(
            path,
            target=task.target,
            target_unit=target_unit or task.unit,
            max_rt=task.max_rt,
            subject_pattern=subject_pattern,
            proc=proc,
            tmin=like.tmin,
            tmax=like.tmin + like.duration,
            sfreq=like.sfreq,
            n_jobs=n_jobs,
            progress=progress,
        )
    else:
        if task.locked and not (task.rule and task.rule.response):
            raise SparseEEGError(
                f"{path} is a BIDS folder, but the events that the windows of {whose} are locked to are not "
                "known; make a store of the folder: sparseeg prepare with --stimulus and --response"
            )
        choice: ChannelChoice = "interpolate" if like.processing.channels == "interpolate" else "common"
        windows = read_bids(
            path,
            task=task,
            processing=replace(like.processing, channels=choice),
            keep_bad=keep_bad,
            wanted=WantedChannels(like.ch_names, choice, missing=True, flat=tuple(flat), whose=whose),
            n_jobs=n_jobs,
            progress=progress,
        )
        return match(windows, like, whose, str(path))
    zeroed = _not_flat(windows, flat)
    return match(windows, like, whose, str(path), interpolate=True, flat=zeroed)


def _not_flat(windows: WindowSet, names: Sequence[str]) -> list[str]:
    """Return those of some channels that the windows don't have, or that aren't flat in some of them."""
    some = np.unique(np.linspace(0, len(windows) - 1, 16).astype(int))
    known = {name for name in names if name in windows.ch_names}
    if known:
        flat = np.ptp(windows.gather(some), axis=2).max(axis=0) == 0
        known = {name for name, still in zip(windows.ch_names, flat, strict=True) if still}
    return [name for name in names if name not in known]


def recognise(path: Path) -> Literal["store", "bids", "epochs"]:
    """Return the kind of data in a folder.

    Raises
    ------
    SparseEEGError : the folder doesn't exist or holds no such data.
    """
    if not path.exists():
        raise SparseEEGError(f"{path} does not exist.{_similar_name(path)}")
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
        f"{path} holds no data that sparseeg reads: looked for {READS}; found {_contents(path)}"
        f"{_data_set_hint(path) or _recordings_hint(path)}"
    )


def _data_set_hint(path: Path) -> str:
    """Return a hint if the path is a subject's folder in a data set."""
    for folder in (path, *path.parents):
        if folder.name.startswith("sub-"):
            return f". Name the data set's folder, as {folder.parent}"
    return ""


def _recordings_hint(path: Path) -> str:
    """Return a hint if a folder has recordings, but is no BIDS folder."""
    endings = (*layout.EXTENSIONS, *layout.OTHERS)
    found = sorted(file for file in path.rglob("*") if file.name.lower().endswith(endings))
    if not found:
        return ""
    return (
        f". To train on recordings such as {found[0].name}, make a BIDS folder of them with mne-bids "
        "(mne_bids.write_raw_bids), or cut them into epochs with MNE and save these as NAME-epo.fif"
    )


def _similar_name(path: Path) -> str:
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
        file.suffix or "no extension"
        for file in path.rglob("*")
        if file.is_file() and not file.name.startswith(".")
    )
    if not endings:
        return "an empty folder"
    return "files ending in " + ", ".join(f"{ending} ({count})" for ending, count in endings.most_common(5))


def _check_store(
    path: Path,
    windows: WindowSet,
    target: str | None,
    target_unit: str | None,
    tmin: float | None,
    tmax: float | None,
    sfreq: float | None,
    channels: ChannelChoice | None,
) -> None:
    """Raise SparseEEGError for options that differ from those a store was prepared with."""
    sample = 1 / windows.sfreq
    end = windows.tmin + windows.n_times / windows.sfreq
    names: list[tuple[str, str | None, str | None]] = [
        ("target", target, windows.target_name),
        ("target-unit", target_unit, windows.target_unit),
    ]
    numbers = [
        ("tmin", tmin, windows.tmin, sample),
        ("tmax", tmax, end, sample),
        ("sfreq", sfreq, windows.sfreq, 1e-6 * windows.sfreq),
    ]
    own_channels = windows.processing.channels
    if own_channels is not None or channels == "interpolate":
        names.append(("channels", channels, own_channels))
    differing: list[tuple[str, object, object]] = [
        (name, wanted, own) for name, wanted, own in names if wanted not in (None, own)
    ]
    differing += [
        (name, wanted, own)
        for name, wanted, own, tolerance in numbers
        if wanted is not None and not abs(wanted - own) < tolerance
    ]
    for name, wanted, own in differing:
        raise SparseEEGError(
            f"{path} is a store: prepared with --{name} {in_words(own)}, asked for --{name} "
            f"{in_words(wanted)}; leave --{name} out, or prepare another store"
        )


def _check_longest(path: Path, windows: WindowSet, max_rt: float | None) -> None:
    """Raise SparseEEGError for a limit of times that a store was not prepared with."""
    own = windows.task.max_rt
    if max_rt is not None and max_rt != own:
        limit = "without --max-rt" if own is None else f"with --max-rt {own:g}"
        raise SparseEEGError(f"{path}: the store was prepared {limit}, not {max_rt:g}; prepare another one")


def _check_keep_bad(path: Path, kind: str, keep_bad: bool) -> None:
    """Raise SparseEEGError if windows in bad stretches are wanted, but were left out before."""
    if keep_bad and kind == "epochs":
        raise SparseEEGError(f"{path} holds MNE epochs: --keep-bad has no effect on them; leave it out")
    if keep_bad and kind == "store" and not store.options_of(path).get("keep_bad", False):
        raise SparseEEGError(
            f"{path} was prepared without the windows in stretches marked as bad; prepare another store with "
            "--keep-bad"
        )


def _without_targets(windows: WindowSet) -> WindowSet:
    """Return the windows as if they had been read for pretraining."""
    table = windows.table.assign(target=0.0)
    return replace(windows, table=table, task=tasks.TASKS[tasks.PRETRAINING], tmin=0.0)


def _of_releases(windows: WindowSet, releases: Sequence[str] | None, every: bool, path: Path) -> WindowSet:
    if releases is None:
        return windows
    chosen = {hbn.release(name) for name in releases}
    if "release" not in windows.table.columns:
        raise SparseEEGError(f"{path}: the store has no column of releases to choose from")
    known = set(windows.table["release"].dropna())
    missing = hbn.missing_releases(chosen, known, every)
    if missing:
        raise SparseEEGError(
            f"{path}: no window of release {', '.join(missing)} in the store, which has "
            f"{', '.join(sorted(known)) or 'no release'}"
        )
    return windows.select(windows.table["release"].isin(chosen).to_numpy())
