"""Measure the page about 15,000 scored trials of 260 people: time, peak memory and size.

    python benchmarks/report.py

The windows are noise with a step at the response time; 1.5 GB of them go to `build/report`. A network is
trained for one epoch on a few other people. Table: `benchmarks/results/report.{md,tsv}`.
"""

import multiprocessing
import resource
import shutil
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd

from sparseeg.data.bids.hbn import CH_NAMES
from sparseeg.data.provenance import Processing
from sparseeg.data.signals.signal_file import SignalFile
from sparseeg.data.tasks import TASKS
from sparseeg.data.windows import WindowSet
from sparseeg.experiments import run as runs
from sparseeg.report import tables
from sparseeg.report.page import write_report
from sparseeg.training.config import DataConfig, SplitConfig, TrainConfig

PEOPLE, TRIALS, N_TIMES = 260, 58, 200
TRAIN = 12  # further people
FOLDER = Path("build/report")
SECONDS, MEGABYTES, PAGE_MEGABYTES = 60, 2000, 15  # at most


def windows(first: int, count: int) -> WindowSet:
    """Return windows of some people, whose signals are on disk."""
    signals, targets = [], []
    for person in range(first, first + count):
        rng = np.random.default_rng(person)
        target = rng.uniform(0.8, 2.2, TRIALS)
        path = FOLDER / f"{person}.npy"
        if not path.exists():
            signal = rng.normal(0, 10, (TRIALS, N_TIMES, len(CH_NAMES))).astype(np.float32)
            signal[:, :, 61] += 20 * (np.linspace(0.5, 2.5, N_TIMES) > target[:, None])
            np.save(path, signal.reshape(-1, len(CH_NAMES)))
        signals.append(SignalFile(path))  # as those of a store
        targets.append(target)
    number = np.repeat(np.arange(count), TRIALS)
    table = pd.DataFrame(
        {
            "recording": number,
            "start": np.tile(np.arange(TRIALS) * N_TIMES, count),
            "target": np.concatenate(targets),
            "subject": [f"sub-{person + first:03d}" for person in number],
            "onset": np.tile(np.arange(TRIALS) * 8.0, count),
        }
    )
    task, processing = TASKS["response-time"], Processing(100.0)
    return WindowSet(signals, table, N_TIMES, CH_NAMES, task, processing, "noise", simulated=True)


def _report(scores: Path, run: Path, results: "multiprocessing.Queue[tuple[float, float, float]]") -> None:
    scored = windows(TRAIN, PEOPLE)
    begin = time.perf_counter()
    page = write_report(scores, run, scored)
    seconds = time.perf_counter() - begin
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    results.put((seconds, peak / 1e6, page.stat().st_size / 1e6))


def main() -> None:
    """Write the table; the exit code is 1 if a limit is missed."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    run, scores = FOLDER / "run", FOLDER / "scores"
    for folder in (run, scores):
        shutil.rmtree(folder, ignore_errors=True)
    scores.mkdir()
    config = TrainConfig(
        model="sparse-attention-locator",
        data=DataConfig(path="noise"),
        split=SplitConfig(kind="subjects"),
        epochs=1,
        min_steps=0,
        device="cpu",
        control=False,
        boosting=False,
    )
    runs.train(config, windows(0, TRAIN), run, print)
    runs.reevaluate(run, None, windows(TRAIN, PEOPLE), scores, print, paths=["others"])
    spawn = multiprocessing.get_context("spawn")
    lines = []
    for repeat in range(3):
        results = spawn.Queue()
        child = spawn.Process(target=_report, args=(scores, run, results))
        child.start()
        seconds, peak, size = results.get()
        child.join()
        lines.append({"repeat": repeat + 1, "seconds": seconds, "peak MB": peak, "page MB": size})
    table = pd.DataFrame(lines).round(1)
    met = (table["seconds"] < SECONDS).all() and (table["peak MB"] < MEGABYTES).all()
    met = bool(met and (table["page MB"] < PAGE_MEGABYTES).all())
    tables.write(
        table,
        Path("benchmarks/results"),
        "report",
        title="The page about a run: time, memory, size",
        command="python benchmarks/report.py",
        packages=("torch", "matplotlib", "mne"),
        notes=(
            f"{PEOPLE * TRIALS:,} trials of {PEOPLE} people, {len(CH_NAMES)} channels, {N_TIMES} samples",
            f"asked: under {SECONDS} s, {MEGABYTES} MB and {PAGE_MEGABYTES} MB; {'met' if met else 'MISSED'}",
            "every repeat in a process of its own",
        ),
    )
    print(table.to_string(index=False))
    sys.exit(0 if met else 1)


if __name__ == "__main__":
    main()
