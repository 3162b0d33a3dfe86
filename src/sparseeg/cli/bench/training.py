"""The command `sparseeg bench training`: windows per second of whole networks."""

from pathlib import Path
from typing import Annotated

import typer

from sparseeg.cli.bench.options import command, set_threads
from sparseeg.cli.options import ResultsPath, Threads, comma_list
from sparseeg.cli.screen import output, say


def bench_training(
    names: Annotated[str | None, typer.Option("--models", help="Networks, separated by commas.")] = None,
    batch_size: Annotated[int, typer.Option(min=2, help="Windows per step.")] = 64,
    repeats: Annotated[int, typer.Option(min=1, help="Interleaved repeats; medians are shown.")] = 10,
    threads: Threads = None,
    out: ResultsPath = Path("benchmarks/results"),
) -> None:
    """Windows per second of whole networks, training and inference, beside the floor of their products."""
    from sparseeg.bench import training
    from sparseeg.report import tables

    set_threads(threads)
    table = training.run(
        comma_list(names) or training.MODELS, batch_size=batch_size, repeats=repeats, report=say
    )
    path = tables.write(
        table,
        out,
        "training",
        title="Windows per second, 129 channels x 200 samples, float32",
        command=command(),
        packages=("torch", "braindecode"),
        notes=(
            f"batch {batch_size}, {repeats} interleaved repeats: medians, lowest and highest",
            "a training step is forward, loss, backward, AdamW; inference is one forward pass",
            "floor: the convolutions and matrix products that the network runs, alone, on the same shapes",
            "plain floor: those that PyTorch's own layers would run in their place",
        ),
    )
    output.print(path.read_text(), markup=False, soft_wrap=True)
