"""How do recordings of any supported kind become labelled windows that are checked and stored?"""

from sparseeg.data.bids.trials import trial_table
from sparseeg.data.load import load
from sparseeg.data.problems import Problem
from sparseeg.data.windows import WindowSet

__all__ = ["Problem", "WindowSet", "load", "trial_table"]
