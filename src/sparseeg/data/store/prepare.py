"""Prepare a store from a BIDS folder: in parallel, in bounded memory, incrementally, and resumable.

The signal of each recording is written to its own file, named after a fingerprint of its source and of the
options; then a line is added to the journal. When all recordings are done, tables are written from the
journal, and the manifest last. Therefore an unfinished store is never taken for a finished one, and a store
that is updated remains valid until the end.
"""

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from sparseeg import __version__
from sparseeg.arguments import checked
from sparseeg.data.bids import layout
from sparseeg.data.bids.participants import NAME as PARTICIPANTS
from sparseeg.data.cuts import Cut
from sparseeg.data.problems import Problem
from sparseeg.data.provenance import Processing
from sparseeg.data.read_bids import assemble
from sparseeg.data.signals.channels import ChannelPlan, WantedChannels, plan_channels
from sparseeg.data.signals.companions import companions
from sparseeg.data.signals.electrodes import electrode_tables
from sparseeg.data.signals.recording import Blocks, read_recording
from sparseeg.data.signals.select_channels import Selection
from sparseeg.data.signals.signal_file import SignalFile
from sparseeg.data.store import journal, store
from sparseeg.data.store.other_options import other_options
from sparseeg.data.store.own_files import check_signals, remove_signals, signals_in_table
from sparseeg.data.survey import Survey, survey_bids
from sparseeg.data.tasks import RESPONSE_TIME, TASKS, Task
from sparseeg.data.windows import WindowSet
from sparseeg.engines import Progress, in_any_order
from sparseeg.errors import SparseEEGError
from sparseeg.files.atomic import read_json, whole_file

MARGIN = 0.5  # seconds of signal kept on each side of a window
_CODE = 3  # increased when the same source and options give other windows or another signal


@dataclass(frozen=True)
class Options:
    """How a store is prepared.

    Parameters
    ----------
    processing : how signals are processed.
    margin : seconds of signal kept on each side of a window that is locked to an event, for jitter.
    releases, keep_excluded, keep_bad : as in `read_bids`.
    """

    processing: Processing = field(default_factory=Processing)
    margin: float = MARGIN
    releases: tuple[str, ...] | None = None
    keep_excluded: bool = False
    keep_bad: bool = False


@dataclass(frozen=True)
class Job:
    """A recording to read, and the folder in the store for its signal.

    Parameters
    ----------
    file : the recording.
    key : path of the recording in the source, which identifies it in the journal.
    fingerprint : hash of the source and the options, except the channels that others have.
    cut, processing, keep_bad : how it is read.
    folder : folder for its signal.
    wanted : the channels that it should have; None keeps its own.
    final : whether it is known which channels it should have.
    """

    file: layout.BidsFile
    key: str
    fingerprint: str
    cut: Cut
    processing: Processing
    keep_bad: bool
    folder: Path
    wanted: WantedChannels | None = None
    final: bool = False

    def run(self) -> journal.Entry:
        """Read the recording, write its signal whole or not at all, and return its entry."""
        read = read_recording(
            self.file, self.cut, self.processing, self._write, keep_bad=self.keep_bad, wanted=self.wanted
        )
        checksum = None if isinstance(read, Problem) else SignalFile(self.folder / read.signal).checksum()
        return journal.entry(self.key, self.fingerprint, read, checksum)

    @property
    def signal(self) -> str:
        """File name of its signal."""
        return f"{self.file.stem}-{_digest([self.fingerprint, self.wanted and asdict(self.wanted)])[:12]}.npy"

    def _write(self, blocks: Blocks, shape: tuple[int, int], dtype: str) -> str:
        with whole_file(self.folder / self.signal) as unfinished, unfinished.open("wb") as file:
            header = {"descr": np.dtype(dtype).str, "fortran_order": False, "shape": shape}
            np.lib.format.write_array_header_1_0(file, header)
            for block in blocks:
                file.write(np.ascontiguousarray(block).data)
        return self.signal


@checked
def prepare(
    path: Path | str,
    out: Path | str,
    task: Task = TASKS[RESPONSE_TIME],
    options: Options = Options(),
    *,
    overwrite: bool = False,
    n_jobs: int = 1,
    backend: str = "loky",
    progress: Progress | None = None,
) -> WindowSet:
    """Write the windows of a BIDS folder, or of a folder of BIDS folders, to a store, and open it.

    An existing store is updated: only new or changed recordings are read. The same call continues after an
    interruption at any moment.

    Parameters
    ----------
    path : the BIDS folder.
    out : folder of the store.
    task : what is decoded, and how windows are cut.
    options : how recordings are chosen and processed.
    overwrite : replace a store that was prepared with other options.
    n_jobs : number of workers.
    backend : joblib backend: "loky", "threading", or "dask" within a `dask.distributed.Client`.
    progress : called as `progress(done, total)` after each recording.

    Raises
    ------
    SparseEEGError : there is nothing to read, or `out` holds something else or a store with other options.
    """
    path, out = Path(path), Path(out)
    cut = task.cut(options.processing.sfreq, options.margin)
    survey = survey_bids(path, task, options.releases, options.keep_excluded)
    done = _open_journal(out, _described(path, task, options), overwrite)
    jobs = [_job(file, survey, cut, options, out) for file in survey.files]
    _run(jobs, done, n_jobs, backend, progress)
    plan = plan_channels(_found(jobs, done), options.processing.channels)
    alike, left_out = _alike(jobs, done, plan)
    _run(alike, done, n_jobs, backend, None)
    content = _content(survey, jobs, done)
    windows = _current(out, content)
    if windows is None:
        entries = [left_out.get(job.key, done.entries[job.key]) for job in jobs]
        _commit(survey, cut, options.processing, entries, plan, out, content, done.options)
    # Signals of the previous store are not used any more; their names are removed last.
    keys = [job.key for job in jobs]
    used = [done.entries[key]["signal"] for key in keys if "signal" in done.entries[key]]
    done.compact(keys, remove_signals(out, done.named, used))
    return store.open_store(out) if windows is None else windows


def _described(path: Path, task: Task, options: Options) -> dict[str, Any]:
    chosen = asdict(options)
    described = {"source": str(path), "task": asdict(task), **chosen.pop("processing"), **chosen}
    return json.loads(json.dumps(described | {"code": _CODE}))


def _open_journal(out: Path, options: dict[str, Any], overwrite: bool) -> journal.Journal:
    store.check_folder(out)
    check_signals(out)
    if (out / store.MANIFEST).is_file() and not (out / store.JOURNAL).is_file() and not overwrite:
        raise SparseEEGError(f"{out} is a store that was not prepared from a BIDS folder; name a new folder")
    try:
        (out / store.SIGNALS).mkdir(parents=True, exist_ok=True)
    except FileNotFoundError as error:
        raise SparseEEGError(f"{out} can't be made; name another folder for the store") from error
    done = journal.Journal(out / store.JOURNAL)
    if done.options is None and (out / store.JOURNAL).exists():
        done.options = _options_in_manifest(out)
        if done.options is None and not overwrite:
            raise SparseEEGError(
                f"{out / store.JOURNAL} is damaged: the options that the store was prepared with can't be "
                "read; name a new folder, or replace the store with --overwrite"
            )
    if done.options is not None and "task" in done.options:  # version 0.1.0 derived it from the rule
        done.options["task"].setdefault("locked", done.options["task"].get("rule") is not None)
    if not (out / store.MANIFEST).is_file() and not any("signal" in entry for entry in done.entries.values()):
        done.options = None  # a call that failed before it kept anything
    if done.options is not None and done.options.get("code") != _CODE and not overwrite:
        raise SparseEEGError(
            f"{out} was prepared by another version of sparseeg, which read some recordings otherwise; its "
            "windows can still be used, but to bring it up to date it must be made anew: name a new folder, "
            "or replace the store with --overwrite"
        )
    if done.options is not None and done.options != options and not overwrite:
        raise SparseEEGError(
            f"{out} holds another store: {other_options(done.options, options)}; ask for what it was made of "
            "and prepared with, name a new folder, or replace the store with --overwrite"
        )
    done.name(signals_in_table(out))  # those of the previous store
    if done.options != options:
        done.begin(options)
    return done


def _options_in_manifest(out: Path) -> dict[str, Any] | None:
    try:
        options = read_json(out / store.MANIFEST, dict).get("options")
    except SparseEEGError:
        return None
    return options if isinstance(options, dict) else None


def _job(file: layout.BidsFile, survey: Survey, cut: Cut, options: Options, out: Path) -> Job:
    key = file.path.relative_to(survey.path).as_posix()
    how = [repr(cut), repr(options.processing), options.keep_bad, _CODE]
    fingerprint = _digest([key, _sources(file, survey.path), *how])
    return Job(file, key, fingerprint, cut, options.processing, options.keep_bad, out / store.SIGNALS)


def _sources(file: layout.BidsFile, path: Path) -> list[Any]:
    """Return name and state of every file that a recording is read from."""
    names = ("events.tsv", "events.json", "channels.tsv", "eeg.json")
    sidecars = [table for name in names for table in file.sidecars(name)]
    found = dict.fromkeys([file.path, *companions(file.path), *sidecars, *electrode_tables(file)])
    return [[os.path.relpath(source, path), _stamp(source)] for source in found]


def _digest(content: Any) -> str:
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()


def _stamp(path: Path) -> list[int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return [found.st_size, found.st_mtime_ns]


def _run(
    jobs: Sequence[Job], done: journal.Journal, n_jobs: int, backend: str, progress: Progress | None
) -> None:
    """Run the jobs that aren't done, and add each to the journal when it is done."""
    waiting = [job for job in jobs if not _is_done(job, done)]
    finished = len(jobs) - len(waiting)
    if progress is not None:
        progress(finished, len(jobs))
    done.name(job.signal for job in waiting)
    for entry in in_any_order(Job.run, waiting, n_jobs, backend) if waiting else ():
        done.add(entry)
        finished += 1
        if progress is not None:
            progress(finished, len(jobs))


def _is_done(job: Job, done: journal.Journal) -> bool:
    entry = done.entries.get(job.key)
    if entry is None or entry["fingerprint"] != job.fingerprint:
        return False
    if "problem" in entry:
        return True
    if entry.get("recording_hash") is None or entry.get("events") is None:
        return False
    # What others have is known once all are read; until then, a signal that was made like theirs will do.
    if job.final and entry["signal"] != job.signal:
        return False
    return _is_whole(job.folder / entry["signal"], job.cut, entry)


def _is_whole(path: Path, cut: Cut, entry: journal.Entry) -> bool:
    """Return whether the signal of an entry is the one that was written, with its channels and windows."""
    try:
        signal = SignalFile(path)
    except (OSError, ValueError):
        return False
    if entry.get("checksum") not in (None, signal.checksum()):
        return False
    needed = max(entry["windows"].get("latest") or entry["windows"]["start"], default=0) + cut.n_times
    return signal.shape[1] == len(entry["ch_names"]) and len(signal) >= needed


def _found(jobs: Sequence[Job], done: journal.Journal) -> list[Selection]:
    entries = [done.entries[job.key] for job in jobs]
    return [journal.found(entry) for entry in entries if "problem" not in entry]


def _alike(
    jobs: Sequence[Job], done: journal.Journal, plan: ChannelPlan
) -> tuple[list[Job], dict[str, journal.Entry]]:
    """Return jobs that give every recording the same channels, and entries of those left out, by key."""
    alike: list[Job] = []
    left_out: dict[str, journal.Entry] = {}
    for job in jobs:
        entry = done.entries[job.key]
        if "problem" in entry:
            continue
        fit = plan.fit(journal.found(entry), job.file.path, job.processing.reference)
        if isinstance(fit, Problem):
            left_out[job.key] = journal.entry(job.key, job.fingerprint, fit)
        else:
            alike.append(replace(job, wanted=None if fit.keeps_all else plan.wanted, final=True))
    return alike, left_out


def _content(survey: Survey, jobs: Sequence[Job], done: journal.Journal) -> str:
    """Return a hash of everything that the tables are made of."""
    described = [
        [done.entries[job.key]["fingerprint"] for job in jobs],
        [_stamp(root / PARTICIPANTS) for root in layout.roots(survey.path)],
        [str(problem) for problem in survey.problems],
        sorted({str(person) for person in survey.names.values()}),
        survey.simulated,
        done.options,
        __version__,
    ]
    return _digest(described)


def _current(out: Path, content: str) -> WindowSet | None:
    """Return the windows of a store whose tables were made of this content and can be opened."""
    try:
        return (
            store.open_store(out) if read_json(out / store.MANIFEST, dict).get("content") == content else None
        )
    except SparseEEGError:
        return None


def _commit(
    survey: Survey,
    cut: Cut,
    processing: Processing,
    entries: Sequence[journal.Entry],
    plan: ChannelPlan,
    out: Path,
    content: str,
    options: dict[str, Any] | None,
) -> None:
    read = [journal.result(entry, _signal(out, entry), plan.wanted.ch_names) for entry in entries]
    windows = assemble(survey, cut, processing, read, plan)
    used = [signal.path.name for signal in windows.signals if isinstance(signal, SignalFile)]
    about = {"versions": _versions(), "content": content, "options": options}
    store.write_tables(windows, used, out, about)


def _versions() -> dict[str, str]:
    return {"sparseeg": __version__} | {name: metadata.version(name) for name in ("mne", "numpy", "scipy")}


def _signal(out: Path, entry: journal.Entry) -> SignalFile | None:
    return SignalFile(out / store.SIGNALS / entry["signal"]) if "signal" in entry else None
