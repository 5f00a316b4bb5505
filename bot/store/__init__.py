"""What the bot must not forget: threads, turns, posted messages, images, usage. One database, and the only truth.

`open_store` opens an SQLite file for one process alone, and yields the ports on it (`bot.ports.Store`).
"""

from bot.store.sqlite import BlobLimits, open_store

__all__ = ["BlobLimits", "open_store"]
