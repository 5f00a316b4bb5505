"""The store's methods: each is one job, which the writer runs whole or not at all."""

import hashlib
import json
import sqlite3
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from bot.events import AnswerMessage, Bill, Incoming, MessageKey, Outcome, ThreadKey, Turn
from bot.store import blobs, drafts, turns
from bot.store import usage as accounts
from bot.store.blobs import BlobLimits
from bot.store.records import dump, load
from bot.store.writer import Writer


class SqliteStore:
    """A `bot.ports.Store` in one SQLite file. Made by `open_store`. `id_`: which file it is."""

    def __init__(self, writer: Writer, limits: BlobLimits, id_: str) -> None:
        self._id = id_
        self._writer = writer
        self._limits = limits

    async def accept(self, question: Incoming) -> bool:
        """Write a question down. False if it was there already, by its key or by its `send_id`."""
        key, record = question.key, dump(question)

        def job(db: sqlite3.Connection) -> bool:
            thread = turns.thread_id(db, question.thread) or turns.new_thread(db, question.thread)
            place = (key.platform, key.workspace, key.channel, key.message)
            insert = """INSERT OR IGNORE INTO turn
                (platform, workspace, channel, message, thread, question, gesture, accepted_at_s)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?)"""
            return db.execute(insert, (*place, thread, record, question.send_id, time.time())).rowcount == 1

        return await self._writer.do(job)

    async def knows(self, thread: ThreadKey) -> bool:
        """Say whether the bot was ever asked in this thread."""
        return await self._writer.do(lambda db: turns.thread_id(db, thread) is not None)

    async def unended(self) -> Sequence[Turn]:
        """Return every turn that is neither delivered nor failed nor stopped, in the order it was accepted."""
        return await self._writer.do(turns.unended)

    async def lately(self, platform: str, since_s: float, limit: int) -> Sequence[Incoming]:
        """Return up to `limit` questions that were accepted since a time and not deleted, newest first."""
        select = """SELECT question FROM turn WHERE platform = ? AND accepted_at_s >= ? AND deleted_at_s IS NULL
            ORDER BY accepted_at_s DESC LIMIT ?"""
        rows = await self._writer.do(lambda db: db.execute(select, (platform, since_s, limit)).fetchall())
        return [load(record) for (record,) in rows]

    async def begin(self, questions: Sequence[Incoming]) -> None:
        """Make accepted questions one turn that is being answered; its key is the first one's.

        A turn that was begun before goes on as it is, with its parts and with the questions that are new to it. Raises
        `KeyError` for a question that was never accepted and `ValueError` for questions of two turns already begun.
        """
        await self._writer.do(lambda db: turns.merge_into(db, questions))

    async def find(self, message: MessageKey) -> Turn | None:
        """Return the turn a message belongs to, as one of its questions or of its answer's messages, in any state."""

        def job(db: sqlite3.Connection) -> Turn | None:
            primary = turns.leader_with(db, message)
            return None if primary is None else turns.turn_at(db, primary)

        return await self._writer.do(job)

    async def record(
        self,
        turn: MessageKey,
        outcome: Outcome,
        messages: Sequence[Mapping[str, Any]],
        bill: Bill | None = None,
    ) -> None:
        """Write a turn's whole outcome, together: what to deliver, the history's new messages, and what it cost."""
        contents = [json.dumps(dict(message)) for message in messages]
        needed = {*blobs.referred_to(list(messages)), *(file.sha256 for file in outcome.files)}

        def job(db: sqlite3.Connection) -> None:
            primary = turns.leader_of(db, turn)
            (thread,) = db.execute("SELECT thread FROM turn WHERE id = ?", (primary,)).fetchone()
            turns.set_state(db, primary, "answered")
            db.execute("UPDATE turn SET outcome = ? WHERE id = ?", (turns.dump_outcome(outcome), primary))
            drafts.drop(db, primary)
            if bill is not None:
                accounts.charge(db, primary, bill)
            rows = [(thread, primary, content) for content in contents]
            db.executemany("INSERT INTO message (thread, turn, content) VALUES (?, ?, ?)", rows)
            if needed:
                blobs.use(db, primary, needed)
                blobs.tidy(db, thread, self._limits)

        await self._writer.do(job)

    async def end(self, turn: MessageKey, state: str) -> None:
        """End a turn as `delivered`, `failed` or `stopped`; all the questions it answers end with it."""
        if state not in turns.ENDS:
            raise ValueError(f"a turn ends as one of {', '.join(turns.ENDS)}, not as {state!r}")

        def job(db: sqlite3.Connection) -> None:
            primary = turns.leader_of(db, turn)
            turns.set_state(db, primary, state, time.time())
            drafts.forgive(db, primary)
            drafts.drop(db, primary)

        await self._writer.do(job)

    async def charge(self, turn: MessageKey, bill: Bill) -> int:
        """Write down what each person pays for a turn; return the number of the bill, by which it can be changed."""
        return await self._writer.do(lambda db: accounts.charge(db, turns.leader_of(db, turn), bill))

    async def draft(self, turn: MessageKey, text: str) -> None:
        """Keep what Claude wrote so far of an answer; nothing is changed if that is ""."""
        await self._writer.do(lambda db: drafts.keep(db, turns.leader_of(db, turn), text))

    async def resume(self, turn: MessageKey) -> None:
        """Write down that this process works at a turn that was begun before."""
        await self._writer.do(lambda db: drafts.set_at_work(db, turns.leader_of(db, turn), at_work=True))

    async def rest(self, turn: MessageKey, text: str) -> None:
        """Write down that this process has left off working at a turn, in good order; `text` as for `draft`."""

        def job(db: sqlite3.Connection) -> None:
            primary = turns.leader_of(db, turn)
            drafts.keep(db, primary, text)
            drafts.set_at_work(db, primary, at_work=False)

        await self._writer.do(job)

    async def stop(self, turn: MessageKey) -> None:
        """Write down that a reader wants no more of an answer, until the turn ends or is taken up again."""
        stop = "UPDATE turn SET stopping = 1 WHERE id = ?"
        await self._writer.do(lambda db: db.execute(stop, (turns.leader_of(db, turn),)) and None)

    async def used(self, person: str, since_s: float) -> int:
        """Return the tokens that somebody's questions have used since a time; "" is everybody."""
        return await self._writer.do(lambda db: accounts.used(db, person, since_s))

    async def used_up_to_s(self, person: str, since_s: float, tokens: int) -> float:
        """Return when somebody had used so many tokens, counted from a time on; 0.0 if they have not used as many."""
        return await self._writer.do(lambda db: accounts.used_up_to_s(db, person, since_s, tokens))

    async def reopen(self, turn: MessageKey, question: Incoming | None = None) -> Turn | None:
        """Take a thread's newest turn up again, to be answered anew into the messages it has; None if it is not that,
        or if it has not ended and is not changed.

        Raises `KeyError` for a turn, or a question, that was never accepted.
        """
        return await self._writer.do(lambda db: turns.reopen(db, turn, question))

    async def forget(self, question: MessageKey) -> Turn | None:
        """Purge a question: its text and files leave the store and the history, and the file they were in.

        Return its turn as it is now, None if there is none. A turn that was only accepted is stopped.
        """

        def job(db: sqlite3.Connection) -> Turn | None:
            try:
                row, led = turns.row_of(db, question)
            except KeyError:
                return None
            primary = row if led is None else led
            turn = turns.turn_at(db, primary)
            (said,) = (asked for asked in turn.questions if asked.key == question)
            purged = replace(said, text="", uploads=(), said_before=())
            gone = "UPDATE turn SET question = ?, deleted_at_s = coalesce(deleted_at_s, ?) WHERE id = ?"
            db.execute(gone, (dump(purged), time.time(), row))
            blobs.forget_blocks(db, primary, question.message)
            if turn.state == "accepted":
                turns.set_state(db, primary, "stopped", time.time())
            return turns.turn_at(db, primary)

        turn = await self._writer.do(job)
        if turn is not None:
            await self._writer.settle()
        return turn

    async def renew(self, thread: ThreadKey) -> None:
        """Begin a thread's history anew: what it had leaves it, and stays in the store as a branch."""
        drop = "UPDATE message SET dropped_at_s = ? WHERE thread = ? AND dropped_at_s IS NULL"
        await self._writer.do(lambda db: db.execute(drop, (time.time(), turns.thread_id(db, thread))) and None)

    async def note_refusal(self, person: str, since_s: float) -> bool:
        """Write down that somebody is told that they may not speak; False if they were told since a time."""
        insert = """INSERT INTO refused (person, told_at_s) VALUES (:person, :now)
            ON CONFLICT (person) DO UPDATE SET told_at_s = :now WHERE told_at_s < :since"""
        given = {"person": person, "now": time.time(), "since": since_s}
        return await self._writer.do(lambda db: db.execute(insert, given).rowcount == 1)

    async def idempotency_key(self, turn: MessageKey) -> str:
        """Return what an answer is named to its platform, made of the turn's key and of which database this is."""
        return hashlib.sha256(f"{self._id} {turn}".encode()).hexdigest()[:16]

    async def posting(self, turn: MessageKey, part: AnswerMessage) -> None:
        """Write down that a post is about to be made; on disk when it returns. What is known of it already stays."""
        insert = """INSERT INTO part (turn, number, mark, file, posting_at_s) VALUES (?, ?, ?, ?, ?)
            ON CONFLICT (turn, number) DO UPDATE
            SET mark = excluded.mark, file = excluded.file, message_id = '', posting_at_s = excluded.posting_at_s
            WHERE mark <> excluded.mark OR file <> excluded.file"""

        def job(db: sqlite3.Connection) -> None:
            db.execute(insert, (turns.leader_of(db, turn), part.index, part.idempotency_key, part.file, time.time()))

        await self._writer.do(job)

    async def posted(self, turn: MessageKey, part: AnswerMessage) -> None:
        """Write down the platform's id of a post that was made; on disk when it returns."""
        insert = """INSERT INTO part (turn, number, mark, message_id, file, posting_at_s) VALUES (?, ?, ?, ?, ?, ?)
            ON CONFLICT (turn, number) DO UPDATE
            SET mark = excluded.mark, message_id = excluded.message_id, file = excluded.file"""
        known = (part.index, part.idempotency_key, part.message_id, part.file, time.time())
        await self._writer.do(lambda db: db.execute(insert, (turns.leader_of(db, turn), *known)) and None)

    async def is_ours(self, idempotency_key: str) -> bool:
        """Say whether a part of an answer was posted with a mark, or is the message of this id."""
        # the mark of one that was taken away begins with a dash (see bot.reply.parts)
        select = "SELECT 1 FROM part WHERE mark IN (:mark, '-' || :mark) OR message_id = :mark LIMIT 1"
        return await self._writer.do(lambda db: db.execute(select, {"mark": idempotency_key}).fetchone() is not None)

    async def history(self, thread: ThreadKey) -> list[dict[str, Any]]:
        """Return the thread's messages for Claude, plain JSON with explicit roles, oldest first."""
        select = "SELECT content FROM message WHERE thread = ? AND dropped_at_s IS NULL ORDER BY id"
        rows = await self._writer.do(lambda db: db.execute(select, (turns.thread_id(db, thread),)).fetchall())
        return [json.loads(content) for (content,) in rows]

    async def keep(self, data: bytes, media_type: str) -> str:
        """Keep bytes once; return their SHA-256 in hex, by which `blob` gives them back."""
        return await self._writer.do(lambda db: blobs.keep(db, data, media_type))

    async def blob(self, sha256: str) -> tuple[bytes, str]:
        """Return kept bytes and their media type. Raises `KeyError` if they are not there."""
        select = "SELECT data, media_type FROM blob WHERE sha256 = ?"
        found = await self._writer.do(lambda db: db.execute(select, (sha256,)).fetchone())
        if found is None:
            raise KeyError(sha256)
        data, media_type = found
        return data, media_type

    async def heard_until(self, platform: str) -> float:
        """Return the time up to which everything said was handed in; 0.0 if the bot was never there before."""
        select = "SELECT until_s FROM heard WHERE platform = ?"
        found = await self._writer.do(lambda db: db.execute(select, (platform,)).fetchone())
        return float(found[0]) if found else 0.0

    async def heard(self, platform: str, at_s: float) -> None:
        """Write down that everything said up to a time was handed in. It never goes back."""
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
