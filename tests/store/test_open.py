"""Opening the database: for one process alone, private, and never at the cost of what is in it."""

import asyncio
import shutil
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from bot.errors import StoreError
from bot.store import SqliteStore, open_store

from .conftest import Ask


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


async def refusal(file: Path) -> str:
    with pytest.raises(StoreError) as caught:
        async with open_store(file):
            pass
    return caught.value.sentence


async def test_the_file_and_its_directory_are_readable_by_their_owner_only(
    store: SqliteStore, file: Path, ask: Ask
) -> None:
    await store.accept(ask())
    assert mode(file.parent) == 0o700
    assert {mode(path) for path in file.parent.iterdir()} == {0o600}


async def test_a_file_that_others_could_read_is_made_private(file: Path) -> None:
    async with open_store(file):
        pass
    file.chmod(0o644)
    async with open_store(file):
        assert mode(file) == 0o600


async def test_a_second_opening_is_refused(store: SqliteStore, file: Path, ask: Ask) -> None:
    assert "in use" in await refusal(file)
    assert await store.accept(ask())


async def test_another_process_is_refused_and_a_killed_one_leaves_no_lock(file: Path) -> None:
    script = (
        "import asyncio, sys\nfrom bot.store import open_store\n"
        "async def main():\n    async with open_store(sys.argv[1]):\n"
        "        print('open', flush=True)\n        await asyncio.Event().wait()\n"
        "asyncio.run(main())"
    )
    with subprocess.Popen([sys.executable, "-c", script, str(file)], stdout=subprocess.PIPE) as other:
        assert other.stdout
        assert await asyncio.to_thread(other.stdout.readline) == b"open\n"
        assert "in use" in await refusal(file)
        other.kill()
    async with open_store(file):
        pass


async def test_a_file_that_is_no_database_is_refused_and_left_as_it_is(file: Path) -> None:
    file.parent.mkdir()
    file.write_bytes(b"somebody's diary" * 1000)
    assert "no database" in await refusal(file)
    assert file.read_bytes() == b"somebody's diary" * 1000


async def test_a_damaged_database_is_refused_and_left_as_it_is(file: Path, ask: Ask) -> None:
    async with open_store(file) as store:
        for number in range(300):
            await store.accept(ask(str(number), text="x" * 500))
    data = bytearray(file.read_bytes())
    data[4096 * 3 : 4096 * 12] = b"\xff" * (4096 * 9)
    file.write_bytes(data)
    assert "damaged" in await refusal(file)
    assert file.read_bytes() == bytes(data)


async def test_a_database_of_a_newer_version_is_refused(file: Path) -> None:
    async with open_store(file):
        pass
    with closing(sqlite3.connect(file)) as database:
        database.execute("PRAGMA user_version = 1000")
    assert "newer" in await refusal(file)


async def test_a_place_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    assert "cannot be opened" in await refusal(tmp_path / "file" / "parley.sqlite3")
    (tmp_path / "directory").mkdir()
    assert "cannot be opened" in await refusal(tmp_path / "directory")


async def test_a_copy_at_any_moment_opens_and_holds_every_acknowledged_question(
    store: SqliteStore, file: Path, tmp_path: Path, ask: Ask
) -> None:
    """A loss of power: what a method has returned for is in the files at that moment."""
    acknowledged: list[str] = []

    async def write(first: int) -> None:
        for number in range(first, first + 40):
            await store.accept(ask(str(number)))
            acknowledged.append(str(number))

    async with asyncio.TaskGroup() as group:
        for task in range(5):
            group.create_task(write(1000 + task * 100))
        for copy in range(10):
            await store.accept(ask(str(copy)))
            known = set(acknowledged)
            there = tmp_path / f"copy{copy}"
            there.mkdir()
            for name in (file.name, f"{file.name}-wal"):
                shutil.copy(file.parent / name, there / name)
            with closing(sqlite3.connect(there / file.name)) as database:
                assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
                assert known <= {row[0] for row in database.execute("SELECT message FROM turn")}
