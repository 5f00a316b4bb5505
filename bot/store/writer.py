"""One connection, one writer: what has gathered while it wrote is its next transaction, so callers share an fsync."""

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import aiosqlite

from bot.errors import StoreError

T = TypeVar("T")
Job = Callable[[sqlite3.Connection], Any]
Done = tuple[Any, BaseException | None]


class Connection(aiosqlite.Connection):
    """aiosqlite's connection, which can also run one function on its thread.

    Statement by statement, a batch of a hundred small jobs would hop between threads three hundred times.
    """

    async def run(self, function: Callable[[sqlite3.Connection], T]) -> T:
        """Run a function on the connection's own thread and return what it returns."""
        result: T = await self._execute(function, self._conn)  # type: ignore[no-untyped-call]
        return result


def connection_to(file: Path) -> Connection:
    """Return a connection that `async with` opens; transactions are begun by hand.

    A shell that holds the file for a while (`timeout`, seconds) delays the bot and costs nothing else.
    """
    return Connection(lambda: sqlite3.connect(file, isolation_level=None, timeout=30.0), 64)


class Writer:
    """Carries out jobs in the order they were given, each whole or not at all."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._waiting: list[tuple[Job, asyncio.Future[Any]]] = []
        self._more = asyncio.Event()
        self._closed = False

    async def do(self, job: Callable[[sqlite3.Connection], T]) -> T:
        """Run a job in a transaction; when this returns, it is on disk. Raises `StoreError`, or what the job raises.

        A caller that is cancelled does not stop its job.
        """
        if self._closed:
            raise StoreError("The database is closed.")
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._waiting.append((job, future))
        self._more.set()
        return await future

    async def run(self) -> None:
        """Write until `close`; what was given before is still written."""
        while self._waiting or not self._closed:
            if not self._waiting:
                self._more.clear()
                await self._more.wait()
                continue
            batch, self._waiting = self._waiting, []
            done = await self._write([job for job, _ in batch])
            for (_, future), (value, error) in zip(batch, done, strict=True):
                if future.cancelled():
                    continue
                if error is None:
                    future.set_result(value)
                else:
                    future.set_exception(error)

    async def _write(self, jobs: Sequence[Job]) -> list[Done]:
        return await self._connection.run(lambda db: transaction(db, jobs))

    def close(self) -> None:
        """Take no more jobs."""
        self._closed = True
        self._more.set()


def transaction(db: sqlite3.Connection, jobs: Sequence[Job]) -> list[Done]:
    """Run jobs in one transaction, each in a savepoint so that one that fails leaves the others."""
    try:
        db.execute("BEGIN IMMEDIATE")
        done = [_one(db, job) for job in jobs]
        db.execute("COMMIT")
    except sqlite3.Error as error:
        with contextlib.suppress(sqlite3.Error):
            db.execute("ROLLBACK")
        return [(None, StoreError("The database cannot be written to.", str(error))) for _ in jobs]
    return done


def _one(db: sqlite3.Connection, job: Job) -> Done:
    db.execute("SAVEPOINT job")
    try:
        value = job(db)
    except sqlite3.OperationalError:
        raise  # a full disk, an I/O error: the whole transaction is lost
    except Exception as error:  # noqa: BLE001 - handed to the caller, whose job it was
        db.execute("ROLLBACK TO job")
        db.execute("RELEASE job")
        return None, error
    db.execute("RELEASE job")
    return value, None


@contextlib.asynccontextmanager
async def writer_on(connection: Connection) -> AsyncIterator[Writer]:
    """Run a writer; on leaving, everything it was given is on disk."""
    writer = Writer(connection)
    task = asyncio.create_task(writer.run(), name="store writer")
    try:
        yield writer
    finally:
        writer.close()
        await task
