"""Trainings side by side, each in a process of its own with its share of the processors."""

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from typing import Any

from sparseeg.training.memory import keep_freed_memory

_object: Any = None  # of a worker: what its jobs belong to, and whether no other one shall begin
_stop: Any = None


def each(
    of: Any, job: Callable[..., Any], arguments: Sequence[tuple[Any, ...]], workers: int
) -> Iterator[Any]:
    """Yield `job(of, *arguments)` for each of the arguments, in order; of several workers, as they are done.

    Parameters
    ----------
    of : is copied to each worker once; its `report`, if it has one, is called there.
    job : a function of a module.
    workers : processes; with one, everything happens in this one.
    """
    if workers == 1 or len(arguments) < 2:
        for words in arguments:
            yield job(of, *words)
        return
    threads = max(1, (os.cpu_count() or 1) // workers)
    context = multiprocessing.get_context("spawn")  # torch's threads don't survive a fork
    stop = context.Event()
    with ProcessPoolExecutor(workers, context, _begin, (of, threads, stop)) as pool:
        try:
            for future in as_completed([pool.submit(_do, job, words) for words in arguments]):
                yield future.result()
        except BaseException:
            stop.set()
            pool.shutdown(cancel_futures=True)  # those that run end by themselves: Ctrl-C reaches them too
            raise


def _begin(of: Any, threads: int, stop: Any) -> None:
    global _object, _stop
    keep_freed_memory()
    import torch

    torch.set_num_threads(threads)
    _object, _stop = of, stop


def _do(job: Callable[..., Any], words: tuple[Any, ...]) -> Any:
    if _stop.is_set():  # it was handed over already, and can't be cancelled any more
        raise KeyboardInterrupt
    try:
        return job(_object, *words)
    except KeyboardInterrupt:
        _stop.set()
        raise
