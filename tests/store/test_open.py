"""Opening the database: for one process alone, private, and never at the cost of what is in it."""

import asyncio
import json
import shutil
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import StoreError
from bot.events import Outcome, Turn, TurnState
from bot.ports import Store
from bot.store import open_store
from bot.store.records import dump
from bot.store.sqlite.file import schema

from .conftest import Ask


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


async def refusal(file: Path) -> str:
    with pytest.raises(StoreError) as caught:
        async with open_store(file):
            pass
    assert str(file) not in caught.value.sentence
    assert str(file) in caught.value.detail
    return caught.value.sentence


async def test_the_file_and_its_directory_are_readable_by_their_owner_only(store: Store, file: Path, ask: Ask) -> None:
    await store.turns.accept(ask())
    assert mode(file.parent) == 0o700
    assert {mode(path) for path in file.parent.iterdir()} == {0o600}


async def test_a_file_that_others_could_read_is_made_private(file: Path) -> None:
    async with open_store(file):
        pass
    file.chmod(0o644)
    async with open_store(file):
        assert mode(file) == 0o600


async def test_what_a_killed_process_left_is_made_private(file: Path, ask: Ask, tmp_path: Path) -> None:
    async with open_store(file) as store:
        await store.turns.accept(ask())
        for name in (file.name, f"{file.name}-wal"):
            shutil.copy(file.parent / name, tmp_path / name)
            (tmp_path / name).chmod(0o644)
    async with open_store(tmp_path / file.name) as store:
        assert [turn.key for turn in await store.questions.unended()] == [ask().key]
        assert {mode(path) for path in tmp_path.glob(f"{file.name}*")} == {0o600}


async def test_a_second_opening_is_refused(store: Store, file: Path, ask: Ask) -> None:
    assert "in use" in await refusal(file)
    assert await store.turns.accept(ask())


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
        assert f"in use by another Parley (process {other.pid})" in await refusal(file)
        assert "in use" in await refusal(file.parent / ".." / file.parent.name / file.name)
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
            await store.turns.accept(ask(str(number), text="x" * 500))
    data = bytearray(file.read_bytes())
    data[4096 * 3 : 4096 * 12] = b"\xff" * (4096 * 9)
    file.write_bytes(data)
    assert "damaged" in await refusal(file)
    assert file.read_bytes() == bytes(data)


async def test_row_58_a_database_of_a_newer_version_is_refused(file: Path) -> None:
    async with open_store(file):
        pass
    with closing(sqlite3.connect(file)) as database:
        database.execute("PRAGMA user_version = 1000")
    assert "newer" in await refusal(file)


@contextmanager
def diary(file: Path, *pragmas: str) -> Iterator[sqlite3.Connection]:
    """Another program's database, open in it as long as this lasts."""
    file.parent.mkdir(mode=0o755)
    with closing(sqlite3.connect(file)) as database:
        for pragma in pragmas:
            database.execute(f"PRAGMA {pragma}")
        database.execute("CREATE TABLE diary (entry TEXT)")
        database.execute("INSERT INTO diary VALUES ('dear diary')")
        database.commit()
        file.chmod(0o644)
        yield database


def everything(directory: Path) -> dict[str, tuple[int, bytes]]:
    return {path.name: (path.stat().st_mode, path.read_bytes()) for path in directory.iterdir()}


@pytest.mark.parametrize(
    "pragmas",
    [
        (),
        ("journal_mode = WAL",),
        ("application_id = 7",),
        ("user_version = 2",),
        ("journal_mode = WAL", "user_version = 2"),
    ],
)
@pytest.mark.parametrize("in_use", [True, False])
async def test_another_programs_database_is_refused_and_nothing_of_it_is_touched(
    file: Path, pragmas: tuple[str, ...], in_use: bool
) -> None:
    with diary(file, *pragmas) as database:
        if not in_use:
            database.close()
        before = everything(file.parent)
        assert "another program's" in await refusal(file)
        assert everything(file.parent) == before


@given(st.binary(min_size=1, max_size=300))
async def test_a_file_that_is_no_database_is_refused_and_nothing_of_it_is_touched(content: bytes) -> None:
    with TemporaryDirectory() as directory:
        file = Path(directory, "parley.sqlite3")
        file.write_bytes(content)
        before = everything(file.parent)
        await refusal(file)
        assert everything(file.parent) == before


async def test_a_step_that_ran_does_not_run_again(file: Path) -> None:
    for _ in range(2):
        async with open_store(file):
            pass
    with closing(sqlite3.connect(file)) as database:
        assert [row[0] for row in database.execute("SELECT number FROM step")] == [1, 2, 3]


async def test_a_place_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    assert "cannot be opened" in await refusal(tmp_path / "file" / "parley.sqlite3")
    (tmp_path / "directory").mkdir()
    assert "cannot be opened" in await refusal(tmp_path / "directory")


async def test_row_58_a_database_of_the_first_version_goes_on_where_it_was(file: Path, ask: Ask) -> None:
    question = ask()
    file.parent.mkdir(parents=True)
    with closing(sqlite3.connect(file)) as db, db:
        db.executescript(f"{schema.STEPS[0]} PRAGMA user_version = 1; PRAGMA application_id = {schema.APPLICATION_ID};")
        db.execute("INSERT INTO thread VALUES (1, 'discord', 'G', 'C', 'T')")
        values = (question.key.message, dump(question))
        insert = """INSERT INTO turn (platform, workspace, channel, message, thread, question, state, accepted_at_s)
            VALUES ('discord', 'G', 'C', ?, 1, ?, 'answered', 1.0)"""
        db.execute(insert, values)
        db.execute("UPDATE turn SET outcome = ?", (json.dumps({"answer": "Hi", "note": "n"}),))
        blob = {"type": "image", "source": {"type": "blob", "media_type": "image/png", "sha256": "cafe"}}
        content = json.dumps({"role": "user", "content": [blob]})
        db.execute("INSERT INTO message (thread, turn, content) VALUES (1, 1, ?)", (content,))
    async with open_store(file) as store:
        assert await store.questions.unended() == [Turn((question,), TurnState.ANSWERED, outcome=Outcome("Hi", "n"))]
        assert len(await store.history.messages(question.thread)) == 1
        claim = await store.turns.claim("worker", 30.0)
        assert claim is not None
        assert (claim.turn.questions, claim.turn.state, claim.recovered) == ((question,), TurnState.ANSWERED, True)
    with closing(sqlite3.connect(file)) as db:
        assert db.execute("SELECT turn, sha256 FROM blob_use").fetchall() == [(1, "cafe")]
