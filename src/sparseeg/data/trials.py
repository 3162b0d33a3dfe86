"""Old path of `sparseeg.data.bids.trials`, kept for existing code."""

from sparseeg.data.bids.trials import CONTRAST_CHANGE, TrialRule, trial_table

__all__ = ["CONTRAST_CHANGE", "TrialRule", "trial_table"]
