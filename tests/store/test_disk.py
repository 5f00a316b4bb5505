"""Row 30 of the fault table: the disk or the file fails amid the run, and the store writes nothing more."""

import asyncio
import contextlib
import resource
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from bot.errors import StoreError
from bot.events import Incoming
from bot.ports import Store
from bot.store import open_store
from bot.store.sqlite.file import writer
from bot.store.sqlite.file.sdk import connection_to
from bot.store.sqlite.file.writer import BrokenStoreError, carry_out, writer_on

from .conftest import Ask


@contextmanager
def no_file_grows_beyond(size_bytes: int) -> Iterator[None]:
    """Let this process's writes beyond a size fail (EFBIG, which is an I/O error to SQLite), meanwhile."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def wal(file: Path) -> Path:
    return Path(f"{file}-wal")


def stored(file: Path) -> list[str]:
    with closing(sqlite3.connect(file)) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return [message for (message,) in db.execute("SELECT message FROM turn ORDER BY id")]


async def hold_open(file: Path, opened: "asyncio.Future[Store]") -> None:
    """What a bot does with its store: it waits for its end."""
    async with open_store(file) as store:
        opened.set_result(store)
        await asyncio.Event().wait()


@asynccontextmanager
async def held(file: Path) -> AsyncIterator[tuple[Store, "asyncio.Task[None]"]]:
    opened: asyncio.Future[Store] = asyncio.get_running_loop().create_future()
    holder = asyncio.create_task(hold_open(file, opened))
    try:
        yield await opened, holder
    finally:
        holder.cancel()
        await asyncio.gather(holder, return_exceptions=True)


async def end_of(holder: "asyncio.Task[None]") -> StoreError:
    async with asyncio.timeout(120):
        with pytest.raises(StoreError) as caught:
            await holder
    return caught.value


async def test_row_30_after_a_failed_write_nothing_more_is_written_and_the_store_ends(file: Path, ask: Ask) -> None:
    async with held(file) as (store, holder):
        assert await store.turns.accept(ask("1"))
        with no_file_grows_beyond(wal(file).stat().st_size):
            batch = [store.turns.accept(ask("2")), store.questions.knows(ask().thread), store.turns.accept(ask("3"))]
            results = await asyncio.gather(*batch, return_exceptions=True)
        assert [type(result) for result in results] == [BrokenStoreError] * 3
        late = await asyncio.gather(
            store.turns.accept(ask("4")), store.turns.forget(ask("1").key), return_exceptions=True
        )
        assert [type(result) for result in late] == [BrokenStoreError] * 2
        error = await end_of(holder)
        assert "check it" in error.sentence
        assert str(file) not in error.sentence
        assert "SQLITE_IOERR_WRITE" in error.detail
    assert stored(file) == ["1"]
    async with open_store(file) as store:
        assert await store.turns.accept(ask("2"))


async def test_row_30_what_waits_behind_the_failed_write_is_refused_too(file: Path, ask: Ask) -> None:
    async with held(file) as (store, holder):
        assert await store.turns.accept(ask("1"))
        with no_file_grows_beyond(wal(file).stat().st_size):
            first = asyncio.create_task(store.turns.accept(ask("2")))
            await asyncio.sleep(0)
            await asyncio.sleep(0)  # the first is on its way
            behind = [asyncio.create_task(store.turns.accept(ask(str(number)))) for number in range(3, 6)]
            results = await asyncio.gather(first, *behind, return_exceptions=True)
        assert [type(result) for result in results] == [BrokenStoreError] * 4
        await end_of(holder)
    assert stored(file) == ["1"]


async def test_row_30_a_log_that_cannot_be_copied_into_the_file_ends_the_store(file: Path) -> None:
    blob_bytes = 1_500_000
    async with held(file) as (store, holder):
        for number in range(10):
            await store.history.keep(bytes([number]) * blob_bytes, "image/png")
        limit = file.stat().st_size
        assert limit > 2 * wal(file).stat().st_size  # the log is begun anew, again and again
        with no_file_grows_beyond(limit):
            kept = []
            with contextlib.suppress(BrokenStoreError):
                while True:
                    kept.append(await store.history.keep(bytes([100 + len(kept)]) * blob_bytes, "image/png"))
            assert "SQLITE_IOERR_WRITE" in (await end_of(holder)).detail
        assert wal(file).stat().st_size < limit  # it was not the log that could not be written
        assert kept
    async with open_store(file) as store:
        assert [len((await store.history.blob(sha256))[0]) for sha256 in kept] == [blob_bytes] * len(kept)


async def test_row_30_a_question_that_cannot_be_purged_from_the_log_ends_the_store(file: Path, ask: Ask) -> None:
    async with held(file) as (store, holder):
        await store.turns.accept(ask("1"))
        await store.turns._writer.settle()
        sizes = file.stat().st_size
        await store.history.keep(b"x" * 1_000_000, "image/png")
        with no_file_grows_beyond(wal(file).stat().st_size - 300_000):
            assert sizes < wal(file).stat().st_size - 300_000
            with pytest.raises(BrokenStoreError):
                await store.turns._writer.settle()
        await end_of(holder)


async def test_row_30_a_file_that_is_damaged_amid_the_run_ends_the_store(file: Path, ask: Ask) -> None:
    async with held(file) as (store, holder):
        for number in range(200):
            await store.turns.accept(ask(str(number), text="x" * 500))
        with closing(sqlite3.connect(file)) as shell:  # what another one writes makes SQLite forget what it has read
            shell.execute("INSERT INTO heard VALUES ('nowhere', 0)")
            shell.commit()
            shell.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            with file.open("r+b") as damaged:
                damaged.seek(4096)
                damaged.write(b"\xff" * (file.stat().st_size - 4096))
            with pytest.raises(BrokenStoreError, match="restore a copy"):
                await store.questions.unended()
            assert "SQLITE_CORRUPT" in (await end_of(holder)).detail


async def test_row_30_a_file_that_became_read_only_ends_the_store(file: Path, ask: Ask) -> None:
    async with held(file) as (store, holder):
        await store.turns._writer._connection.run(lambda db: db.execute("PRAGMA query_only = ON"))
        with pytest.raises(BrokenStoreError, match="read-only"):
            await store.turns.accept(ask("1"))
        assert "SQLITE_READONLY" in (await end_of(holder)).detail
    assert stored(file) == []


def told(code: str) -> sqlite3.Error:
    """An error as SQLite tells it."""
    error = sqlite3.OperationalError("told by SQLite")
    error.sqlite_errorcode = getattr(sqlite3, code)
    error.sqlite_errorname = code
    return error


def add(number: int) -> Callable[[sqlite3.Connection], Any]:
    return lambda db: db.execute("INSERT INTO added VALUES (?)", (number,)) and number


def fail(code: str, *, rolled_back: bool = False) -> Callable[[sqlite3.Connection], Any]:
    def job(db: sqlite3.Connection) -> None:
        if rolled_back:
            db.execute("ROLLBACK")
        raise told(code)

    return job


@pytest.fixture
def database() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as db:
        db.execute("CREATE TABLE added (number)")
        yield db


def added(db: sqlite3.Connection) -> list[int]:
    return [number for (number,) in db.execute("SELECT number FROM added")]


def test_row_30_a_job_that_finds_the_disk_broken_takes_its_whole_batch_with_it(database: sqlite3.Connection) -> None:
    done = carry_out(database, [add(1), fail("SQLITE_IOERR_READ"), add(3)])
    assert [type(error) for _, error in done] == [BrokenStoreError] * 3
    assert added(database) == []


def test_row_30_what_was_stored_before_the_disk_broke_is_told_as_stored(database: sqlite3.Connection) -> None:
    jobs = [add(1), fail("SQLITE_FULL", rolled_back=True), fail("SQLITE_IOERR_FSYNC"), add(4)]
    done = carry_out(database, jobs)
    assert done[0] == (1, None)
    assert [type(error) for _, error in done[1:]] == [StoreError, BrokenStoreError, BrokenStoreError]
    assert added(database) == [1]


@pytest.mark.parametrize("code", sorted(name for name in vars(sqlite3) if name.startswith("SQLITE_IOERR_")))
def test_row_30_every_kind_of_io_error_is_fatal_but_that_of_an_index_that_cannot_grow(code: str) -> None:
    assert isinstance(writer._unwritten(told(code)), BrokenStoreError) is (code != "SQLITE_IOERR_SHMSIZE")


@pytest.mark.parametrize("code", ["SQLITE_FULL", "SQLITE_BUSY_SNAPSHOT", "SQLITE_LOCKED", "SQLITE_CANTOPEN"])
async def test_after_any_other_error_the_store_goes_on(code: str, file: Path, ask: Ask) -> None:
    async with open_store(file) as store:
        with pytest.raises(StoreError) as caught:
            await store.turns._writer.do(fail(code))
        assert not isinstance(caught.value, BrokenStoreError)
        assert await store.turns.accept(ask("1"))


async def test_what_goes_wrong_where_the_store_is_used_comes_out_as_it_is(file: Path, ask: Ask) -> None:
    waiting: list[asyncio.Task[bool]] = []

    async def use(question: Incoming, error: BaseException) -> None:
        async with open_store(file) as store:
            waiting.append(asyncio.create_task(store.turns.accept(question)))
            await asyncio.sleep(0)
            raise error

    for number, error in enumerate(
        (ValueError("one"), ExceptionGroup("two", [ValueError()]), asyncio.CancelledError())
    ):
        with pytest.raises(type(error)) as caught:
            await use(ask(str(number)), error)
        assert caught.value is error
        assert await waiting[-1]  # and what was given before is on disk
    assert stored(file) == ["0", "1", "2"]


async def test_who_is_cancelled_from_outside_is_cancelled_and_all_is_written(file: Path, ask: Ask) -> None:
    async with held(file) as (store, holder):
        waiting = asyncio.create_task(store.turns.accept(ask("1")))
        await asyncio.sleep(0)
        holder.cancel()
        with pytest.raises(asyncio.CancelledError):
            await holder
        assert await waiting
    assert stored(file) == ["1"]


async def test_row_30_nobody_inside_hangs_though_they_wait_for_something_else(tmp_path: Path) -> None:
    connection = connection_to(tmp_path / "file.sqlite3")

    def write(db: sqlite3.Connection) -> None:
        db.execute("PRAGMA query_only = ON")
        db.execute("CREATE TABLE there (a)")

    async def wait_inside() -> None:
        async with connection, writer_on(connection, tmp_path / "file.sqlite3-wal") as writing:
            await asyncio.gather(writing.do(write), return_exceptions=True)
            await asyncio.Event().wait()

    async with asyncio.timeout(120):
        with pytest.raises(BrokenStoreError):
            await wait_inside()
