"""The command `sparseeg bench loading`: windows per second from a store."""

from pathlib import Path
from typing import Annotated

from sparseeg.cli.bench.options import RESULTS, BatchSize, Out, Repeats, Threads, set_threads
from sparseeg.cli.given import command_line
from sparseeg.cli.options import DATA, Jobs, option
from sparseeg.cli.screen import output, say


def bench_loading(
    subjects: Annotated[
        str, option(DATA, "Numbers of subjects of the simulated sets.", metavar="N,...")
    ] = "20,40,80",
    folder: Annotated[
        Path, option(DATA, "Where the sets and their stores are kept.", metavar="FOLDER")
    ] = Path("build/loading"),
    jobs: Jobs = 2,
    batch_size: BatchSize = 128,
    repeats: Repeats = 7,
    threads: Threads = None,
    out: Out = RESULTS,
) -> None:
    """Measure shuffled windows per second and memory, from a store and by braindecode.

    A second table has the loader's share of a training step.
    """
    import pandas as pd

    from sparseeg import machine
    from sparseeg.bench import loading
    from sparseeg.bench.attention import parse_numbers
    from sparseeg.report import tables

    set_threads(threads)
    sizes = parse_numbers(subjects)
    machine.commit()
    table = loading.measure_loading(
        sizes, folder, batch_size=batch_size, repeats=repeats, n_jobs=jobs, report=say
    )
    notes = (
        f"batches of {batch_size} windows of 129 channels x 200 samples, {repeats} interleaved turns of a "
        "second: medians, lowest and highest",
        f"{loading.BASE} / this: median of the ratios within a turn",
        "resident MB: by which the process has grown since its libraries were loaded, at its largest",
        "files and stores lie in the system's cache; SIMULATED recordings",
    )
    paths = [
        tables.write(
            table,
            out,
            "loading",
            title="Loading shuffled windows, from a store and by braindecode",
            command=command_line(),
            packages=("torch", "braindecode", "mne"),
            notes=notes,
        )
    ]
    say(f"training {loading.NETWORK} from the store of {sizes[-1]} subjects")
    shares = pd.DataFrame([loading.share_of_step(folder / f"{sizes[-1]}-subjects")])
    paths.append(
        tables.write(
            shares,
            out,
            "loading-step",
            title=f"What of a training step of {loading.NETWORK} is waiting for data",
            command=command_line(),
            notes=(
                "batches of 64 from a store, medians; nothing is loaded ahead, so that its cost is whole",
            ),
        )
    )
    for path in paths:
        output.print(path.read_text(), markup=False, soft_wrap=True)
