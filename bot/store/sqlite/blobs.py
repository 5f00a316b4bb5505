"""Kept bytes: which turns need them, how many there may be, and which go first when there are too many."""

import hashlib
import json
import sqlite3
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

_FRESH_S = 3600.0
"""Bytes that no turn has recorded belong to one that is being answered, unless they are older than this."""


@dataclass(frozen=True, slots=True)
class BlobLimits:
    """How many bytes of images and files are kept: for one thread, and in all."""

    thread_bytes: int = 200_000_000
    bytes: int = 2_000_000_000


def keep(db: sqlite3.Connection, data: bytes, media_type: str) -> str:
    """Keep bytes once; return their SHA-256 in hex."""
    sha256 = hashlib.sha256(data).hexdigest()  # on this thread, because the event loop would stand still for megabytes
    insert = """INSERT INTO blob (sha256, media_type, data, kept_at_s) VALUES (?, ?, ?, ?)
        ON CONFLICT (sha256) DO UPDATE SET kept_at_s = excluded.kept_at_s"""
    db.execute(insert, (sha256, media_type, data, time.time()))
    return sha256


def use(db: sqlite3.Connection, turn: int, sha256s: Iterable[str]) -> None:
    """Record that a turn needs these blobs."""
    db.executemany("INSERT OR IGNORE INTO blob_use (turn, sha256) VALUES (?, ?)", [(turn, one) for one in sha256s])


def referred_to(value: Any) -> Iterator[str]:
    """Yield the hashes that a message's content points to, however deep."""
    if isinstance(value, dict):
        if value.get("type") == "blob" and isinstance(value.get("sha256"), str):
            yield value["sha256"]
        for inner in value.values():
            yield from referred_to(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from referred_to(inner)


def tidy(db: sqlite3.Connection, thread: int, limits: BlobLimits) -> None:
    """Delete what exceeds the limits: first what no turn needs, then the oldest. A history then lacks those."""
    mine = """SELECT DISTINCT blob.id, length(blob.data) FROM blob JOIN blob_use USING (sha256)
        JOIN turn ON turn.id = blob_use.turn WHERE turn.thread = ? ORDER BY blob.kept_at_s DESC, blob.id DESC"""
    _delete_beyond(db, db.execute(mine, (thread,)).fetchall(), limits.thread_bytes)
    used = "EXISTS (SELECT 1 FROM blob_use WHERE blob_use.sha256 = blob.sha256)"
    every = f"""SELECT id, length(data) FROM blob
        ORDER BY {used} OR kept_at_s > ? DESC, kept_at_s DESC, id DESC"""  # noqa: S608 - ours
    _delete_beyond(db, db.execute(every, (time.time() - _FRESH_S,)).fetchall(), limits.bytes)


def _delete_beyond(db: sqlite3.Connection, blobs: Iterable[tuple[int, int]], most_bytes: int) -> None:
    """Delete from the first blob on that no longer fits."""
    total = 0
    for blob, size_bytes in blobs:
        total += size_bytes
        if total > most_bytes:
            db.execute("DELETE FROM blob WHERE id = ?", (blob,))


def forget_blocks(db: sqlite3.Connection, turn: int, said: str) -> None:
    """Take the blocks of one question out of a turn's messages, and delete the blobs that only they needed."""
    select = "SELECT id, content FROM message WHERE turn = ?"
    messages = [(row, json.loads(content)) for row, content in db.execute(select, (turn,)).fetchall()]
    before = {one for _, message in messages for one in referred_to(message)}
    for row, message in messages:
        if _forget_in(message, said):
            db.execute("UPDATE message SET content = ? WHERE id = ?", (json.dumps(message), row))
    gone = before - {one for _, message in messages for one in referred_to(message)}
    for sha256 in gone:
        db.execute("DELETE FROM blob_use WHERE turn = ? AND sha256 = ?", (turn, sha256))
        unused = "NOT EXISTS (SELECT 1 FROM blob_use WHERE sha256 = :one)"
        db.execute(f"DELETE FROM blob WHERE sha256 = :one AND {unused}", {"one": sha256})  # noqa: S608 - ours


def _forget_in(message: dict[str, Any], said: str) -> bool:
    content = message.get("content")
    if not isinstance(content, list):
        return False
    left = [block for block in content if block.get("said") != said]
    if len(left) == len(content):
        return False
    message["content"] = left or [{"type": "text", "text": "(This message was deleted by its author.)"}]
    return True
