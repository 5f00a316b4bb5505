"""What was used and by whom: rows that are written before a call and changed to what it cost after it."""

import json
import sqlite3
import time
from typing import NamedTuple

from bot.events import Bill, MessageKey
from bot.store.sqlite import leases
from bot.store.sqlite.file.writer import Writer
from bot.store.sqlite.rows import leader_of

_SLOT_S = 600
"""What `usage_sum` sums up (see `schema`). A day is 144 sums, and what is older than the first whole one: some rows."""
_IN_SPAN = """recorded_at_s >= :begin_s AND recorded_at_s < :end_s
    AND (person = :person OR (:person = '' AND person NOT GLOB '@*'))"""
"""What somebody or everybody used in a span of time. An account that begins with "@" repeats what persons pay."""


class SqliteUsage:
    """The `bot.ports.Usage` in one SQLite file."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer

    async def charge(self, turn: MessageKey, bill: Bill, *, epoch: int | None = None) -> int:
        """Record what each person pays for a turn; return the number of the bill, by which it can be changed."""

        def job(db: sqlite3.Connection) -> int:
            primary = leader_of(db, turn)
            leases.check(db, primary, epoch)
            return charge(db, primary, bill)

        return await self._writer.do(job)

    async def spent(self, person: str, since_s: float) -> int:
        """Return the tokens that somebody's questions have used since a time; "" is everybody."""
        return await self._writer.do(lambda db: spent(db, person, since_s))

    async def spent_at_s(self, person: str, since_s: float, tokens: int) -> float:
        """Return when somebody had used so many tokens, counted from a time on; 0.0 if they have not used that many."""
        return await self._writer.do(lambda db: spent_at_s(db, person, since_s, tokens))


def charge(db: sqlite3.Connection, primary: int, bill: Bill) -> int:
    """Record what each person pays, in place of what stands under the bill's number, and return the number."""
    number = bill.number or int(db.execute("SELECT coalesce(max(id), 0) + 1 FROM usage").fetchone()[0])
    said = json.dumps(dict(bill.usage))
    for person, share in bill.tokens.items():
        change = "UPDATE usage SET tokens = ?, usage = ? WHERE charge = ? AND person = ?"
        if not db.execute(change, (share, said, number, person)).rowcount:
            insert = "INSERT INTO usage (turn, usage, recorded_at_s, tokens, person, charge) VALUES (?, ?, ?, ?, ?, ?)"
            db.execute(insert, (primary, said, time.time(), share, person, number))
        said = "{}"  # it belongs to all of them together, and stands there once
    return number


def spent(db: sqlite3.Connection, person: str, since_s: float) -> int:
    """Return the tokens that somebody has used since a time; "" is everybody."""
    return sum(span.tokens for span in _spans(db, person, since_s))


def spent_at_s(db: sqlite3.Connection, person: str, since_s: float, tokens: int) -> float:
    """Return when somebody had used so many tokens, counted from a time on; 0.0 if they have not used that many."""
    for span in _spans(db, person, since_s):
        if span.tokens >= tokens:
            return _reached_s(db, person, span, tokens)
        tokens -= span.tokens
    return 0.0


class _Span(NamedTuple):
    """What was used from a time on and before another, in seconds since 1970."""

    begin_s: float
    end_s: float
    tokens: int


def _spans(db: sqlite3.Connection, person: str, since_s: float) -> list[_Span]:
    """Return all that was used since a time, oldest first: a part of a slot, then whole ones."""
    slot = int(since_s // _SLOT_S) + 1
    select = f"SELECT coalesce(sum(tokens), 0) FROM usage WHERE {_IN_SPAN}"  # noqa: S608 - ours
    span = {"begin_s": since_s, "end_s": slot * _SLOT_S, "person": person}
    (tokens,) = db.execute(select, span).fetchone()
    select = "SELECT slot, tokens FROM usage_sum WHERE person = ? AND slot >= ? ORDER BY slot"
    whole = db.execute(select, (person, slot)).fetchall()
    part = _Span(since_s, slot * _SLOT_S, tokens)
    return [part, *(_Span(at * _SLOT_S, (at + 1) * _SLOT_S, used) for at, used in whole)]


def _reached_s(db: sqlite3.Connection, person: str, span: _Span, tokens: int) -> float:
    select = f"""SELECT recorded_at_s FROM (
            SELECT recorded_at_s, sum(tokens) OVER (ORDER BY recorded_at_s) AS so_far
            FROM usage WHERE {_IN_SPAN}
        ) WHERE so_far >= :tokens LIMIT 1"""  # noqa: S608 - ours
    values = {"begin_s": span.begin_s, "end_s": span.end_s, "person": person, "tokens": tokens}
    found = db.execute(select, values).fetchone()
    return float(found[0]) if found else 0.0
