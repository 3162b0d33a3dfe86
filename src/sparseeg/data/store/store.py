"""A store: a window set on disk, written once and read window by window.

STORE/store.json            format, unit of the signals, task, processing, channels, source
STORE/windows.tsv           one row per window
STORE/recordings.tsv        one row per signal: its file in signals/, length and checksum, and its source
STORE/problems.tsv          problems with the source files
STORE/signals/*.npy         float32 or float16 (time, channel), microvolts
"""

import json
import os
import shutil
import tempfile
from contextlib import ExitStack
from dataclasses import asdict, fields, replace
from pathlib import Path
from shlex import quote
from typing import Any

import numpy as np
import pandas as pd

from sparseeg.data.problems import Problem
from sparseeg.data.provenance import Processing, Provenance
from sparseeg.data.signals.signal_file import SignalFile
from sparseeg.data.store.own_files import JOURNAL, MANIFEST, SIGNALS, check_own
from sparseeg.data.summary import count_kept
from sparseeg.data.windows import WindowSet
from sparseeg.errors import SparseEEGError, one_line
from sparseeg.files.atomic import read_json, write_whole
from sparseeg.files.lock import is_empty, only_writer

FORMAT = 3
OLDEST = 2  # of version 0.1.0
UNIT = "uV"
_FIELDS = ("source", "simulated")
_LATER_FIELDS = ("people", "unanswered")  # earlier versions did not keep them
_CHOICES = ("margin", "releases", "keep_excluded", "keep_bad")
_TEXT = {
    name: str for name in ("subject", "release", "sex", "task", "run", "file", "dataset", "recording_hash")
}


def is_store(path: Path) -> bool:
    """Return whether a folder is a store, finished or not."""
    return (path / MANIFEST).is_file() or (path / JOURNAL).is_file()


def save(windows: WindowSet, path: Path | str, *, overwrite: bool = False) -> Path:
    """Write a window set as a store, and return its path.

    Only signals that a window uses are written. The new store is written to `.NAME-*/new` beside `path`. Then
    a store at `path` is moved to `.NAME-*/old`, and the new one to `path`. An error leaves the old store at
    `path`. A kill between the two moves leaves nothing there: move one of the two back by hand.

    Parameters
    ----------
    windows : the windows.
    path : folder of the store.
    overwrite : replace a store at `path`, unless its folder has other files, too. Anything else at `path` is
        never touched.

    Raises
    ------
    SparseEEGError : `path` exists and may not be replaced, or another command is writing to it.
    """
    path = Path(path)
    check_folder(path)
    if is_store(path) and not overwrite:
        raise SparseEEGError(f"{path} is already a store; allow overwriting it, or name a new folder")
    if is_store(path):
        check_own(path)
    target = path.resolve()
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    old = temporary / "old"
    try:
        with ExitStack() as held:
            replaces = target.exists()
            if replaces:
                held.enter_context(only_writer(target))
            content = temporary / "new"
            content.mkdir()
            _write(windows, content)
            if os.name == "nt":  # where no folder with an open file, such as the lock, can be moved
                held.close()
            if replaces:
                _swap(content, target, old)
            else:
                os.replace(content, target)
        if old.exists():
            shutil.rmtree(old, ignore_errors=True)
    finally:
        if not old.exists():
            shutil.rmtree(temporary, ignore_errors=True)
    return path


def _swap(content: Path, path: Path, old: Path) -> None:
    """Move `content` to `path`; what was there moves to `old`, and back if that fails."""
    path.rename(old)
    try:
        os.replace(content, path)
    except BaseException as error:
        try:
            old.rename(path)
        except OSError:
            raise SparseEEGError(
                f"{path} could not be replaced ({one_line(error)}); the old store is {old}, move it back"
            ) from error
        raise


def check_folder(path: Path) -> None:
    """Raise SparseEEGError if `path` exists and is neither a store nor an empty folder."""
    if path.exists() and not path.is_dir():
        raise SparseEEGError(f"{path} is a file; a store is a folder")
    if path.is_dir() and not is_empty(path) and not is_store(path):
        raise SparseEEGError(f"{path} holds other files; name a new folder for the store")


def _write(windows: WindowSet, folder: Path) -> None:
    used = np.unique(windows.table["recording"].to_numpy())
    table = windows.table.assign(recording=np.searchsorted(used, windows.table["recording"].to_numpy()))
    signals = [windows.signals[recording] for recording in used]
    names = [f"{number:05d}.npy" for number in range(len(used))]
    (folder / SIGNALS).mkdir()
    for name, signal in zip(names, signals, strict=True):
        np.save(folder / SIGNALS / name, np.asarray(signal, dtype=np.float32))
    processing = replace(windows.processing, dtype="float32")
    write_tables(replace(windows, table=table, signals=signals, processing=processing), names, folder, {})


def write_tables(windows: WindowSet, names: list[str], folder: Path, about: dict[str, Any]) -> None:
    """Write the tables and the manifest of a store.

    The manifest marks a complete store, so it is removed first and written last.

    Parameters
    ----------
    windows : the windows.
    names : files of their signals in `signals/`, which exist already.
    folder : folder of the store.
    about : further fields of the manifest.
    """
    (folder / MANIFEST).unlink(missing_ok=True)
    write_whole(folder / "windows.tsv", _tsv(windows.table))
    known = [name for name in ("subject", "file") if name in windows.table.columns]
    recordings = windows.table.groupby("recording", sort=True)[known].first().reset_index()
    recordings["signal"] = names
    recordings["n_samples"] = [len(signal) for signal in windows.signals]
    recordings["checksum"] = [SignalFile(folder / SIGNALS / name).checksum() for name in names]
    write_whole(folder / "recordings.tsv", _tsv(recordings))
    problems = pd.DataFrame([asdict(problem) for problem in windows.problems], columns=list(_PROBLEM))
    write_whole(folder / "problems.tsv", _tsv(problems))
    manifest = {"format": FORMAT, "unit": UNIT, **windows.provenance.to_dict()}
    manifest |= {name: getattr(windows, name) for name in (*_FIELDS, *_LATER_FIELDS)}
    rows = {"windows": len(windows), "problems": len(windows.problems)}
    manifest |= {"kept": count_kept(windows), "rows": rows} | about
    write_whole(folder / MANIFEST, json.dumps(manifest, indent=2) + "\n")


def _tsv(table: pd.DataFrame) -> str:
    return table.to_csv(sep="\t", index=False, na_rep="n/a")


_PROCESSING = tuple(field.name for field in fields(Processing))
_PROBLEM = tuple(field.name for field in fields(Problem))


def open_store(path: Path | str, *, task: str | None = None) -> WindowSet:
    """Open a store; its signals are read from disk on demand.

    Parameters
    ----------
    path : folder of the store.
    task : name of the task that the store must have; any task by default.

    Raises
    ------
    SparseEEGError : there is no store, or it is damaged, has another task, or a newer format.
    """
    path = Path(path)
    manifest = _manifest(path, task)
    try:
        table = pd.read_csv(
            path / "windows.tsv",
            sep="\t",
            dtype=_TEXT,
            keep_default_na=False,
            na_values=["n/a"],
            engine="python",
        )
        recordings = pd.read_csv(path / "recordings.tsv", sep="\t", dtype=str, keep_default_na=False)
        problems = pd.read_csv(path / "problems.tsv", sep="\t", keep_default_na=False)
        _check_lengths(manifest, table, problems)
        signals = [_signal(path, row) for row in recordings.to_dict("records")]
        problems_read = tuple(map(_problem, problems.to_dict("records")))
        if manifest["format"] == OLDEST and "options" not in manifest:
            reason = "it was written by an older version, without the processing of the signals"
            problems_read += (Problem(path / MANIFEST, reason, "read as not filtered", "nothing"),)
        return WindowSet(
            signals=signals,
            table=table,
            **_provenance(manifest),
            problems=problems_read,
            **{name: manifest[name] for name in _LATER_FIELDS if name in manifest},
            **{name: manifest[name] for name in _FIELDS},
        )
    except (OSError, KeyError, ValueError) as error:
        raise SparseEEGError(f"{path} is a damaged store: {one_line(error)}; prepare it again") from error


def _signal(path: Path, row: dict[Any, Any]) -> SignalFile:
    """Return the signal of a row of recordings.tsv; ValueError if its file holds another one."""
    signal = SignalFile(path / SIGNALS / row["signal"])
    if "checksum" in row and row["checksum"] != signal.checksum():  # earlier versions kept none
        raise ValueError(f"{signal.path} holds another signal than was written")
    return signal


def _check_lengths(manifest: dict[str, Any], table: pd.DataFrame, problems: pd.DataFrame) -> None:
    """Raise ValueError if a table was cut; earlier versions did not keep the numbers of rows."""
    for name, found in (("windows", table), ("problems", problems)):
        expected = manifest.get("rows", {}).get(name, len(found))
        if len(found) != expected:
            raise ValueError(f"{name}.tsv has {len(found)} rows instead of {expected}")


def _problem(row: dict[Any, Any]) -> Problem:
    kind = row.get("kind", "")  # format 2 has none
    return Problem(Path(row["path"]), row["reason"], row["action"], row["lost"], int(row["count"]), kind)


def options_of(path: Path) -> dict[str, Any]:
    """Return the options of `prepare` that chose windows, as `releases`, as far as a store knows them."""
    options = _manifest(path, None).get("options", {})
    return {name: options[name] for name in _CHOICES if name in options}


def _provenance(manifest: dict[str, Any]) -> dict[str, Any]:
    """Return the provenance in a manifest, as arguments of `WindowSet`."""
    if manifest["format"] == OLDEST:
        manifest = _of_version_0_1(manifest)
    known = Provenance.from_dict(manifest)
    return {field.name: getattr(known, field.name) for field in fields(known)}


def _of_version_0_1(manifest: dict[str, Any]) -> dict[str, Any]:
    """Return a manifest that version 0.1.0 wrote, converted to the current format.

    `save` did not write the processing of the signals; they are taken as unprocessed.
    """
    options = manifest.get("options", {})
    tmin = manifest["tmin"]
    times = {"tmin": tmin, "tmax": tmin + manifest["n_times"] / manifest["sfreq"]}
    task = options.get("task", times) | {
        "name": manifest["task"],
        "target": manifest["target_name"],
        "unit": manifest["target_unit"],
        "locked": manifest["locked"],
    }
    processing = {name: options[name] for name in _PROCESSING if name in options}
    return manifest | {"task": task, "processing": {**processing, "sfreq": manifest["sfreq"]}}


def _manifest(path: Path, task: str | None) -> dict[str, Any]:
    if not (path / MANIFEST).is_file():
        if (path / JOURNAL).is_file():
            raise SparseEEGError(f"{path} is a store that isn't finished: run `sparseeg prepare` again")
        raise SparseEEGError(f"{path} is not a store: it has no {MANIFEST}")
    manifest = read_json(path / MANIFEST, dict)
    try:
        version, own_task = int(manifest["format"]), manifest["task"]
        own_task = own_task if isinstance(own_task, str) else own_task["name"]
    except (KeyError, TypeError, ValueError) as error:
        raise SparseEEGError(f"{path / MANIFEST}: not the manifest of a store: {one_line(error)}") from error
    if version < OLDEST:
        raise SparseEEGError(f"{path} is a store of the older format {version}; prepare it again")
    if version > FORMAT:
        raise SparseEEGError(
            f"{path} is a store of format {version}; this version reads up to {FORMAT}: update sparseeg"
        )
    if task is not None and own_task != task:
        raise SparseEEGError(
            f"{path} is a store of the task {own_task!r}, not {task!r}: give --task {quote(own_task)}, or "
            f"prepare one for {task!r}"
        )
    return manifest
