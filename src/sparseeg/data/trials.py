"""Trials stand in `sparseeg.data.bids.trials`; this path, which other code names, keeps working."""

from sparseeg.data.bids.trials import CONTRAST_CHANGE, TrialRule, trial_table

__all__ = ["CONTRAST_CHANGE", "TrialRule", "trial_table"]
