"""How are windows kept on disk, so that they open fast and are prepared once?"""

from sparseeg.data.store.store import is_store, open_store, save

__all__ = ["is_store", "open_store", "save"]
