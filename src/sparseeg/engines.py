"""Process many items in parallel, with joblib on this machine or with dask and ray on several."""

import signal
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from multiprocessing import resource_tracker
from typing import TypeVar

from joblib import Parallel, delayed, parallel_config
from joblib.externals.loky.backend import resource_tracker as loky_tracker
from joblib.externals.loky.process_executor import TerminatedWorkerError

from sparseeg.errors import SparseEEGError, not_installed, one_line

Progress = Callable[[int, int], None]
"""(done, total) -> None"""
Report = Callable[[str], None]
"""(line) -> None"""


def ignore(line: str) -> None:
    """Report nothing."""


Item = TypeVar("Item")
Result = TypeVar("Result")


def in_any_order(
    work: Callable[[Item], Result],
    items: Iterable[Item],
    n_jobs: int,
    backend: str = "loky",
    start: Callable[[], None] | None = None,
) -> Iterator[Result]:
    """Yield `work(item)` for each item as it is done; with one job, in order and in this process.

    Each process gets its share of the processors, unless variables such as OMP_NUM_THREADS are set. Ctrl-C,
    or leaving the loop early, ends all processes.

    Parameters
    ----------
    work : function to call.
    items : its arguments.
    n_jobs : number of workers.
    backend : joblib's name of the engine.
    start : called first in each new process; for "loky" only.

    Raises
    ------
    SparseEEGError : joblib doesn't have the backend or can't use it, `n_jobs` is 0, or a process was killed.
    """
    _check_jobs(n_jobs)
    options = {} if start is None else {"initializer": start}
    try:
        with parallel_config(backend=backend, **options):  # Parallel itself doesn't know dask and ray
            pool = Parallel(n_jobs=n_jobs, return_as="generator_unordered", batch_size=1)
    except (ValueError, ImportError) as error:
        raise SparseEEGError(f"joblib can't use the backend {backend!r}: {one_line(error)}") from error
    with _killed_workers_said():
        yield from _started(pool, work, items)


def read_each(
    read: Callable[[Item], Result], items: Iterable[Item], n_jobs: int, progress: Progress | None
) -> list[Result]:
    """Return `read(item)` for each item, in order; `progress(done, total)` is called after each one.

    Raises
    ------
    SparseEEGError : `n_jobs` is 0, or a process was killed.
    """
    _check_jobs(n_jobs)
    items = list(items)
    results: list[Result] = []
    with _killed_workers_said():
        for result in _started(Parallel(n_jobs=n_jobs, return_as="generator"), read, items):
            results.append(result)
            if progress is not None:
                progress(len(results), len(items))
    return results


def _started(pool: Parallel, work: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    """Start a pool whose processes Ctrl-C interrupts in their work only.

    One that is idle or still imports would print a traceback; all are ended with the pool anyway.
    """
    if pool.n_jobs == 1 or not hasattr(signal, "pthread_sigmask"):  # the latter on Windows
        return pool(delayed(work)(item) for item in items)
    for tracker in (resource_tracker, loky_tracker):  # the first start of one would let Ctrl-C through again
        tracker.ensure_running()
    with _ctrl_c(signal.SIG_BLOCK):  # processes inherit it
        return pool(delayed(partial(_interruptible, work))(item) for item in items)


def _interruptible(work: Callable[[Item], Result], item: Item) -> Result:
    with _ctrl_c(signal.SIG_UNBLOCK):
        return work(item)


@contextmanager
def _ctrl_c(how: int) -> Iterator[None]:
    """Hold Ctrl-C back in this thread, or let it through, within this context."""
    before = signal.pthread_sigmask(how, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _check_jobs(n_jobs: int) -> None:
    if n_jobs == 0:
        raise SparseEEGError("n_jobs=0: give 1 or more, or -1 for as many as there are processors")


@contextmanager
def _killed_workers_said() -> Iterator[None]:
    """Turn the end of a worker process into one line."""
    try:
        yield
    except TerminatedWorkerError as error:
        raise SparseEEGError(
            "a worker process was killed, probably because memory ran out; run the same command again with "
            "fewer workers or jobs"
        ) from error


@contextmanager
def engine(backend: str, scheduler: str | None = None) -> Iterator[None]:
    """Connect a joblib backend to its cluster within this context; "loky" and "threading" need no cluster.

    Parameters
    ----------
    backend : joblib's name of the engine.
    scheduler : address of a dask scheduler; without one, dask starts a cluster on this machine.

    Raises
    ------
    SparseEEGError : the engine is not installed, or the scheduler doesn't respond.
    """
    if scheduler is not None and backend != "dask":
        raise SparseEEGError("the address of a scheduler is only for the backend dask")
    if backend == "dask":
        with _dask(scheduler):
            yield
        return
    if backend == "ray":
        _ray()
    yield


@contextmanager
def _dask(scheduler: str | None) -> Iterator[None]:
    try:
        from distributed import Client
    except ImportError as error:
        raise not_installed("distributed", "sparseeg[dask]", error) from error
    try:
        client = Client(scheduler, timeout=20)
    except (OSError, ValueError) as error:
        raise SparseEEGError(f"no dask scheduler responds at {scheduler}") from error
    with client:
        yield


def _ray() -> None:
    try:
        from ray.util.joblib import register_ray
    except ImportError as error:
        raise not_installed("ray", "ray", error) from error
    register_ray()
