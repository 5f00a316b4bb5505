"""What the store promises, on a real file."""

import asyncio
import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import StoreError
from bot.events import Bill, Incoming, MessageKey, Outcome, Person, ThreadKey
from bot.ports import Store
from bot.store import open_store
from bot.store.records import dump, load

from .conftest import Ask


async def test_the_usage_of_each_attempt_is_kept(store: Store, file: Path, ask: Ask) -> None:
    await store.turns.accept(ask())
    for tokens in (3, 5):
        await store.turns.begin([ask()])
        bill = Bill({"discord:U": tokens}, {"input_tokens": tokens})
        await store.turns.record(ask().key, Outcome(""), [], bill=bill)
    with closing(sqlite3.connect(file)) as database:
        used = [json.loads(row[0]) for row in database.execute("SELECT usage FROM usage ORDER BY id")]
    assert used == [{"input_tokens": 3}, {"input_tokens": 5}]


async def test_row_29_what_does_not_fit_on_the_disk_is_refused_and_the_rest_is_kept(store: Store, ask: Ask) -> None:
    limit = store.turns._writer._connection.run
    await limit(lambda db: db.execute("PRAGMA max_page_count = 60").fetchone())
    results = await asyncio.gather(
        store.turns.accept(ask("1")),
        store.history.keep(b"x" * 1_000_000, "image/png"),
        store.turns.accept(ask("2")),
        return_exceptions=True,
    )
    assert (results[0], results[2]) == (True, True)
    assert isinstance(results[1], StoreError)
    assert "disk" in results[1].sentence
    assert [turn.key.message for turn in await store.questions.unended()] == ["1", "2"]
    await limit(lambda db: db.execute("PRAGMA max_page_count = 100000").fetchone())
    assert await store.history.keep(b"x" * 1_000_000, "image/png")


async def test_row_32_a_shell_that_holds_the_file_delays_and_loses_nothing(store: Store, file: Path, ask: Ask) -> None:
    with closing(sqlite3.connect(file, isolation_level=None)) as shell:
        shell.execute("BEGIN IMMEDIATE")
        waiting = asyncio.create_task(store.turns.accept(ask()))
        await asyncio.wait({waiting}, timeout=0.2)
        assert not waiting.done()
        shell.execute("ROLLBACK")
    assert await waiting


async def test_a_closed_store_says_so(file: Path, ask: Ask) -> None:
    async with open_store(file) as store:
        pass
    with pytest.raises(StoreError, match="closed"):
        await store.turns.accept(ask())


@given(text=st.text(), name=st.text(), roles=st.frozensets(st.text()))
def test_any_question_comes_back_as_it_was(text: str, name: str, roles: frozenset[str]) -> None:
    question = Incoming(MessageKey("p", "w", "c", "m"), ThreadKey("p", "w", "c", "t"), Person("u", name, roles), text)
    assert load(dump(question)) == question


def test_a_record_of_an_older_or_newer_version_is_read() -> None:
    question = Incoming(MessageKey("p", "w", "c", "m"), ThreadKey("p", "w", "c", "t"), Person("u", "n"), "text")
    record = dump(question).replace('"reply_to": "", ', "").replace('"text":', '"added_later": 1, "text":')
    assert load(record) == question


async def test_an_answer_is_named_the_same_for_good_and_in_every_copy_but_in_no_other_database(
    file: Path, tmp_path: Path, ask: Ask
) -> None:
    async with open_store(file) as store:
        idempotency_key = await store.messages.idempotency_key(ask().key)
        assert len(idempotency_key) == 16
        assert await store.messages.idempotency_key(ask("101").key) != idempotency_key
    shutil.copy(file, tmp_path / "moved.sqlite3")
    for known, path in ((True, file), (True, tmp_path / "moved.sqlite3"), (False, tmp_path / "another.sqlite3")):
        async with open_store(path) as store:
            assert (await store.messages.idempotency_key(ask().key) == idempotency_key) == known
