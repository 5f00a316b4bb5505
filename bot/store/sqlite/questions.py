"""What was asked, and where."""

from collections.abc import Sequence

from bot.events import Incoming, ThreadKey, Turn
from bot.store.records import load
from bot.store.sqlite import rows
from bot.store.sqlite.file.writer import Writer
from bot.store.sqlite.rows import thread_id


class SqliteQuestions:
    """The `bot.ports.Questions` in one SQLite file."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer

    async def knows(self, thread: ThreadKey) -> bool:
        """Return whether the bot was ever asked in this thread."""
        return await self._writer.do(lambda db: thread_id(db, thread) is not None)

    async def unended(self) -> Sequence[Turn]:
        """Return every turn that is neither delivered nor failed nor stopped, in the order it was accepted."""
        return await self._writer.do(rows.unended)

    async def lately(self, platform: str, since_s: float, limit: int) -> Sequence[Incoming]:
        """Return up to `limit` questions that were accepted since a time and not deleted, newest first."""
        select = """SELECT question FROM turn WHERE platform = ? AND accepted_at_s >= ? AND deleted_at_s IS NULL
            ORDER BY accepted_at_s DESC LIMIT ?"""
        rows = await self._writer.do(lambda db: db.execute(select, (platform, since_s, limit)).fetchall())
        return [load(record) for (record,) in rows]
