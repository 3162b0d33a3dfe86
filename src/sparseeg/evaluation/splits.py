"""Old path of `sparseeg.data.splits`, kept for existing code."""

from sparseeg.data.splits import Split, by_release, by_subject, leave_one_subject_out, subject_folds

__all__ = ["Split", "by_release", "by_subject", "leave_one_subject_out", "subject_folds"]
