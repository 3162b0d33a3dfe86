"""How are releases of HBN-EEG fetched from their public bucket, verified and resumed?"""

from .release import Folder, Outcome, Request, fetch, free_space, plan
from .retry import PATIENCE, Patience

__all__ = ["PATIENCE", "Folder", "Outcome", "Patience", "Request", "fetch", "free_space", "plan"]
