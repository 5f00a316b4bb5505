"""What there is of an answer that is not recorded yet."""

import sqlite3

from bot.events import MessageKey
from bot.store.sqlite import at_work
from bot.store.sqlite.rows import leader_of
from bot.store.sqlite.writer import Writer


class SqliteDrafts:
    """The `bot.ports.Drafts` in one SQLite file."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer

    async def keep(self, turn: MessageKey, text: str) -> None:
        """Keep what Claude wrote so far of an answer; nothing is changed if that is ""."""
        await self._writer.do(lambda db: at_work.keep(db, leader_of(db, turn), text))

    async def rest(self, turn: MessageKey, text: str) -> None:
        """Write down that this process has left off working at a turn, in good order; `text` as for `keep`."""

        def job(db: sqlite3.Connection) -> None:
            primary = leader_of(db, turn)
            at_work.keep(db, primary, text)
            at_work.set_at_work(db, primary, at_work=False)

        await self._writer.do(job)
