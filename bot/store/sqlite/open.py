"""Opening the file: for one process alone, readable by its owner only, and brought to today's tables."""

import fcntl
import os
import sqlite3
import stat
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from pathlib import Path

import structlog

from bot.errors import StoreError
from bot.ports import Store
from bot.store.sqlite import at_work, leases
from bot.store.sqlite.blobs import BlobLimits
from bot.store.sqlite.checkpoints import SqliteCheckpoints
from bot.store.sqlite.drafts import SqliteDrafts
from bot.store.sqlite.file.owner import refuse_foreign
from bot.store.sqlite.file.schema import id_of, prepare
from bot.store.sqlite.file.sdk import Connection, connection_to
from bot.store.sqlite.file.writer import Writer, writer_on
from bot.store.sqlite.history import SqliteHistory
from bot.store.sqlite.messages import SqliteMessages
from bot.store.sqlite.questions import SqliteQuestions
from bot.store.sqlite.signals import SqliteNotices, SqliteSignals
from bot.store.sqlite.steps import SqliteSteps
from bot.store.sqlite.turns import SqliteTurns
from bot.store.sqlite.usage import SqliteUsage
from bot.telemetry import Emit, ignore

log = structlog.get_logger()

DEFAULT_LIMITS = BlobLimits()


@asynccontextmanager
async def open_store(
    path: str | Path, limits: BlobLimits = DEFAULT_LIMITS, emit: Emit = ignore
) -> AsyncIterator[Store]:
    """Open the store; the directory and the file are made if they are not there.

    Raises `StoreError`, having changed nothing in it, if the database is in use by another process, is no database,
    damaged, another program's or a newer Parley's, or cannot be read and written. On leaving, everything that was
    asked of the store is on disk, and the file is closed.

    If the disk or the file fails meanwhile, the store writes nothing more and refuses every call, the `async with` is
    cancelled from inside, and a `StoreError` that says what to do is raised from it.
    """
    async with AsyncExitStack() as stack:
        with _refusals(path):
            file = _real(path)
            refuse_foreign(file)
            stack.enter_context(exclusive_lock(file))
            _make_private(file)
            connection = connection_to(file)
            await stack.enter_async_context(connection)
            await connection.run(prepare)
            await connection.run(at_work.blame)
            await connection.run(leases.expire)
            id_ = await connection.run(id_of)
        stack.push_async_callback(_rest, connection)
        writer = await stack.enter_async_context(writer_on(connection, Path(f"{file}-wal"), emit))
        yield _ports(writer, limits, id_)


def _ports(writer: Writer, limits: BlobLimits, id_: str) -> Store:
    """Return all ports on one writer."""
    clock = leases.Clock()
    return Store(
        turns=SqliteTurns(writer, limits, clock),
        questions=SqliteQuestions(writer),
        drafts=SqliteDrafts(writer, clock),
        steps=SqliteSteps(writer),
        history=SqliteHistory(writer),
        messages=SqliteMessages(writer, id_),
        checkpoints=SqliteCheckpoints(writer),
        usage=SqliteUsage(writer),
        signals=SqliteSignals(writer, clock),
        notices=SqliteNotices(writer),
    )


async def _rest(connection: Connection) -> None:
    """Record that this process works at nothing any more: one that gets here has not died of its turns."""
    with suppress(sqlite3.Error):  # of a disk that fails the caller hears otherwise
        await connection.run(at_work.rest)


def _real(path: str | Path) -> Path:
    """Return the real path: one file has one lock, whatever it is called."""
    return Path(path).resolve()


@contextmanager
def _refusals(path: str | Path) -> Iterator[None]:
    """Turn whatever keeps the database from being opened into a `StoreError`; the path stands in its detail."""
    try:
        yield
    except StoreError as error:
        raise StoreError(error.sentence, str(path)) from None
    except sqlite3.Error as error:
        raise StoreError(_sentence(error), f"{path}: {error}") from None
    except OSError as error:
        raise StoreError(f"The database cannot be opened: {error.strerror}.", str(path)) from None


def _sentence(error: sqlite3.Error) -> str:
    if getattr(error, "sqlite_errorname", "").startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return "The database is held by another program, an SQLite shell or a backup perhaps; end that one first."
    if isinstance(error, sqlite3.OperationalError):
        return "The database cannot be opened; check the disk, and that we may write to the file and its directory."
    return "The database is damaged or is no database; move it away or restore a copy."


@contextmanager
def exclusive_lock(file: Path) -> Iterator[None]:
    """Hold the lock beside the file: two processes on one SQLite file would answer everything twice.

    The system releases the lock when its process ends, however it ends; so it never has to be removed by hand.
    """
    file.parent.mkdir(parents=True, mode=0o700, exist_ok=True)
    lock = os.open(f"{file}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(lock, 20).decode("ascii", "replace").strip()
            who = f"another Parley (process {holder})" if holder else "another Parley"
            raise StoreError(f"The database is in use by {who}; stop that one first.") from None
        os.ftruncate(lock, 0)
        os.write(lock, str(os.getpid()).encode())
        yield
    finally:
        os.close(lock)


def _make_private(file: Path) -> None:
    """Make the file, and what a killed process left beside it, readable by its owner only, before SQLite opens it:
    a new WAL gets the file's mode.
    """
    os.close(os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    for path in (file, Path(f"{file}-wal"), Path(f"{file}-shm")):
        if path.exists() and stat.S_IMODE(path.stat().st_mode) & 0o077:
            path.chmod(0o600)
            log.warning("store_made_private", file=path.name)
