"""Canaries: what of the inside of aiosqlite the store rests on, and what broke if a test here fails."""

import sqlite3
import threading
from pathlib import Path

from bot.store.sqlite.file.sdk import connection_to


async def test_a_function_runs_on_the_connections_own_thread(tmp_path: Path) -> None:
    async with connection_to(tmp_path / "parley.db") as connection:

        def where(db: sqlite3.Connection) -> tuple[int, int]:
            return threading.get_ident(), db.execute("SELECT 7").fetchone()[0]

        first, second = await connection.run(where), await connection.run(where)
    assert first == second, "a connection has no thread of its own any more: transactions of two jobs may mix"
    assert first[0] != threading.get_ident(), "functions run on the loop's thread: a slow disk stops the bot"
    assert first[1] == 7


async def test_what_a_function_raises_comes_back_to_who_asked(tmp_path: Path) -> None:
    async with connection_to(tmp_path / "parley.db") as connection:
        try:
            await connection.run(lambda db: db.execute("NONSENSE"))
        except sqlite3.OperationalError:
            return
    raise AssertionError("aiosqlite keeps errors to itself: a write that failed counts as done")
