"""What the benchmarks share."""

import sys


def command() -> str:
    return " ".join(["sparseeg", *sys.argv[1:]])


def set_threads(threads: int | None) -> None:
    import torch

    if threads is not None:
        torch.set_num_threads(threads)
