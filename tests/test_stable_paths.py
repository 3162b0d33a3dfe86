"""Dotted paths that other code and checks use keep working, wherever their modules have moved."""

import importlib

import pandas as pd
import pytest

from sparseeg.data.bids.trials import trial_table

PATHS = {
    "sparseeg.data": ("load", "trial_table", "WindowSet", "Problem"),
    "sparseeg.data.trials": ("trial_table",),
    "sparseeg.data.store": ("open_store",),
    "sparseeg.data.load": ("load",),
    "sparseeg.evaluation.metrics": ("nrmse",),
    "sparseeg.evaluation.splits": ("leave_one_subject_out", "subject_folds", "by_release"),
    "sparseeg.attention": (
        *("SparseMultiHeadAttention", "SparseAttentionBlock", "partitioned_attention"),
        *("ChannelAttention", "TemporalAttention"),
    ),
    "sparseeg.models": (
        *("build", "names", "ResponseTimeCNN", "SparseAttentionCNN", "LightSparseAttentionCNN"),
        *("ImprovedResponseTimeCNN", "ImprovedResponseTimeCNNWithAttention"),
        "LightweightResponseTimeCNNWithAttention",
    ),
}


@pytest.mark.parametrize(
    ("module", "name"), [(path, name) for path, names in PATHS.items() for name in names]
)
def test_path_works(module: str, name: str) -> None:
    assert callable(getattr(importlib.import_module(module), name))


def test_moved_functions_are_the_same() -> None:
    from sparseeg.data import splits
    from sparseeg.data.trials import trial_table as moved
    from sparseeg.evaluation import splits as moved_splits

    assert moved is trial_table
    assert moved_splits.subject_folds is splits.subject_folds
    events = pd.DataFrame(
        {
            "onset": ["1.0", "3.0", "4.5", "9.0"],
            "value": ["contrastTrial_start", "left_target", "right_buttonPress", "contrastTrial_start"],
        }
    )
    assert moved(events)["rt"].tolist() == [1.5]
