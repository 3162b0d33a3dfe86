"""What else is known of a trial: labels for a network's auxiliary outputs, trained where they exist."""

import numpy as np
import pandas as pd

LABELS = ("correct", "stimulus_right")
"""Whether the answer was right; whether the stimulus was the one on the right-hand side."""

_TRUTH = {"True": 1.0, "False": 0.0}  # what a file makes of truth values that may be missing
_SIDE = {"left": 0.0, "right": 1.0}


def trial_labels(table: pd.DataFrame) -> np.ndarray:
    """Return the `LABELS` of the windows of a table, float32 (window, label): 1, 0, or NaN for not known."""
    labels = np.full((len(table), len(LABELS)), np.nan, dtype=np.float32)
    if "correct" in table:
        labels[:, 0] = table["correct"].astype(str).map(_TRUTH)
    if "stimulus" in table:
        labels[:, 1] = table["stimulus"].astype(str).str.extract(r"^(left|right)", expand=False).map(_SIDE)
    return labels
