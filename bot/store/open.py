"""Opening the file: for one process alone, readable by its owner only, and brought to today's tables."""

import fcntl
import os
import sqlite3
import stat
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import structlog

from bot.errors import StoreError
from bot.store.schema import STEPS
from bot.store.sqlite import SqliteStore
from bot.store.writer import Connection, connection_to, writer_on

log = structlog.get_logger()

_PRAGMAS = ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON", "secure_delete = ON")
"""WAL with FULL: durable at each commit (sqlite.org/pragma.html). secure_delete: what is deleted leaves the file."""


@asynccontextmanager
async def open_store(path: str | Path) -> AsyncIterator[SqliteStore]:
    """Open the store; the directory and the file are made if they are not there.

    Raises `StoreError`, having changed nothing, if the file is in use by another process, is no database or damaged,
    was written by a newer Parley, or cannot be read and written. On leaving, everything accepted is on disk.
    """
    file = Path(path)
    with _alone(file):
        _make_private(file)
        try:
            connection = connection_to(file)
            async with connection:
                await _prepare(connection, file)
                async with writer_on(connection) as writer:
                    yield SqliteStore(writer)
        except sqlite3.OperationalError as error:
            raise StoreError(
                f"The database {file} cannot be opened; check the disk and its permissions.", str(error)
            ) from None


@contextmanager
def _alone(file: Path) -> Iterator[None]:
    """Hold the lock beside the file: two processes on one SQLite file would answer everything twice."""
    try:
        file.parent.mkdir(parents=True, mode=0o700, exist_ok=True)
        lock = os.open(f"{file}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StoreError(f"The database {file} cannot be opened: {error.strerror}.") from None
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StoreError(f"The database {file} is in use by another Parley; stop that one first.") from None
        yield
    finally:
        os.close(lock)


def _make_private(file: Path) -> None:
    """Make the file readable by its owner only, before SQLite does: its WAL gets the same mode."""
    try:
        os.close(os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        if stat.S_IMODE(file.stat().st_mode) & 0o077:
            file.chmod(0o600)
            log.warning("the database could be read by others; it no longer can", file=str(file))
    except OSError as error:
        raise StoreError(f"The database {file} cannot be opened: {error.strerror}.") from None


async def _prepare(connection: Connection, file: Path) -> None:
    """Check the file before anything is written to it, then bring its tables up to date."""
    try:
        version = await connection.run(_checked_version)
        if version > len(STEPS):
            raise StoreError(f"The database {file} was written by a newer Parley; run that version or a newer one.")
        for pragma in _PRAGMAS:
            await connection.execute_fetchall(f"PRAGMA {pragma}")
        for number, step in enumerate(STEPS[version:], version + 1):
            await connection.executescript(f"BEGIN; {step} PRAGMA user_version = {number}; COMMIT;")
    except sqlite3.OperationalError:
        raise
    except sqlite3.DatabaseError as error:
        raise StoreError(
            f"The database {file} is damaged or is no database; move it away or restore a copy.", str(error)
        ) from None


def _checked_version(db: sqlite3.Connection) -> int:
    (version,) = db.execute("PRAGMA user_version").fetchone()
    (verdict,) = db.execute("PRAGMA quick_check(1)").fetchone()
    if verdict != "ok":
        raise sqlite3.DatabaseError(verdict)
    return int(version)
