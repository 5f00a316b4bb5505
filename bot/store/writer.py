"""One connection, one writer: what has gathered while it wrote is its next transaction, so callers share an fsync."""

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import aiosqlite
import structlog

from bot.errors import StoreError

T = TypeVar("T")
Job = Callable[[sqlite3.Connection], Any]
Done = tuple[Any, Exception | None]

log = structlog.get_logger()


class Connection(aiosqlite.Connection):
    """aiosqlite's connection, which can also run one function on its thread.

    Statement by statement, a batch of a hundred small jobs would hop between threads three hundred times. aiosqlite
    0.22 has no public way to run a function there; the method it builds its own calls on is there for a subclass.
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

    async def settle(self) -> None:
        """Empty the write-ahead log into the file, so that what was deleted is in neither (sqlite.org/wal.html).

        An outside reader may keep some of it there until the next time. Raises `StoreError`.
        """
        try:
            await self._connection.run(lambda db: db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall())
        except sqlite3.Error as error:
            raise _unwritten(error) from error

    async def run(self) -> None:
        """Write until `close`; what was given before is still written. Nobody is left waiting, whatever happens."""
        while self._waiting or not self._closed:
            if not self._waiting:
                self._more.clear()
                await self._more.wait()
                continue
            batch, self._waiting = self._waiting, []
            futures = [future for _, future in batch]
            try:
                done = await self._write([job for job, _ in batch])
            except BaseException:
                for future in futures:
                    future.cancel()
                raise
            for future, (value, error) in zip(futures, done, strict=True):
                if future.cancelled():
                    continue
                if error is None:
                    future.set_result(value)
                else:
                    future.set_exception(error)

    async def _write(self, jobs: Sequence[Job]) -> Sequence[Done]:
        return await self._connection.run(lambda db: carry_out(db, jobs))

    def close(self) -> None:
        """Take no more jobs."""
        self._closed = True
        self._more.set()


class _Lost(Exception):  # noqa: N818 - what happened to the transaction
    """SQLite rolled the whole transaction back in the middle of one job: a full disk, no memory, an I/O error."""


def carry_out(db: sqlite3.Connection, jobs: Sequence[Job]) -> Sequence[Done]:
    """Run jobs in one transaction and return each one's value or error. Raises nothing.

    If one job loses the transaction for all (it does not fit on the disk), each gets a transaction of its own.
    """
    try:
        return _transaction(db, jobs)
    except _Lost as lost:
        if len(jobs) > 1:
            return [done for job in jobs for done in carry_out(db, [job])]
        return [(None, _unwritten(lost.__cause__ or lost))]
    except Exception as error:  # noqa: BLE001 - the callers must hear of it, whatever it is
        return [(None, _unwritten(error)) for _ in jobs]


def _transaction(db: sqlite3.Connection, jobs: Sequence[Job]) -> Sequence[Done]:
    try:
        db.execute("BEGIN IMMEDIATE")
        done = [_in_savepoint(db, job) for job in jobs]
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            with contextlib.suppress(sqlite3.Error):  # the error that brought us here is the one to tell
                db.execute("ROLLBACK")
        raise
    return done


def _in_savepoint(db: sqlite3.Connection, job: Job) -> Done:
    db.execute("SAVEPOINT job")
    try:
        value = job(db)
    except Exception as error:
        if not db.in_transaction:
            raise _Lost from error
        db.execute("ROLLBACK TO job")
        db.execute("RELEASE job")
        return None, _unwritten(error) if isinstance(error, sqlite3.Error) else error
    db.execute("RELEASE job")
    return value, None


def _unwritten(error: BaseException) -> StoreError:
    kind = getattr(error, "sqlite_errorname", type(error).__name__)
    log.error("store_write_failed", error=kind, detail=str(error))
    if kind == "SQLITE_FULL":
        return StoreError("The disk that holds the database is full.", str(error))
    return StoreError("The database cannot be read or written.", f"{kind}: {error}")


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
