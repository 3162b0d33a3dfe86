"""Processes that tests start, or that the product starts."""

import psutil


def has_ended(pid: int) -> bool:
    """Return whether a process has ended; a zombie has, though nobody has asked for its exit code."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
