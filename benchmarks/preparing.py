"""Time and memory of `sparseeg prepare`, compared with only reading the same files with MNE.

    python benchmarks/preparing.py

Simulated sets of 20 to 120 subjects, kept in build/loading. Table: `benchmarks/results/preparing.{md,tsv}`.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import mne
import numpy as np
import pandas as pd
from joblib import Parallel, delayed

from sparseeg import machine
from sparseeg.bench.probe import memory_status
from sparseeg.data.store.prepare import prepare
from sparseeg.report import tables
from sparseeg.simulate import simulate_dataset


def read(path: Path) -> float:
    """Read a whole file with MNE, and return its first value."""
    raw = mne.io.read_raw_bdf(path, preload=True, verbose="error")
    return float(raw.get_data(picks=[0], stop=1)[0, 0])


def timed(run: Callable[[], object]) -> float:
    """Return the seconds that a call takes."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def peak_of_each_process(command: list[str]) -> list[int]:
    """Run a command, and return the peak resident bytes of each of its processes (Linux)."""
    peaks: dict[int, int] = {}
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    while process.poll() is None:
        for number in family(process.pid):
            peaks[number] = max(peaks.get(number, 0), memory_status("VmHWM", number) or 0)
        time.sleep(0.02)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
    return list(peaks.values())


def family(root: int) -> list[int]:
    """Return a process and all its descendants."""
    parents: dict[int, int] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            text = path.read_text()
        except OSError:
            continue
        parents[int(path.parent.name)] = int(text.rpartition(")")[2].split()[1])
    found = [root]
    for number in found:
        found += [child for child, parent in parents.items() if parent == number]
    return found


def measure(dataset: Path, repeats: int, n_jobs: int) -> dict[str, object]:
    """Time reading, preparing and a second run in turns, and measure the memory of the command."""
    files = sorted(dataset.glob("sub-*/eeg/*_eeg.bdf"))
    scratch = Path(tempfile.mkdtemp(prefix="preparing-", dir=dataset.parent))
    seconds: dict[str, list[float]] = {"read": [], "prepare": [], "again": []}
    try:
        for repeat in range(repeats + 1):
            store = scratch / f"store-{repeat}"
            taken = {
                "read": timed(lambda: Parallel(n_jobs)(delayed(read)(file) for file in files)),
                "prepare": timed(lambda store=store: prepare(dataset, store, n_jobs=n_jobs)),
                "again": timed(lambda store=store: prepare(dataset, store, n_jobs=n_jobs)),
            }
            shutil.rmtree(store)
            for name in seconds if repeat else ():  # the first turn starts the processes
                seconds[name].append(taken[name])
        command = [sys.executable, "-m", "sparseeg", "prepare", str(dataset), "--out", str(scratch / "store")]
        peaks = peak_of_each_process([*command, "--jobs", str(n_jobs)])
        again = timed(lambda: subprocess.run(command, check=True, stderr=subprocess.DEVNULL))
    finally:
        shutil.rmtree(scratch)
    found = {name: np.array(values) for name, values in seconds.items()}
    return {
        "recordings": len(files),
        "MB": sum(file.stat().st_size for file in files) / 1e6,
        "only reading (s)": float(np.median(found["read"])),
        "prepare (s)": float(np.median(found["prepare"])),
        "prepare / reading": float(np.median(found["prepare"] / found["read"])),
        "min-max": "{:.2f}-{:.2f}".format(*np.sort(found["prepare"] / found["read"])[[0, -1]]),
        "second run (s)": float(np.median(found["again"])),
        "second run, command (s)": again,
        "peak MB of a process": max(peaks) / 1e6,
    }


def main() -> None:
    """Measure all sizes, and write the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--subjects", type=int, nargs="+", default=[20, 40, 80, 120])
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--folder", type=Path, default=Path("build/loading"))
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results"))
    options = parser.parse_args()
    machine.commit()
    lines = []
    for number in options.subjects:
        dataset = simulate_dataset(options.folder / f"{number}-subjects", number, n_jobs=options.jobs)
        lines.append({"subjects": number, **measure(dataset, options.repeats, options.jobs)})
        print(lines[-1], flush=True)
    path = tables.write(
        pd.DataFrame(lines),
        options.out,
        "preparing",
        title="Preparing a store, compared with only reading the files",
        command=" ".join(["python", *sys.argv]),
        packages=("mne", "joblib", "numpy"),
        notes=(
            f"{options.jobs} processes, {options.repeats} interleaved repeats: medians, minimum and maximum",
            "only reading: `mne.io.read_raw_bdf(preload=True)` of all files, from the system's cache",
            "second run: without changes; the command includes starting Python and imports",
            "peak: of the largest process of `sparseeg prepare`, including libraries; SIMULATED recordings",
        ),
    )
    print(path.read_text())


if __name__ == "__main__":
    main()
