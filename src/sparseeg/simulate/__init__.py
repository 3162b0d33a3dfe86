"""A simulated data set in the form of HBN-EEG: known truth, real files (see docs/simulator.md)."""

from .dataset import simulate_dataset
from .settings import DEFAULT, Settings

__all__ = ["DEFAULT", "Settings", "simulate_dataset"]
