"""Splits stand in `sparseeg.data.splits`; this path, which other code names, keeps working."""

from sparseeg.data.splits import Split, by_release, by_subject, leave_one_subject_out, subject_folds

__all__ = ["Split", "by_release", "by_subject", "leave_one_subject_out", "subject_folds"]
