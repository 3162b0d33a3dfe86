"""Independent random streams: one per subject, purpose and run, so that no part can shift another."""

import numpy as np

PURPOSES = (
    "traits", "anatomy", "behaviour", "background", "stimulus", "response", "rhythm",
    "passive background", "passive rhythm", "passive state",
)  # fmt: skip
"""What draws random numbers; a place in this order is part of the key, so new ones go to the end."""


def stream(seed: int, subject: int, purpose: str, run: int = 0) -> np.random.Generator:
    """Return the generator of one purpose of one run of one subject, whatever was drawn before."""
    key = (subject, PURPOSES.index(purpose), run)
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))
