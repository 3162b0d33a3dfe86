"""Reading many files, in order, with progress."""

from collections.abc import Callable, Iterable
from typing import TypeVar

from joblib import Parallel, delayed

Progress = Callable[[int, int], None]
Item = TypeVar("Item")
Result = TypeVar("Result")


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
