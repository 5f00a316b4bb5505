"""Every access to what aiosqlite does not document: running one function on a connection's own thread.

Statement by statement, a batch of a hundred small jobs would hop between threads three hundred times. aiosqlite 0.22
has no public way to run a function there; the method it builds its own calls on is there for a subclass.
"""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import aiosqlite

T = TypeVar("T")

BUSY_S = 30.0
"""How long a statement waits for a shell that holds the file: it delays the bot and costs nothing else."""


class Connection(aiosqlite.Connection):
    """aiosqlite's connection, which can also run one function on its thread."""

    async def run(self, function: Callable[[sqlite3.Connection], T]) -> T:
        """Run a function on the connection's own thread and return what it returns."""
        result: T = await self._execute(function, self._conn)  # type: ignore[no-untyped-call]
        return result


def connection_to(file: Path) -> Connection:
    """Return a connection that `async with` opens; transactions are begun by hand."""
    return Connection(lambda: sqlite3.connect(file, isolation_level=None, timeout=BUSY_S), 64)
