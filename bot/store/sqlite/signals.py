"""What is known of people besides what they ask."""

import sqlite3
import time

from bot.events import MessageKey
from bot.store.sqlite import leases
from bot.store.sqlite.file.writer import Writer
from bot.store.sqlite.leases import Clock
from bot.store.sqlite.rows import leader_of, state_of, thread_of


class SqliteSignals:
    """The `bot.ports.Signals` in one SQLite file."""

    def __init__(self, writer: Writer, clock: Clock) -> None:
        self._writer = writer
        self._clock = clock

    async def stop(self, turn: MessageKey) -> None:
        """Record that a reader stopped an answer, until the turn ends or is reopened."""
        now_s = self._clock.now_s()

        def job(db: sqlite3.Connection) -> None:
            primary = leader_of(db, turn)
            db.execute("UPDATE turn SET stopping = 1 WHERE id = ?", (primary,))
            if not state_of(db, primary).has_ended:
                leases.wake(db, thread_of(db, primary), now_s)

        await self._writer.do(job)


class SqliteNotices:
    """The `bot.ports.Notices` in one SQLite file."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer

    async def note_refusal(self, person: str, since_s: float) -> bool:
        """Record that somebody is told that they may not speak; return False if they were already told since a time."""
        insert = """INSERT INTO refused (person, told_at_s) VALUES (:person, :now)
            ON CONFLICT (person) DO UPDATE SET told_at_s = :now WHERE told_at_s < :since"""
        given = {"person": person, "now": time.time(), "since": since_s}
        return await self._writer.do(lambda db: db.execute(insert, given).rowcount == 1)
