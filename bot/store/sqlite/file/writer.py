"""One connection, one writer: jobs that gather while it writes are its next transaction, so callers share an fsync."""

import asyncio
import contextlib
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import structlog

from bot.errors import StoreError
from bot.store.sqlite.file.sdk import BUSY_S, Connection
from bot.telemetry import Emit, StoreWrote, ignore

T = TypeVar("T")
Job = Callable[[sqlite3.Connection], Any]
Done = tuple[Any, Exception | None]

log = structlog.get_logger()

_WAL_BYTES = 4_200_000
"""About how long the write-ahead log gets: after 1,000 pages SQLite copies it into the file and starts it anew."""
_BROKEN = {
    sqlite3.SQLITE_IOERR: "The disk that holds the database fails; check it and its quota (dmesg, df), then start "
    "again.",
    sqlite3.SQLITE_READONLY: "The database can no longer be written; see that its disk is not read-only and that the "
    "file is there and ours (dmesg, mount, ls -l), then start again.",
    sqlite3.SQLITE_CORRUPT: "The database is damaged; move it away or restore a copy, then start again.",
    sqlite3.SQLITE_NOTADB: "The database is damaged; move it away or restore a copy, then start again.",
}
"""The primary result codes (sqlite.org/rescode.html) after which nobody knows what is on the disk, and what to do.

After all others the transaction is undone and the next one may be tried: no room, a lock, no memory, no descriptor left
for a temporary file (CANTOPEN: ours are open), and whatever a statement of ours did wrong.
"""


class BrokenStoreError(StoreError):
    """The disk or the file failed during the run: the store writes and reads no more."""


class Writer:
    """Runs jobs in the order they were given, each whole or not at all.

    `wal`: the write-ahead log. SQLite copies it into the file now and then, and does not report a failure. The log then
    grows, and the writer asks why.
    """

    def __init__(self, connection: Connection, wal: Path, emit: Emit) -> None:
        self._emit = emit
        self._connection = connection
        self._wal = wal
        self._wal_bytes = _WAL_BYTES
        self._waiting: list[tuple[Job, asyncio.Future[Any]]] = []
        self._more = asyncio.Event()
        self._closed = False
        self._broken: BrokenStoreError | None = None

    async def do(self, job: Callable[[sqlite3.Connection], T]) -> T:
        """Run a job in a transaction; when this returns, it is on disk. Raises `StoreError`, or what the job raises.

        A caller that is cancelled does not stop its job.
        """
        self._refuse_if_broken()
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
        self._refuse_if_broken()
        error = await self._connection.run(_empty_log)
        if error is not None:
            self._note(error)
            raise error

    async def run(self) -> None:
        """Write until `close`; jobs given before it are still written. Nobody is left waiting, whatever happens.

        Raises `BrokenStoreError` as soon as the disk or the file fails: nothing is written after that.
        """
        while not self._broken and (self._waiting or not self._closed):
            if not self._waiting:
                self._more.clear()
                await self._more.wait()
                continue
            batch, self._waiting = self._waiting, []
            futures = [future for _, future in batch]
            begun_s = time.perf_counter()
            try:
                done, error = await self._write([job for job, _ in batch])
            except BaseException:
                for future in futures:
                    future.cancel()
                raise
            failed = sum(why is not None for _, why in done)
            self._emit(StoreWrote(len(batch), failed, time.perf_counter() - begun_s))
            _answer(futures, done)
            self._note(error)
        if self._broken:
            _answer([future for _, future in self._waiting], [(None, self._broken)] * len(self._waiting))
            raise self._broken

    async def _write(self, jobs: Sequence[Job]) -> tuple[Sequence[Done], StoreError | None]:
        """Return what became of each job, and what is wrong with the store or its log, if anything is."""

        def write(db: sqlite3.Connection) -> tuple[Sequence[Done], StoreError | None]:
            done = carry_out(db, jobs)
            error: StoreError | None = _broken_in(done)
            if error is None and (size_bytes := _size_bytes(self._wal)) > self._wal_bytes:
                self._wal_bytes = size_bytes
                error = checkpoint(db, "PASSIVE")
            return done, error

        return await self._connection.run(write)

    def close(self) -> None:
        """Take no more jobs."""
        self._closed = True
        self._more.set()

    def _note(self, error: StoreError | None) -> None:
        if isinstance(error, BrokenStoreError):
            self._broken = error
            self._more.set()

    def _refuse_if_broken(self) -> None:
        if self._broken:
            raise self._broken


def _answer(futures: Sequence[asyncio.Future[Any]], done: Sequence[Done]) -> None:
    for future, (value, error) in zip(futures, done, strict=True):
        if future.cancelled():
            continue
        if error is None:
            future.set_result(value)
        else:
            future.set_exception(error)


def _size_bytes(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:  # what is wrong, SQLite says when it writes the next time
        return 0


def _empty_log(db: sqlite3.Connection) -> StoreError | None:
    """Empty the log, if nobody reads it now: who makes a backup would hold up every question for `BUSY_S`."""
    db.execute("PRAGMA busy_timeout = 200")
    try:
        return checkpoint(db, "TRUNCATE")
    finally:
        db.execute(f"PRAGMA busy_timeout = {round(BUSY_S * 1000)}")


def checkpoint(db: sqlite3.Connection, mode: str) -> StoreError | None:
    """Copy the write-ahead log into the file as far as readers allow (sqlite.org/pragma.html); return what failed."""
    try:
        db.execute(f"PRAGMA wal_checkpoint({mode})").fetchall()
    except sqlite3.Error as error:
        return _unwritten(error)
    return None


class _Lost(Exception):  # noqa: N818 - what happened to the transaction
    """The whole transaction is lost in the middle of one job: a full disk, no memory, an I/O error."""


def carry_out(db: sqlite3.Connection, jobs: Sequence[Job]) -> Sequence[Done]:
    """Run jobs in one transaction and return each one's value or error. Raises nothing.

    If one job loses the transaction for all (it does not fit on the disk), each gets a transaction of its own. Nothing
    is written after a `BrokenStoreError`; all remaining jobs get it.
    """
    try:
        return _transaction(db, jobs)
    except _Lost as lost:
        error = lost.__cause__ or lost
        if len(jobs) > 1 and not _why_broken(error):
            return _one_by_one(db, jobs)
        return _all_lost(error, jobs)
    except Exception as error:  # noqa: BLE001 - the callers must hear of it, whatever it is
        return _all_lost(error, jobs)


def _all_lost(error: BaseException, jobs: Sequence[Job]) -> Sequence[Done]:
    return [(None, _unwritten(error))] * len(jobs)


def _one_by_one(db: sqlite3.Connection, jobs: Sequence[Job]) -> Sequence[Done]:
    done: list[Done] = []
    for job in jobs:
        broken = _broken_in(done)
        done += [(None, broken)] if broken else carry_out(db, [job])
    return done


def _broken_in(done: Sequence[Done]) -> BrokenStoreError | None:
    return next((error for _, error in done if isinstance(error, BrokenStoreError)), None)


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
        if not db.in_transaction or _why_broken(error):
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
    if why := _why_broken(error):
        return BrokenStoreError(why, f"{kind}: {error}")
    return StoreError("The database cannot be read or written.", f"{kind}: {error}")


def _why_broken(error: BaseException) -> str:
    """Return what to do if an error leaves the store unusable, else ""."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_OK)
    if code == sqlite3.SQLITE_IOERR_SHMSIZE:  # the log's index could not grow, most likely on a full disk
        return ""
    return _BROKEN.get(code & 0xFF, "")  # the primary code of an extended one


@contextlib.asynccontextmanager
async def writer_on(connection: Connection, wal: Path, emit: Emit = ignore) -> AsyncIterator[Writer]:
    """Run a writer; on leaving, everything it was given is on disk.

    If the disk or the file fails, whoever is inside is cancelled, and `BrokenStoreError` is raised.
    """
    writer = Writer(connection, wal, emit)
    failure: BaseException | None = None
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(writer.run(), name="store writer")
            try:
                yield writer
            except BaseException as error:  # noqa: BLE001 - the group would wrap it, and cancel the writer
                failure = error
            writer.close()
    except BaseExceptionGroup as broken:
        raise broken.exceptions[0] from None
    if failure is not None:
        raise failure
