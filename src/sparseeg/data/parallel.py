"""Reading many files, in order, with progress."""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from joblib import Parallel, delayed, parallel_config

from sparseeg.data.problems import one_line
from sparseeg.errors import SparseEEGError

Progress = Callable[[int, int], None]
Item = TypeVar("Item")
Result = TypeVar("Result")


def in_any_order(
    work: Callable[[Item], Result], items: Iterable[Item], n_jobs: int, backend: str = "loky"
) -> Iterator[Result]:
    """Yield `work(item)` for each item as it is done; `backend` is joblib's name of an engine.

    Raises
    ------
    SparseEEGError : joblib has no such backend, or it can't be used here.
    """
    try:
        with parallel_config(backend=backend):  # dask and ray are known here, not as an argument of Parallel
            pool = Parallel(n_jobs=n_jobs, return_as="generator_unordered")
    except (ValueError, ImportError) as error:
        raise SparseEEGError(f"joblib can't work with the backend {backend!r}: {one_line(error)}") from error
    yield from pool(delayed(work)(item) for item in items)


def read_each(
    read: Callable[[Item], Result], items: Iterable[Item], n_jobs: int, progress: Progress | None
) -> list[Result]:
    """Return `read(item)` for each item, in order; `progress(done, total)` is called after each one."""
    items = list(items)
    results: list[Result] = []
    for result in Parallel(n_jobs=n_jobs, return_as="generator")(delayed(read)(item) for item in items):
        results.append(result)
        if progress is not None:
            progress(len(results), len(items))
    return results
