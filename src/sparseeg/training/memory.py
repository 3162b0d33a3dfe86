"""Keep freed memory in the process, so that the next training step can use it."""

import ctypes
import os

# Of glibc's malloc.h; arrays up to half a gibibyte come from the heap, which isn't given back meanwhile.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
_NEVER, _LARGE = 2**31 - 1, 2**29


def keep_freed_memory() -> None:
    """Set the allocator up for training on a CPU; where it isn't glibc's, only torch's setting is made.

    By default glibc gives large arrays back to the system as soon as they are freed, and the system clears
    their pages again a step later: between 5 % (the locator) and half (EEGConformer) of a training step.
    Call before torch allocates.
    """
    os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")  # large pages: fewer to map, a tenth of a step
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if os.name == "posix" else None
    if mallopt is not None:
        mallopt(_M_TRIM_THRESHOLD, _NEVER)
        mallopt(_M_MMAP_THRESHOLD, _LARGE)
