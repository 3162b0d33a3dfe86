"""Figures as functions: each takes arrays or tables of a run, and returns a matplotlib figure."""

from sparseeg.report.figures.network import (
    plot_attention,
    plot_attribution,
    plot_connections,
    plot_erp_image,
    plot_gate,
    plot_latency,
    plot_topomaps,
)
from sparseeg.report.figures.scores import (
    plot_comparison,
    plot_scores,
    plot_speed,
    plot_subject_differences,
)
from sparseeg.report.figures.trust import (
    plot_intervals,
    plot_learning_curves,
    plot_new_predictions,
    plot_predictions,
    plot_residuals,
    plot_subjects,
)

__all__ = [
    "plot_attention",
    "plot_attribution",
    "plot_comparison",
    "plot_connections",
    "plot_erp_image",
    "plot_gate",
    "plot_intervals",
    "plot_latency",
    "plot_learning_curves",
    "plot_new_predictions",
    "plot_predictions",
    "plot_residuals",
    "plot_scores",
    "plot_speed",
    "plot_subject_differences",
    "plot_subjects",
    "plot_topomaps",
]
