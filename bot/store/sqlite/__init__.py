"""The store in one SQLite file: one connection, one writer, a small class for each port. The only user of aiosqlite.

The connection reads and writes, in WAL with `synchronous=FULL`, so a method that has returned survives a loss of power.
Writers that come at the same time share one commit.
"""

from bot.store.sqlite.blobs import BlobLimits
from bot.store.sqlite.open import open_store

__all__ = ["BlobLimits", "open_store"]
