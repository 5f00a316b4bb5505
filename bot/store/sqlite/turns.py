"""The life of every turn: each method is one job, which the writer runs whole or not at all."""

import json
import sqlite3
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from bot.events import ENDS, Bill, Claim, Incoming, MessageKey, Outcome, ThreadKey, Turn, TurnState
from bot.store.records import dump
from bot.store.sqlite import at_work, blobs, leases, rows, steps, usage
from bot.store.sqlite.blobs import BlobLimits
from bot.store.sqlite.file.writer import Writer
from bot.store.sqlite.leases import Clock


class SqliteTurns:
    """The `bot.ports.Turns` in one SQLite file."""

    def __init__(self, writer: Writer, limits: BlobLimits, clock: Clock) -> None:
        self._writer = writer
        self._limits = limits
        self._clock = clock

    async def accept(self, question: Incoming, *, settle_s: float = 0.0) -> bool:
        """Record a question; its thread is due in `settle_s`. Return False if it was there already."""
        key, record, due_at_s = question.key, dump(question), self._clock.now_s() + settle_s

        def job(db: sqlite3.Connection) -> bool:
            known = rows.thread_id(db, question.thread)
            thread = known or rows.new_thread(db, question.thread, due_at_s)
            place = (key.platform, key.workspace, key.channel, key.message)
            insert = """INSERT OR IGNORE INTO turn
                (platform, workspace, channel, message, thread, question, gesture, accepted_at_s)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?)"""
            is_new = db.execute(insert, (*place, thread, record, question.send_id, time.time())).rowcount == 1
            if is_new and known:
                leases.wake(db, thread, due_at_s)
            return is_new

        return await self._writer.do(job)

    async def claim(self, worker: str, lease_s: float) -> Claim | None:
        """Lease the thread that has been due longest, and return what to answer there; None if none is due."""
        now_s = self._clock.now_s()
        return await self._writer.do(lambda db: leases.claim(db, worker, lease_s, now_s))

    async def renew(self, claims: Sequence[Claim], lease_s: float) -> frozenset[ThreadKey]:
        """Renew leases; return the threads that are still held."""
        until_s = self._clock.now_s() + lease_s
        return await self._writer.do(lambda db: leases.renew(db, claims, until_s))

    async def begin(self, questions: Sequence[Incoming], *, epoch: int | None = None) -> None:
        """Make accepted questions one turn that is being answered; its key is the first one's.

        A turn that was begun before goes on as it is, with its parts and with the questions that are new to it. Raises
        `KeyError` for a question that was never accepted and `ValueError` for questions of two turns already begun.
        """

        def job(db: sqlite3.Connection) -> None:
            leases.check(db, rows.merge_into(db, questions), epoch)  # if it is refused, nothing of it was done

        await self._writer.do(job)

    async def find(self, message: MessageKey) -> Turn | None:
        """Return the turn a message belongs to, as one of its questions or of its answer's messages, in any state."""

        def job(db: sqlite3.Connection) -> Turn | None:
            primary = rows.leader_with(db, message)
            return None if primary is None else rows.turn_at(db, primary)

        return await self._writer.do(job)

    async def record(
        self,
        turn: MessageKey,
        outcome: Outcome,
        messages: Sequence[Mapping[str, Any]],
        bill: Bill | None = None,
        *,
        epoch: int | None = None,
    ) -> None:
        """Record a turn's whole outcome at once: what to deliver, the history's new messages, and what it cost."""
        contents = [json.dumps(dict(message)) for message in messages]
        needed = {*blobs.referred_to(list(messages)), *(file.sha256 for file in outcome.files)}

        def job(db: sqlite3.Connection) -> None:
            primary = rows.leader_of(db, turn)
            leases.check(db, primary, epoch)
            thread = rows.thread_of(db, primary)
            rows.set_state(db, primary, TurnState.ANSWERED)
            db.execute("UPDATE turn SET outcome = ? WHERE id = ?", (rows.dump_outcome(outcome), primary))
            at_work.drop(db, primary)
            steps.purge(db, primary)
            if bill is not None:
                usage.charge(db, primary, bill)
            added = [(thread, primary, content) for content in contents]
            db.executemany("INSERT INTO message (thread, turn, content) VALUES (?, ?, ?)", added)
            if needed:
                blobs.use(db, primary, needed)
                blobs.tidy(db, thread, self._limits)

        await self._writer.do(job)

    async def end(self, turn: MessageKey, state: TurnState, *, epoch: int | None = None) -> None:
        """End a turn as `delivered`, `failed` or `stopped`; all the questions it answers end with it."""
        if state not in ENDS:
            raise ValueError(f"a turn ends as one of {', '.join(ENDS)}, not as {state!r}")

        now_s = self._clock.now_s()

        def job(db: sqlite3.Connection) -> None:
            primary = rows.leader_of(db, turn)
            leases.check(db, primary, epoch)
            rows.set_state(db, primary, state)
            at_work.forgive(db, primary)
            at_work.drop(db, primary)
            steps.purge(db, primary)
            leases.take_away(db, primary, now_s)

        await self._writer.do(job)

    async def reopen(self, turn: MessageKey, question: Incoming | None = None) -> Turn | None:
        """Reopen a thread's newest turn, to be answered anew into the messages it has; None if it is not the newest, or
        if it has not ended and is not changed.

        Raises `KeyError` for a turn, or a question, that was never accepted.
        """
        now_s = self._clock.now_s()

        def job(db: sqlite3.Connection) -> Turn | None:
            reopened = rows.reopen(db, turn, question)
            if reopened is not None:
                primary = rows.leader_of(db, turn)
                steps.purge(db, primary)
                leases.take_away(db, primary, now_s)
            return reopened

        return await self._writer.do(job)

    async def forget(self, question: MessageKey) -> Turn | None:
        """Purge a question: its text and files leave the store and the history, and the file they were in.

        Return its turn as it is now, None if there is none. A turn that was only accepted is stopped.
        """
        now_s = self._clock.now_s()

        def job(db: sqlite3.Connection) -> Turn | None:
            try:
                row, led = rows.row_of(db, question)
            except KeyError:
                return None
            primary = row if led is None else led
            turn = rows.turn_at(db, primary)
            (said,) = (asked for asked in turn.questions if asked.key == question)
            purged = replace(said, text="", uploads=(), said_before=())
            gone = "UPDATE turn SET question = ?, deleted_at_s = coalesce(deleted_at_s, ?) WHERE id = ?"
            db.execute(gone, (dump(purged), time.time(), row))
            blobs.forget_blocks(db, primary, question.message)
            steps.purge(db, primary)
            if turn.state is TurnState.ACCEPTED:
                rows.set_state(db, primary, TurnState.STOPPED)
            leases.take_away(db, primary, now_s)
            return rows.turn_at(db, primary)

        turn = await self._writer.do(job)
        if turn is not None:
            await self._writer.settle()
        return turn
