"""Drafts: what Claude has written of answers that are not recorded yet."""

import sqlite3

from bot.events import MessageKey
from bot.store.sqlite import at_work, leases
from bot.store.sqlite.file.writer import Writer
from bot.store.sqlite.leases import Clock
from bot.store.sqlite.rows import leader_of, thread_of


class SqliteDrafts:
    """The `bot.ports.Drafts` in one SQLite file."""

    def __init__(self, writer: Writer, clock: Clock) -> None:
        self._writer = writer
        self._clock = clock

    async def keep(self, turn: MessageKey, text: str, *, epoch: int | None = None) -> None:
        """Keep what Claude wrote so far of an answer; nothing is changed if that is ""."""

        def job(db: sqlite3.Connection) -> None:
            primary = leader_of(db, turn)
            leases.check(db, primary, epoch)
            at_work.keep(db, primary, text)

        await self._writer.do(job)

    async def rest(
        self, turn: MessageKey, text: str, *, epoch: int | None = None, due_in_s: float = 0.0, tried: bool = False
    ) -> None:
        """Record that this process stopped working at a turn in good order; `text` as for `keep`."""
        due_at_s = self._clock.now_s() + due_in_s

        def job(db: sqlite3.Connection) -> None:
            primary = leader_of(db, turn)
            leases.check(db, primary, epoch)
            at_work.keep(db, primary, text)
            at_work.set_at_work(db, primary, at_work=False)
            if tried:
                db.execute("UPDATE turn SET tried = tried + 1, recovered = 1 WHERE id = ?", (primary,))
            if epoch is not None:
                leases.give_back(db, thread_of(db, primary), due_at_s)

        await self._writer.do(job)
