"""Who works at which thread, and until when. The lease is on the thread's row.

`due_at_s` is when anybody may claim a thread next or, while it has a `worker`, when that worker's lease ends; without
it there is nothing to do there. `epoch` counts the claims, so the epoch of a write gives away a worker that was paused
past its lease. One index serves new questions, expired leases and turns that wait to be tried again.
"""

import asyncio
import sqlite3
import time
from collections.abc import Sequence
from dataclasses import replace

from bot.errors import LeaseLost
from bot.events import Claim, ThreadKey, Turn, TurnState
from bot.store.records import load
from bot.store.sqlite import rows

_IN_VAIN = 2
"""After so many failed attempts others of the thread may go first: perhaps only this turn cannot be shown."""


class Clock:
    """Seconds since 1970 that advance with the event loop's clock, whatever the machine's clock is set to meanwhile."""

    def __init__(self) -> None:
        self._begun_s = time.time() - asyncio.get_running_loop().time()

    def now_s(self) -> float:
        """Return the time."""
        return self._begun_s + asyncio.get_running_loop().time()


def expire(db: sqlite3.Connection) -> None:
    """End all leases, as this process is alone and has none yet: what is open is due at once."""
    db.execute("UPDATE thread SET worker = NULL, due_at_s = 0 WHERE due_at_s IS NOT NULL")
    db.execute(f"UPDATE turn SET recovered = 1 WHERE {rows.OPEN}")  # noqa: S608 - ours


def claim(db: sqlite3.Connection, worker: str, lease_s: float, now_s: float) -> Claim | None:
    """Lease the thread that has been due longest, and return what to answer there; None if none is due."""
    due = "SELECT id, epoch, worker FROM thread WHERE due_at_s <= ? ORDER BY due_at_s, id LIMIT 1"
    while (found := db.execute(due, (now_s,)).fetchone()) is not None:
        thread, epoch, before = found
        if before is not None:  # its lease ran out: what it worked on may have changed since
            db.execute("UPDATE turn SET recovered = 1 WHERE thread = ? AND epoch = ?", (thread, epoch))
        if ids := _next(db, thread):
            take = "UPDATE thread SET worker = ?, epoch = ?, due_at_s = ? WHERE id = ?"
            db.execute(take, (worker, epoch + 1, now_s + lease_s, thread))
            db.executemany("UPDATE turn SET epoch = ? WHERE id = ?", [(epoch + 1, row) for row in ids])
            return Claim(_merged(db, ids), worker, epoch + 1, recovered=_is_recovered(db, ids))
        give_back(db, thread, now_s)
    return None


def _next(db: sqlite3.Connection, thread: int) -> list[int]:
    """Return the rows to answer next in a thread: a turn that was begun before, else everything only accepted, in the
    order it was asked.
    """
    select = f"""SELECT id, state, tried, question FROM turn
        WHERE thread = ? AND {rows.OPEN} AND coalesce(answered_by, id) = id"""  # noqa: S608 - ours
    found = sorted(db.execute(select, (thread,)).fetchall(), key=lambda row: load(row[3]).order)
    new = [row for row, state, _, _ in found if state == TurnState.ACCEPTED]
    begun = [row for row, state, tried, _ in found if state != TurnState.ACCEPTED and (tried < _IN_VAIN or not new)]
    return begun[:1] or new


def _merged(db: sqlite3.Connection, ids: Sequence[int]) -> Turn:
    """Return the turn of a row, or of several that are only accepted, as one."""
    turns = [rows.turn_at(db, row) for row in ids]
    return replace(
        turns[0],
        questions=tuple(question for turn in turns for question in turn.questions),
        stopping=any(turn.stopping for turn in turns),
    )


def _is_recovered(db: sqlite3.Connection, ids: Sequence[int]) -> bool:
    marks = ", ".join("?" * len(ids))
    select = f"SELECT max(recovered) FROM turn WHERE id IN ({marks})"  # noqa: S608 - ours
    return bool(db.execute(select, list(ids)).fetchone()[0])


def renew(db: sqlite3.Connection, claims: Sequence[Claim], until_s: float) -> frozenset[ThreadKey]:
    """Renew leases; return the threads that are still held."""
    update = """UPDATE thread SET due_at_s = ? WHERE platform = ? AND workspace = ? AND channel = ? AND thread = ?
        AND epoch = ? AND worker IS NOT NULL"""
    ours = []
    for one in claims:
        key = one.thread
        place = (key.platform, key.workspace, key.channel, key.thread)
        if db.execute(update, (until_s, *place, one.epoch)).rowcount:
            ours.append(key)
    return frozenset(ours)


def check(db: sqlite3.Connection, primary: int, epoch: int | None) -> None:
    """Raise `LeaseLost` unless a turn's thread is held with this epoch. None needs no lease."""
    if epoch is None:
        return
    held = """SELECT 1 FROM turn JOIN thread ON thread.id = turn.thread
        WHERE turn.id = ? AND thread.epoch = ? AND thread.worker IS NOT NULL"""
    if db.execute(held, (primary, epoch)).fetchone() is None:
        raise LeaseLost("Somebody else answers this now.", f"turn {primary}, epoch {epoch}")


def wake(db: sqlite3.Connection, thread: int, at_s: float) -> None:
    """Make a thread due at a time, if it is not due sooner; its lease stays."""
    update = """UPDATE thread SET due_at_s = :at
        WHERE id = :thread AND worker IS NULL AND (due_at_s IS NULL OR due_at_s > :at)"""
    db.execute(update, {"thread": thread, "at": at_s})


def give_back(db: sqlite3.Connection, thread: int, at_s: float, *, taken_away: bool = False) -> None:
    """End a thread's lease; the thread is due at a time if anything is open there."""
    is_open = f"EXISTS (SELECT 1 FROM turn WHERE thread = :thread AND {rows.OPEN})"  # noqa: S608 - ours
    update = f"""UPDATE thread SET worker = NULL, epoch = epoch + :taken, due_at_s = CASE WHEN {is_open} THEN :at END
        WHERE id = :thread"""  # noqa: S608 - ours
    db.execute(update, {"thread": thread, "at": at_s, "taken": int(taken_away)})


def take_away(db: sqlite3.Connection, primary: int, now_s: float) -> None:
    """Take a turn away from whoever works at it; its thread is due if anything is open there."""
    select = """SELECT thread.id, thread.worker IS NOT NULL AND turn.epoch = thread.epoch, thread.worker IS NULL
        FROM turn JOIN thread ON thread.id = turn.thread WHERE turn.id = ?"""
    thread, is_held, is_free = db.execute(select, (primary,)).fetchone()
    if is_held or is_free:
        give_back(db, thread, now_s, taken_away=is_held)
