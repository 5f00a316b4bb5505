"""The time up to which each platform has handed in everything."""

from collections.abc import Sequence

from bot.events import ThreadKey
from bot.store.sqlite.file.writer import Writer


class SqliteCheckpoints:
    """The `bot.ports.Checkpoints` in one SQLite file."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer

    async def last(self, platform: str) -> float:
        """Return the time up to which everything was handed in; 0.0 if the bot was never there before."""
        select = "SELECT until_s FROM heard WHERE platform = ?"
        found = await self._writer.do(lambda db: db.execute(select, (platform,)).fetchone())
        return float(found[0]) if found else 0.0

    async def save(self, platform: str, at_s: float) -> None:
        """Record that everything up to a time was handed in. It never goes back."""
        insert = """INSERT INTO heard (platform, until_s) VALUES (?, ?)
            ON CONFLICT (platform) DO UPDATE SET until_s = max(until_s, excluded.until_s)"""
        await self._writer.do(lambda db: db.execute(insert, (platform, at_s)) and None)

    async def threads(self, platform: str, since_s: float) -> Sequence[ThreadKey]:
        """Return the threads the bot was asked in since a time, newest first."""
        select = """SELECT thread.platform, thread.workspace, thread.channel, thread.thread
            FROM turn JOIN thread ON thread.id = turn.thread
            WHERE turn.accepted_at_s >= ? AND thread.platform = ? GROUP BY thread.id ORDER BY max(turn.id) DESC"""
        rows = await self._writer.do(lambda db: db.execute(select, (since_s, platform)).fetchall())
        return [ThreadKey(*row) for row in rows]
