"""HBN-EEG from its public bucket, verified and resumable."""

from .release import Folder, Outcome, Request, fetch, free_space, plan
from .retry import PATIENCE, Patience

__all__ = ["PATIENCE", "Folder", "Outcome", "Patience", "Request", "fetch", "free_space", "plan"]
