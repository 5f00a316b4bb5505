"""The messages of answers."""

import hashlib
import sqlite3
import time
from collections.abc import Sequence

from bot.events import AnswerMessage, MessageKey
from bot.store.sqlite import leases
from bot.store.sqlite.file.writer import Writer
from bot.store.sqlite.rows import leader_of


class SqliteMessages:
    """The `bot.ports.Messages` in one SQLite file. `id_`: which file it is."""

    def __init__(self, writer: Writer, id_: str) -> None:
        self._writer = writer
        self._id = id_

    async def posting(self, turn: MessageKey, part: AnswerMessage, *, epoch: int | None = None) -> None:
        """Record that a post is about to be made; on disk when it returns. What is already known of it stays."""
        insert = """INSERT INTO part (turn, number, mark, file, posting_at_s) VALUES (?, ?, ?, ?, ?)
            ON CONFLICT (turn, number) DO UPDATE
            SET mark = excluded.mark, file = excluded.file, message_id = '', posting_at_s = excluded.posting_at_s
            WHERE mark <> excluded.mark OR file <> excluded.file"""
        known = (part.index, part.idempotency_key, part.file, time.time())
        await self._write(turn, epoch, insert, known)

    async def posted(self, turn: MessageKey, part: AnswerMessage, *, epoch: int | None = None) -> None:
        """Record the platform's id of a post that was made; on disk when it returns."""
        insert = """INSERT INTO part (turn, number, mark, message_id, file, posting_at_s) VALUES (?, ?, ?, ?, ?, ?)
            ON CONFLICT (turn, number) DO UPDATE
            SET mark = excluded.mark, message_id = excluded.message_id, file = excluded.file"""
        known = (part.index, part.idempotency_key, part.message_id, part.file, time.time())
        await self._write(turn, epoch, insert, known)

    async def _write(self, turn: MessageKey, epoch: int | None, insert: str, known: Sequence[object]) -> None:
        def job(db: sqlite3.Connection) -> None:
            primary = leader_of(db, turn)
            leases.check(db, primary, epoch)
            db.execute(insert, (primary, *known))

        await self._writer.do(job)

    async def is_ours(self, idempotency_key: str) -> bool:
        """Return whether a part of an answer was posted with a key, or is the message of this id."""
        # the key of one that was taken away begins with a dash (see bot.reply.posted)
        select = "SELECT 1 FROM part WHERE mark IN (:mark, '-' || :mark) OR message_id = :mark LIMIT 1"
        return await self._writer.do(lambda db: db.execute(select, {"mark": idempotency_key}).fetchone() is not None)

    async def idempotency_key(self, turn: MessageKey) -> str:
        """Return the name of an answer to its platform, made of the turn's key and the database's id."""
        return hashlib.sha256(f"{self._id} {turn}".encode()).hexdigest()[:16]
