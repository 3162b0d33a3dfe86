"""How is a data set like HBN-EEG simulated, with real files and a known truth (docs/simulator.md)?"""

from .dataset import simulate_dataset
from .settings import DEFAULT, SimulatorSettings

__all__ = ["DEFAULT", "SimulatorSettings", "simulate_dataset"]
