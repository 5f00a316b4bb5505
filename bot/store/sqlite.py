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


class SqliteStore:
    """A `bot.ports.Store` in one SQLite file. Made by `open_store`."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer

    async def accept(self, question: Incoming) -> bool:
        """Write a question down. False if it was there already."""
        key = question.key
        row = (key.platform, key.workspace, key.channel, key.message, str(question.thread), dump(question), time.time())
        insert = """INSERT OR IGNORE INTO turn
            (platform, workspace, channel, message, thread, question, accepted_at_s) VALUES (?, ?, ?, ?, ?, ?, ?)"""
        return await self._writer.do(lambda db: db.execute(insert, row).rowcount == 1)

    async def knows(self, thread: ThreadKey) -> bool:
        """Say whether the bot was ever asked in this thread."""
        select = "SELECT 1 FROM turn WHERE thread = ? LIMIT 1"
        return await self._writer.do(lambda db: db.execute(select, (str(thread),)).fetchone() is not None)

    async def unended(self) -> Sequence[Turn]:
        """Return every turn that is neither delivered nor failed nor stopped, in the order it was accepted."""
        return await self._writer.do(_unended)

    async def begin(self, questions: Sequence[Incoming]) -> None:
        """Make accepted questions one turn that is being answered; its key is the first one's."""

        def job(db: sqlite3.Connection) -> None:
            leader = _row_of(db, questions[0].key)
            update = "UPDATE turn SET state = 'answering', answered_by = ? WHERE id = ?"
            db.executemany(update, [(leader, _row_of(db, question.key)) for question in questions])

        await self._writer.do(job)

    async def record(
        self, turn: MessageKey, answer: str, note: str, messages: Sequence[Mapping[str, Any]], usage: Mapping[str, Any]
    ) -> None:
        """Write a turn's whole outcome: what to deliver, the history's new messages and the usage, together."""
        contents = [json.dumps(dict(message)) for message in messages]
        used = json.dumps(dict(usage))

        def job(db: sqlite3.Connection) -> None:
            leader = _row_of(db, turn)
            db.execute("UPDATE turn SET state = 'answered' WHERE answered_by = ? OR id = ?", (leader, leader))
            db.execute("UPDATE turn SET answer = ?, note = ?, usage = ? WHERE id = ?", (answer, note, used, leader))
            (thread,) = db.execute("SELECT thread FROM turn WHERE id = ?", (leader,)).fetchone()
            (last,) = db.execute("SELECT coalesce(max(seq), 0) FROM message WHERE thread = ?", (thread,)).fetchone()
            rows = [(thread, seq, leader, content) for seq, content in enumerate(contents, last + 1)]
            db.executemany("INSERT INTO message (thread, seq, turn, content) VALUES (?, ?, ?, ?)", rows)

        await self._writer.do(job)

    async def end(self, turn: MessageKey, state: str) -> None:
        """End a turn as `delivered`, `failed` or `stopped`; all the questions it answers end with it."""

        def job(db: sqlite3.Connection) -> None:
            leader = _row_of(db, turn)
            update = "UPDATE turn SET state = ?, ended_at_s = ? WHERE id = ? OR answered_by = ?"
            db.execute(update, (state, time.time(), leader, leader))

        await self._writer.do(job)

    async def posting(self, turn: MessageKey, part: Part) -> None:
        """Write down that a post is about to be made; on disk when it returns."""
        await self._put_part(turn, part)

    async def posted(self, turn: MessageKey, part: Part) -> None:
        """Write down the platform's id of a post that was made; on disk when it returns."""
        await self._put_part(turn, part)

    async def _put_part(self, turn: MessageKey, part: Part) -> None:
        insert = """INSERT INTO part (turn, number, mark, message_id) VALUES (?, ?, ?, ?)
            ON CONFLICT (turn, number) DO UPDATE SET mark = excluded.mark, message_id = excluded.message_id"""
        values = (part.index, part.mark, part.message_id)
        await self._writer.do(lambda db: db.execute(insert, (_row_of(db, turn), *values)).rowcount)

    async def history(self, thread: ThreadKey) -> list[dict[str, Any]]:
        """Return the thread's messages for Claude, plain JSON with explicit roles, oldest first."""
        select = "SELECT content FROM message WHERE thread = ? ORDER BY seq"
        rows = await self._writer.do(lambda db: db.execute(select, (str(thread),)).fetchall())
        return [json.loads(content) for (content,) in rows]

    async def keep(self, data: bytes, media_type: str) -> str:
        """Keep bytes once; return their SHA-256 in hex, by which `blob` gives them back."""
        sha256 = hashlib.sha256(data).hexdigest()
        insert = "INSERT OR IGNORE INTO blob (sha256, media_type, data, kept_at_s) VALUES (?, ?, ?, ?)"
        await self._writer.do(lambda db: db.execute(insert, (sha256, media_type, data, time.time())).rowcount)
        return sha256

    async def blob(self, sha256: str) -> tuple[bytes, str]:
        """Return kept bytes and their media type. Raises `KeyError` if they are not there."""
        select = "SELECT data, media_type FROM blob WHERE sha256 = ?"
        found = await self._writer.do(lambda db: db.execute(select, (sha256,)).fetchone())
        if found is None:
            raise KeyError(sha256)
        data, media_type = found
        return data, media_type


def _row_of(db: sqlite3.Connection, key: MessageKey) -> int:
    select = "SELECT id FROM turn WHERE platform = ? AND workspace = ? AND channel = ? AND message = ?"
    found = db.execute(select, (key.platform, key.workspace, key.channel, key.message)).fetchone()
    if found is None:
        raise KeyError(str(key))
    return int(found[0])


def _unended(db: sqlite3.Connection) -> list[Turn]:
    select = """SELECT id, state, answer, note FROM turn
        WHERE state IN ('accepted', 'answering', 'answered') AND coalesce(answered_by, id) = id ORDER BY id"""
    return [_turn(db, *row) for row in db.execute(select).fetchall()]


def _turn(db: sqlite3.Connection, leader: int, state: str, answer: str, note: str) -> Turn:
    rows = db.execute("SELECT question FROM turn WHERE id = ? OR answered_by = ?", (leader, leader)).fetchall()
    # Discord's snowflakes and Slack's timestamps grow with time: a longer one is later.
    questions = sorted((load(text) for (text,) in rows), key=lambda q: (len(q.key.message), q.key.message))
    parts = db.execute("SELECT number, mark, message_id FROM part WHERE turn = ? ORDER BY number", (leader,)).fetchall()
    return Turn(tuple(questions), state, tuple(Part(*row) for row in parts), answer, note)
