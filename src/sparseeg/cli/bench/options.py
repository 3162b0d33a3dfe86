"""Options of the benchmarks, and what they do."""

from pathlib import Path
from typing import Annotated

from sparseeg.cli.options import MEASUREMENT, OUTPUT, option

RESULTS = Path("benchmarks/results")

BatchSize = Annotated[int, option(MEASUREMENT, "Windows per batch.", metavar="N", min=2)]
Repeats = Annotated[int, option(MEASUREMENT, "Interleaved repeats; medians are shown.", metavar="N", min=1)]
Threads = Annotated[
    int | None, option(MEASUREMENT, "Threads of torch. Default: torch's.", metavar="N", min=1)
]
Out = Annotated[Path, option(OUTPUT, "Folder of the tables.", "--out", metavar="FOLDER")]


def set_threads(threads: int | None) -> None:
    """Let torch work in this many threads, if a number was given."""
    import torch

    if threads is not None:
        torch.set_num_threads(threads)
