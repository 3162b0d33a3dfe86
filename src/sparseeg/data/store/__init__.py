"""How are windows kept on disk, so that they are prepared once and open quickly?"""

from sparseeg.data.store.store import is_store, open_store, save

__all__ = ["is_store", "open_store", "save"]
