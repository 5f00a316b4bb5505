"""The history of threads, and the bytes in it."""

import json
import time
from typing import Any

from bot.events import ThreadKey
from bot.store.sqlite import blobs
from bot.store.sqlite.file.writer import Writer
from bot.store.sqlite.rows import thread_id


class SqliteHistory:
    """The `bot.ports.History` in one SQLite file."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer

    async def messages(self, thread: ThreadKey) -> list[dict[str, Any]]:
        """Return the thread's messages for Claude, plain JSON with explicit roles, oldest first."""
        select = "SELECT content FROM message WHERE thread = ? AND dropped_at_s IS NULL ORDER BY id"
        rows = await self._writer.do(lambda db: db.execute(select, (thread_id(db, thread),)).fetchall())
        return [json.loads(content) for (content,) in rows]

    async def restart(self, thread: ThreadKey) -> None:
        """Start a thread's history anew: its messages leave it, and stay in the store as a branch."""
        drop = "UPDATE message SET dropped_at_s = ? WHERE thread = ? AND dropped_at_s IS NULL"
        await self._writer.do(lambda db: db.execute(drop, (time.time(), thread_id(db, thread))) and None)

    async def keep(self, data: bytes, media_type: str) -> str:
        """Keep bytes once; return their SHA-256 in hex, by which `blob` gives them back."""
        return await self._writer.do(lambda db: blobs.keep(db, data, media_type))

    async def blob(self, sha256: str) -> tuple[bytes, str]:
        """Return kept bytes and their media type. Raise `KeyError` if they are not there."""
        select = "SELECT data, media_type FROM blob WHERE sha256 = ?"
        found = await self._writer.do(lambda db: db.execute(select, (sha256,)).fetchone())
        if found is None:
            raise KeyError(sha256)
        data, media_type = found
        return data, media_type
