"""Half-open intervals of samples."""

import numpy as np


def segments(first: np.ndarray, last: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return first and last samples of the union of the intervals [first, last), joined where they touch."""
    if not len(first):
        return first, last
    order = np.argsort(first, kind="stable")
    begins, reach = first[order], np.maximum.accumulate(last[order])
    new = np.flatnonzero(np.append(True, begins[1:] > reach[:-1]))
    return begins[new], reach[np.append(new[1:] - 1, len(order) - 1)]
