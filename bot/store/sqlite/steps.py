"""The journal of turns."""

import json
import sqlite3
import time
from collections.abc import Sequence

from bot.events import MessageKey, Step
from bot.store.sqlite import leases
from bot.store.sqlite.file.writer import Writer
from bot.store.sqlite.rows import leader_of


class SqliteSteps:
    """The `bot.ports.Steps` in one SQLite file."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer

    async def add(self, turn: MessageKey, step: Step, *, epoch: int | None = None) -> None:
        """Record a finished request of a turn. A step of the same number is replaced."""
        messages = json.dumps([dict(message) for message in step.messages])
        used = (json.dumps(dict(step.usage)), step.model, step.cost_usd)
        insert = """INSERT INTO journal (turn, number, messages, usage, model, cost_usd, at_s)
            VALUES (?, ?, ?, ?, ?, ?, ?)
            ON CONFLICT (turn, number) WHERE messages IS NOT NULL DO UPDATE SET messages = excluded.messages,
            usage = excluded.usage, model = excluded.model, cost_usd = excluded.cost_usd, at_s = excluded.at_s"""

        def job(db: sqlite3.Connection) -> None:
            primary = leader_of(db, turn)
            leases.check(db, primary, epoch)
            db.execute(insert, (primary, step.number, messages, *used, time.time()))

        await self._writer.do(job)

    async def of(self, turn: MessageKey) -> Sequence[Step]:
        """Return the steps that a turn continues after, in order."""
        select = """SELECT number, messages, usage, model, cost_usd FROM journal
            WHERE turn = ? AND messages IS NOT NULL ORDER BY number"""
        found = await self._writer.do(lambda db: db.execute(select, (leader_of(db, turn),)).fetchall())
        return [
            Step(number, tuple(json.loads(messages)), json.loads(usage), model, cost_usd)
            for number, messages, usage, model, cost_usd in found
        ]


def purge(db: sqlite3.Connection, primary: int) -> None:
    """Make a turn start over: the messages of its steps are deleted, their cost stays."""
    db.execute("UPDATE journal SET messages = NULL WHERE turn = ? AND messages IS NOT NULL", (primary,))
