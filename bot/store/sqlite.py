"""The store's methods: each is one job, which the writer runs whole or not at all."""

import hashlib
import json
import sqlite3
import time
from collections.abc import Mapping, Sequence
from typing import Any

from bot.events import Incoming, MessageKey, Part, ThreadKey, Turn
from bot.store.records import dump, load
from bot.store.writer import Writer

_ENDS = ("delivered", "failed", "stopped")


class SqliteStore:
    """A `bot.ports.Store` in one SQLite file. Made by `open_store`."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer

    async def accept(self, question: Incoming) -> bool:
        """Write a question down. False if it was there already."""
        key, record = question.key, dump(question)

        def job(db: sqlite3.Connection) -> bool:
            thread = _thread(db, question.thread) or _new_thread(db, question.thread)
            row = (key.platform, key.workspace, key.channel, key.message, thread, record, time.time())
            insert = """INSERT OR IGNORE INTO turn
                (platform, workspace, channel, message, thread, question, accepted_at_s) VALUES (?, ?, ?, ?, ?, ?, ?)"""
            return db.execute(insert, row).rowcount == 1

        return await self._writer.do(job)

    async def knows(self, thread: ThreadKey) -> bool:
        """Say whether the bot was ever asked in this thread."""
        return await self._writer.do(lambda db: _thread(db, thread) is not None)

    async def unended(self) -> Sequence[Turn]:
        """Return every turn that is neither delivered nor failed nor stopped, in the order it was accepted."""
        return await self._writer.do(_unended)

    async def begin(self, questions: Sequence[Incoming]) -> None:
        """Make accepted questions one turn that is being answered; its key is the first one's.

        A turn that was begun before goes on as it is, with its parts and with the questions that are new to it. Raises
        `KeyError` for a question that was never accepted and `ValueError` for questions of two turns already begun.
        """

        def job(db: sqlite3.Connection) -> None:
            rows = [_row(db, question.key) for question in questions]
            led = {leader for _, leader in rows if leader is not None}
            if len(led) > 1:
                raise ValueError("these questions belong to more than one turn")
            leader = led.pop() if led else rows[0][0]
            db.executemany("UPDATE turn SET answered_by = ? WHERE id = ?", [(leader, row) for row, _ in rows])
            db.execute("UPDATE turn SET state = 'answering', ended_at_s = NULL WHERE answered_by = ?", (leader,))

        await self._writer.do(job)

    async def record(
        self, turn: MessageKey, answer: str, note: str, messages: Sequence[Mapping[str, Any]], usage: Mapping[str, Any]
    ) -> None:
        """Write a turn's whole outcome: what to deliver, the history's new messages and the usage, together."""
        contents = [json.dumps(dict(message)) for message in messages]
        used = json.dumps(dict(usage))
        outcome = json.dumps({"answer": answer, "note": note})

        def job(db: sqlite3.Connection) -> None:
            leader = _leader(db, turn)
            (thread,) = db.execute("SELECT thread FROM turn WHERE id = ?", (leader,)).fetchone()
            db.execute("UPDATE turn SET state = 'answered' WHERE id = ? OR answered_by = ?", (leader, leader))
            db.execute("UPDATE turn SET outcome = ? WHERE id = ?", (outcome, leader))
            db.execute("INSERT INTO usage (turn, usage, recorded_at_s) VALUES (?, ?, ?)", (leader, used, time.time()))
            rows = [(thread, leader, content) for content in contents]
            db.executemany("INSERT INTO message (thread, turn, content) VALUES (?, ?, ?)", rows)

        await self._writer.do(job)

    async def end(self, turn: MessageKey, state: str) -> None:
        """End a turn as `delivered`, `failed` or `stopped`; all the questions it answers end with it."""
        if state not in _ENDS:
            raise ValueError(f"a turn ends as one of {', '.join(_ENDS)}, not as {state!r}")

        def job(db: sqlite3.Connection) -> None:
            leader = _leader(db, turn)
            update = "UPDATE turn SET state = ?, ended_at_s = ? WHERE id = ? OR answered_by = ?"
            db.execute(update, (state, time.time(), leader, leader))

        await self._writer.do(job)

    async def posting(self, turn: MessageKey, part: Part) -> None:
        """Write down that a post is about to be made; on disk when it returns. What is known of it already stays."""
        insert = """INSERT INTO part (turn, number, mark, posting_at_s) VALUES (?, ?, ?, ?)
            ON CONFLICT (turn, number) DO UPDATE
            SET mark = excluded.mark, message_id = '', posting_at_s = excluded.posting_at_s
            WHERE mark <> excluded.mark"""

        def job(db: sqlite3.Connection) -> None:
            db.execute(insert, (_leader(db, turn), part.index, part.mark, time.time()))

        await self._writer.do(job)

    async def posted(self, turn: MessageKey, part: Part) -> None:
        """Write down the platform's id of a post that was made; on disk when it returns."""
        insert = """INSERT INTO part (turn, number, mark, message_id, posting_at_s) VALUES (?, ?, ?, ?, ?)
            ON CONFLICT (turn, number) DO UPDATE SET mark = excluded.mark, message_id = excluded.message_id"""

        def job(db: sqlite3.Connection) -> None:
            db.execute(insert, (_leader(db, turn), part.index, part.mark, part.message_id, time.time()))

        await self._writer.do(job)

    async def history(self, thread: ThreadKey) -> list[dict[str, Any]]:
        """Return the thread's messages for Claude, plain JSON with explicit roles, oldest first."""
        select = "SELECT content FROM message WHERE thread = ? ORDER BY id"
        rows = await self._writer.do(lambda db: db.execute(select, (_thread(db, thread),)).fetchall())
        return [json.loads(content) for (content,) in rows]

    async def keep(self, data: bytes, media_type: str) -> str:
        """Keep bytes once; return their SHA-256 in hex, by which `blob` gives them back."""
        insert = "INSERT OR IGNORE INTO blob (sha256, media_type, data, kept_at_s) VALUES (?, ?, ?, ?)"

        def job(db: sqlite3.Connection) -> str:
            sha256 = hashlib.sha256(data).hexdigest()  # here, because the event loop would stand still for megabytes
            db.execute(insert, (sha256, media_type, data, time.time()))
            return sha256

        return await self._writer.do(job)

    async def blob(self, sha256: str) -> tuple[bytes, str]:
        """Return kept bytes and their media type. Raises `KeyError` if they are not there."""
        select = "SELECT data, media_type FROM blob WHERE sha256 = ?"
        found = await self._writer.do(lambda db: db.execute(select, (sha256,)).fetchone())
        if found is None:
            raise KeyError(sha256)
        data, media_type = found
        return data, media_type


def _thread(db: sqlite3.Connection, key: ThreadKey) -> int | None:
    select = "SELECT id FROM thread WHERE platform = ? AND workspace = ? AND channel = ? AND thread = ?"
    found = db.execute(select, (key.platform, key.workspace, key.channel, key.thread)).fetchone()
    return None if found is None else int(found[0])


def _new_thread(db: sqlite3.Connection, key: ThreadKey) -> int | None:
    insert = "INSERT INTO thread (platform, workspace, channel, thread) VALUES (?, ?, ?, ?)"
    return db.execute(insert, (key.platform, key.workspace, key.channel, key.thread)).lastrowid


def _row(db: sqlite3.Connection, key: MessageKey) -> tuple[int, int | None]:
    """Return a question's row and the row of the turn that answers it, if one was begun."""
    select = "SELECT id, answered_by FROM turn WHERE platform = ? AND workspace = ? AND channel = ? AND message = ?"
    found: tuple[int, int | None] | None = db.execute(
        select, (key.platform, key.workspace, key.channel, key.message)
    ).fetchone()
    if found is None:
        raise KeyError(str(key))
    return found


def _leader(db: sqlite3.Connection, key: MessageKey) -> int:
    """Return the row that a turn's outcome and parts hang on, whichever of its questions names it."""
    row, leader = _row(db, key)
    return row if leader is None else leader


def _unended(db: sqlite3.Connection) -> list[Turn]:
    select = """SELECT id, state, outcome FROM turn
        WHERE state IN ('accepted', 'answering', 'answered') AND coalesce(answered_by, id) = id ORDER BY id"""
    return [_turn(db, *row) for row in db.execute(select).fetchall()]


def _turn(db: sqlite3.Connection, leader: int, state: str, outcome: str | None) -> Turn:
    rows = db.execute("SELECT question FROM turn WHERE id = ? OR answered_by = ?", (leader, leader)).fetchall()
    # Discord's snowflakes and Slack's timestamps grow with time: a longer one is later.
    questions = sorted((load(text) for (text,) in rows), key=lambda q: (len(q.key.message), q.key.message))
    parts = db.execute("SELECT number, mark, message_id FROM part WHERE turn = ? ORDER BY number", (leader,)).fetchall()
    said = json.loads(outcome) if outcome and state == "answered" else {"answer": "", "note": ""}
    return Turn(tuple(questions), state, tuple(Part(*row) for row in parts), **said)
