"""Work in threads that an interruption ends at once."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from queue import Empty, SimpleQueue
from threading import Event, Thread
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")
_GRACE = 2.0  # seconds that an interrupted run waits for its threads


def in_threads(
    work: Callable[[Item], Result],
    items: Sequence[Item],
    jobs: int,
    stop: Event,
    held: ExitStack,
) -> Iterator[Result]:
    """Yield `work(item)` of each item as it is done; the first exception, or leaving early, ends all.

    Parameters
    ----------
    stop : set when the threads shall end; `work` looks at it.
    held : closed when the last thread has ended, which after an interruption may be later than this
        function.
    """
    waiting: SimpleQueue[Item] = SimpleQueue()
    done: SimpleQueue[tuple[Result | None, BaseException | None]] = SimpleQueue()
    for item in items:
        waiting.put(item)

    def worker() -> None:
        while not stop.is_set():
            try:
                item = waiting.get_nowait()
            except Empty:
                return
            try:
                done.put((work(item), None))
            except BaseException as error:
                done.put((None, error))

    threads = [Thread(target=worker, daemon=True) for _ in range(min(jobs, len(items)))]

    def end() -> None:
        for thread in threads:
            thread.join()
        held.close()

    try:
        for thread in threads:
            thread.start()
        for _ in items:
            result, error = done.get()
            if error is not None:
                raise error
            yield result  # type: ignore[misc]
    finally:
        stop.set()
        ending = Thread(target=end, daemon=True)
        ending.start()
        ending.join(_GRACE)
