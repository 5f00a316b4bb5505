"""What the store does when people change their minds: retries, edits, deletions; and how much it keeps."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from contracts.stores import answered, kept, picture

from bot.store import BlobLimits, open_store

from .conftest import Ask


async def test_the_branch_that_was_left_stays_in_the_store(file: Path, ask: Ask) -> None:
    async with open_store(file) as store:
        await answered(store, ask("100"), "The old answer")
        await store.turns.reopen(ask("100").key)
    with closing(sqlite3.connect(file)) as db:
        [(content,)] = db.execute("SELECT content FROM message WHERE content LIKE '%old answer%' AND dropped_at_s > 0")
        assert "The old answer" in content


async def test_a_forgotten_question_is_in_no_history_and_in_no_file(file: Path, ask: Ask) -> None:
    async with open_store(file) as store:
        sha256 = await store.history.keep(b"PICTURE-CANARY" * 100, "image/png")
        secret = ask("100", text="TEXT-CANARY")
        await answered(store, secret, "An answer", picture(sha256))
        await answered(store, ask("101"), "Another")
        turn = await store.turns.forget(secret.key)
        assert turn is not None
        assert turn.questions[0].text == ""
        history = await store.history.messages(secret.thread)
        assert [m["role"] for m in history] == ["user", "assistant"] * 2
        assert "CANARY" not in str(history)
        with pytest.raises(KeyError):
            await store.history.blob(sha256)
        for name in (file, Path(f"{file}-wal")):
            assert b"CANARY" not in name.read_bytes()


async def test_who_reads_the_file_meanwhile_holds_up_nobody_when_a_question_is_forgotten(file: Path, ask: Ask) -> None:
    async with open_store(file) as store:
        await answered(store, ask("100"), "An answer")
        with closing(sqlite3.connect(file, isolation_level=None)) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM turn").fetchone()
            waits: list[str] = []
            connection = store.turns._writer._connection
            await connection.run(lambda db: db.set_trace_callback(waits.append))
            assert await store.turns.forget(ask("100").key) is not None
            await connection.run(lambda db: db.set_trace_callback(None))
        pragmas = [sql.removeprefix("PRAGMA ") for sql in waits if sql.startswith("PRAGMA")]
        assert pragmas == ["busy_timeout = 200", "wal_checkpoint(TRUNCATE)", "busy_timeout = 30000"]
        assert await store.turns.accept(ask("101"))


async def test_a_file_no_turn_needs_goes_before_an_older_one_that_is_needed(file: Path, ask: Ask) -> None:
    async with open_store(file, BlobLimits(bytes=250)) as store:
        needed = [await store.history.keep(bytes([number]) * 100, "image/png") for number in range(2)]
        await answered(store, ask("100"), "ok", picture(needed[0]))
        stray = await store.history.keep(b"s" * 100, "image/png")
        with closing(sqlite3.connect(file)) as db, db:
            db.execute("UPDATE blob SET kept_at_s = kept_at_s - 9000 WHERE sha256 <> ?", (needed[1],))
        await answered(store, ask("101", "other"), "ok", picture(needed[1]))
        assert await kept(store, [*needed, stray]) == [True, True, False]
