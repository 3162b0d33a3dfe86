"""Finished networks as one that answers, and recordings that it has never seen."""

from .predictor import Predicted, Predictor

__all__ = ["Predicted", "Predictor"]
