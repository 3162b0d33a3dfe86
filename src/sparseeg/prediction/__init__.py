"""What does a finished run predict for windows, and for new recordings?"""

from .predictor import IntervalPrediction, Predictor

__all__ = ["IntervalPrediction", "Predictor"]
