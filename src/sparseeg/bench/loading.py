"""Windows per second and memory of loading shuffled batches, with sparseeg and with braindecode.

All loaders read the same files. Each runs in its own process, so that its memory can be measured; they take
turns, so that a slow moment of the machine affects all of them.
"""

import gc
import importlib.util
import multiprocessing
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import mne
import numpy as np
import pandas as pd
import torch
from torch import nn
from torch.utils.data import DataLoader

from sparseeg import models
from sparseeg.bench.probe import resident_memory
from sparseeg.data.provenance import Processing
from sparseeg.data.store.prepare import Options, prepare
from sparseeg.data.store.store import open_store
from sparseeg.data.windows import WindowSet
from sparseeg.engines import Report, ignore
from sparseeg.simulate import simulate_dataset
from sparseeg.training.batches import loader

NETWORK = "light-sparse-attention-cnn"
SECONDS = 1.0  # length of a turn


def _store(dataset: Path, batch_size: int, dtype: str) -> Any:
    windows = open_store(_store_path(dataset, dtype))
    return loader(windows, np.arange(len(windows)), batch_size, shuffle=True)


def _braindecode(dataset: Path, batch_size: int, preload: bool) -> Any:
    """Return a PyTorch DataLoader of braindecode's windows for the trials of our store."""
    from braindecode.datasets import BaseConcatDataset, RawDataset
    from braindecode.preprocessing import create_windows_from_events

    windows = open_store(_store_path(dataset, "float32"))
    recordings = []
    for file, trials in windows.table.groupby("file", sort=False):
        raw = mne.io.read_raw_bdf(dataset / str(file), preload=preload, verbose="error")
        raw.pick("eeg", exclude=(), verbose="error")
        raw.set_annotations(mne.Annotations(trials["onset"], 0.0, "stimulus"), verbose="error")
        recordings.append(RawDataset(raw, {"file": file}))
    start = round(windows.tmin * windows.sfreq)
    cut = create_windows_from_events(
        BaseConcatDataset(recordings),
        trial_start_offset_samples=start,
        trial_stop_offset_samples=start + windows.n_times,
        window_size_samples=windows.n_times,
        window_stride_samples=windows.n_times,
        mapping={"stimulus": 0},
        verbose="error",
    )
    _check_same(windows, cut)
    return DataLoader(cut, batch_size=batch_size, shuffle=True)


def _check_same(windows: WindowSet, cut: Any) -> None:
    """Raise RuntimeError unless braindecode's windows have the same samples as ours."""
    some = np.linspace(0, len(windows) - 1, 20).astype(int)
    theirs = np.stack([np.asarray(cut[int(row)][0]) for row in some]) * 1e6
    if len(cut) != len(windows) or np.abs(theirs - windows.gather(some)).max() > 1e-2:
        raise RuntimeError("braindecode's windows differ from those of the store")


LOADERS: dict[str, Callable[[Path, int], Any]] = {
    "sparseeg store": partial(_store, dtype="float32"),
    "sparseeg store, float16": partial(_store, dtype="float16"),
    "braindecode, lazy": partial(_braindecode, preload=False),
    "braindecode, preloaded": partial(_braindecode, preload=True),
}
BASE = "sparseeg store"


@dataclass(frozen=True)
class Turn:
    """Windows per second, and growth of the process in bytes since its libraries were loaded."""

    rate: float
    memory: int


@dataclass
class _Process:
    name: str
    process: Any
    pipe: Connection
    turns: list[Turn] = field(default_factory=list)
    problem: str = ""

    def take_turn(self) -> None:
        if self.problem:
            return
        self.pipe.send("go")
        self.turns.append(self.pipe.recv())


def measure_loading(
    subjects: Sequence[int],
    folder: Path,
    *,
    batch_size: int = 128,
    repeats: int = 7,
    n_jobs: int = 2,
    report: Report = ignore,
) -> pd.DataFrame:
    """Simulate data sets, prepare stores, and return one row per loader and data set.

    A loader whose package is not installed keeps its row, with the reason.

    Parameters
    ----------
    subjects : number of subjects in each data set.
    folder : folder for data sets and stores, which are kept.
    batch_size : windows per batch.
    repeats : number of turns.
    n_jobs : processes for simulating and preparing.
    report : called with a line about the progress.
    """
    lines: list[dict[str, object]] = []
    for number in subjects:
        report(f"{number} subjects: simulating and preparing missing data")
        dataset = simulate_dataset(folder / f"{number}-subjects", number, n_jobs=n_jobs)
        for dtype in ("float32", "float16"):
            options = Options(Processing(dtype=dtype))
            prepare(dataset, _store_path(dataset, dtype), options=options, n_jobs=n_jobs)
        lines += _measure(dataset, number, batch_size, repeats, report)
    return pd.DataFrame(lines)


def _measure(
    dataset: Path, subjects: int, batch_size: int, repeats: int, report: Report
) -> list[dict[str, object]]:
    processes: list[_Process] = []
    try:
        for name in LOADERS:  # one after the other, because setting up is not measured
            processes.append(_start(name, dataset, batch_size))
        for repeat in range(repeats):
            report(f"{subjects} subjects: repeat {repeat + 1} of {repeats}")
            for process in processes:
                process.take_turn()
    finally:
        for process in processes:
            process.process.kill()
            process.process.join()
    base = np.array([turn.rate for turn in processes[0].turns])
    store = open_store(_store_path(dataset, "float32"))
    size = sum(np.prod(signal.shape) * signal.dtype.itemsize for signal in store.signals)
    about = {"subjects": subjects, "windows": len(store), "store MB": float(size / 1e6)}
    return [about | _row(process, base) for process in processes]


def _row(process: _Process, base: np.ndarray) -> dict[str, object]:
    row: dict[str, object] = {"loader": process.name}
    rates = np.array([turn.rate for turn in process.turns])
    if len(rates):
        row |= {
            "windows/s": f"{np.median(rates):,.0f}",
            "min-max": f"{rates.min():,.0f}-{rates.max():,.0f}",
            f"{BASE} / this": float(np.median(base / rates)),
            "resident MB": max(turn.memory for turn in process.turns) / 1e6,
        }
    return row | {"note": process.problem}


def _start(name: str, dataset: Path, batch_size: int) -> _Process:
    if name.startswith("braindecode") and importlib.util.find_spec("braindecode") is None:
        return _Process(name, _NoProcess(), None, problem="braindecode is not installed")  # type: ignore[arg-type]
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    arguments = (theirs, name, dataset, batch_size, torch.get_num_threads())
    process = context.Process(target=_child, args=arguments, daemon=True)
    process.start()
    theirs.close()
    try:
        answer = ours.recv()
    except EOFError:
        answer = "its process ended"
    return _Process(name, process, ours, problem=answer)


class _NoProcess:
    def kill(self) -> None: ...
    def join(self) -> None: ...


def _child(pipe: Connection, name: str, dataset: Path, batch_size: int, threads: int) -> None:
    """Make a loader, warm it up with one pass over the data, and take turns on request."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends this process
    torch.set_num_threads(threads)
    if name.startswith("braindecode"):
        import braindecode.preprocessing  # noqa: F401
    before = resident_memory()
    try:
        batches = LOADERS[name](dataset, batch_size)
        for _ in batches:
            pass
    except Exception as error:
        pipe.send(f"{type(error).__name__}: {str(error).splitlines()[0]}")
        return
    pipe.send("")
    while pipe.recv():
        gc.collect()
        count, start = 0, time.perf_counter()
        while time.perf_counter() - start < SECONDS:
            count += sum(len(batch[0]) for batch in batches)
        pipe.send(Turn(count / (time.perf_counter() - start), resident_memory() - before))


def share_of_step(
    dataset: Path, *, batch_size: int = 64, steps: int = 60, network: str = NETWORK
) -> dict[str, float]:
    """Train a network from a store, and return the milliseconds of a batch and a step, and their ratio.

    Batches are loaded in the training loop, so that their full cost is measured.
    """
    windows = open_store(_store_path(dataset, "float32"))
    batches = _endless(loader(windows, np.arange(len(windows)), batch_size, shuffle=True))
    model = models.build(network, *windows.shape)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)
    loading, stepping = [], []
    for _ in range(steps + 5):
        start = time.perf_counter()
        x, target, _ = next(batches)
        middle = time.perf_counter()
        optimizer.zero_grad()
        nn.functional.mse_loss(model(x), target).backward()
        optimizer.step()
        loading.append(middle - start)
        stepping.append(time.perf_counter() - middle)
    batch, step = (1e3 * float(np.median(seconds[5:])) for seconds in (loading, stepping))
    return {"batch (ms)": batch, "step (ms)": step, "batch / step": batch / step}


def _endless(batches: Any) -> Iterator[Any]:
    while True:
        size = len(batches)
        yield from islice(batches, max(1, size - 1))  # without the last, incomplete batch


def _store_path(dataset: Path, dtype: str) -> Path:
    return dataset.with_name(f"{dataset.name}-{dtype}")
