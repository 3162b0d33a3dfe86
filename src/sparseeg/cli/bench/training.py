"""The command `sparseeg bench training`: windows per second of whole networks."""

from typing import Annotated

from sparseeg.cli.bench.options import RESULTS, BatchSize, Out, Repeats, Threads, set_threads
from sparseeg.cli.given import command_line
from sparseeg.cli.options import NETWORK, name_list, option
from sparseeg.cli.screen import output, say


def bench_training(
    models: Annotated[
        list[str] | None,
        option(
            NETWORK,
            "Networks to measure. Default: this package's and six of braindecode's.",
            metavar="NAME,...",
        ),
    ] = None,
    batch_size: BatchSize = 64,
    repeats: Repeats = 10,
    threads: Threads = None,
    out: Out = RESULTS,
) -> None:
    """Measure windows per second of networks, training and inference, beside the floor of their products."""
    from sparseeg.bench import training
    from sparseeg.report import tables

    set_threads(threads)
    table = training.measure_training(
        name_list(models, "--models") or training.MODELS, batch_size=batch_size, repeats=repeats, report=say
    )
    path = tables.write(
        table,
        out,
        "training",
        title="Windows per second, 129 channels x 200 samples, float32",
        command=command_line(),
        packages=("torch", "braindecode"),
        notes=(
            f"batch {batch_size}, {repeats} interleaved repeats: medians, lowest and highest",
            "a training step is forward, loss, backward, AdamW; inference is one forward pass",
            "floor: the convolutions and matrix products that the network runs, alone, on the same shapes",
            "plain floor: those that PyTorch's own layers would run in their place",
        ),
    )
    output.print(path.read_text(), markup=False, soft_wrap=True)
