"""What the bot must not forget: threads, turns, posted parts, images, usage. One SQLite file, and the only truth.

`open_store` opens the file for one process alone; `SqliteStore` is the `bot.ports.Store` on it. One connection reads
and writes, in WAL with `synchronous=FULL`, so a method that has returned survives a loss of power. Writers that come at
the same time share one commit. The only user of aiosqlite.
"""

from bot.store.blobs import BlobLimits
from bot.store.open import open_store
from bot.store.sqlite import SqliteStore

__all__ = ["BlobLimits", "SqliteStore", "open_store"]
