"""Independent random streams for each subject, purpose and run, so that no part affects another."""

import numpy as np

PURPOSES = (
    "traits", "anatomy", "behaviour", "background", "stimulus", "response", "rhythm",
    "passive background", "passive rhythm", "passive state",
)  # fmt: skip
"""Purposes of random numbers. The index is part of the key, so new ones must be appended."""


def random_stream(seed: int, subject: int, purpose: str, run: int = 0) -> np.random.Generator:
    """Return the random generator for a purpose in a run of a subject."""
    key = (subject, PURPOSES.index(purpose), run)
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))
