"""What the store promises, on a real file."""

import asyncio
import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.errors import StoreError
from bot.events import Bill, Button, File, Incoming, MessageKey, Outcome, Part, Person, ThreadKey, Turn
from bot.store import SqliteStore, open_store
from bot.store.records import dump, load

from .conftest import Ask

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


async def test_a_question_is_accepted_once(store: SqliteStore, ask: Ask) -> None:
    assert await store.accept(ask())
    assert not await store.accept(ask(text="the same message, delivered again"))
    assert [turn.questions for turn in await store.unended()] == [(ask(),)]


async def test_the_same_question_from_many_tasks_at_once_is_accepted_once(store: SqliteStore, ask: Ask) -> None:
    assert sorted(await asyncio.gather(*(store.accept(ask()) for _ in range(50)))) == [False] * 49 + [True]


async def test_equal_ids_in_two_workspaces_are_two_questions(store: SqliteStore, ask: Ask) -> None:
    one = ask()
    other = Incoming(MessageKey("discord", "G2", "C", "100"), ThreadKey("discord", "G2", "C", "T"), one.author, "Hi")
    assert await store.accept(one)
    assert await store.accept(other)
    await store.begin([one])
    await store.record(one.key, Outcome("secret"), [{"role": "user", "content": "secret"}])
    assert await store.history(other.thread) == []


async def test_a_thread_is_known_from_its_first_question_on(store: SqliteStore, ask: Ask) -> None:
    assert not await store.knows(ask().thread)
    await store.accept(ask())
    assert await store.knows(ask().thread)
    assert not await store.knows(ask(thread="other").thread)


async def test_a_turn_goes_from_accepted_to_delivered(store: SqliteStore, ask: Ask) -> None:
    question = ask()
    await store.accept(question)
    await store.begin([question])
    assert await store.unended() == [Turn((question,), "answering")]
    part = Part(0, "mark.0")
    await store.posting(question.key, part)
    assert (await store.unended())[0].parts == (part,)
    await store.posted(question.key, Part(0, "mark.0", "555"))
    outcome = Outcome("An answer", "A note.", (File("a.py", "cafe"),), (Button.RETRY,))
    await store.record(question.key, outcome, [{"role": "user", "content": "Hello"}])
    assert await store.unended() == [Turn((question,), "answered", (Part(0, "mark.0", "555"),), outcome)]
    await store.end(question.key, "delivered")
    assert await store.unended() == []
    assert not await store.accept(question)


@pytest.mark.parametrize("state", ["delivered", "failed", "stopped"])
async def test_an_ended_turn_ends_all_the_questions_it_answers(store: SqliteStore, ask: Ask, state: str) -> None:
    questions = [ask("100"), ask("101"), ask("102")]
    for question in questions:
        await store.accept(question)
    await store.begin(questions)
    assert await store.unended() == [Turn(tuple(questions), "answering")]
    await store.end(questions[0].key, state)
    assert await store.unended() == []


async def test_the_questions_of_a_turn_stand_in_the_platforms_order(store: SqliteStore, ask: Ask) -> None:
    early, late = ask("99"), ask("100")
    await store.accept(late)
    await store.accept(early)
    await store.begin([late, early])
    assert (await store.unended())[0].questions == (early, late)


async def test_a_turn_begun_out_of_order_keeps_its_parts_and_ends_whole(file: Path, ask: Ask) -> None:
    early, late, later = ask("99"), ask("100"), ask("101")
    async with open_store(file) as store:
        for question in (late, early, later):
            await store.accept(question)
        await store.begin([late, early])
        await store.posted(late.key, Part(0, "mark.0", "555"))
    async with open_store(file) as store:
        [turn, waiting] = await store.unended()
        assert (turn.questions, turn.parts) == ((early, late), (Part(0, "mark.0", "555"),))
        assert waiting == Turn((later,), "accepted")
        await store.begin([*turn.questions, later])
        await store.posted(turn.key, Part(1, "mark.1", "556"))
        await store.record(turn.key, Outcome("An answer"), [])
        [turn] = await store.unended()
        assert turn.questions == (early, late, later)
        assert turn.parts == (Part(0, "mark.0", "555"), Part(1, "mark.1", "556"))
        await store.end(turn.key, "delivered")
        assert await store.unended() == []


async def test_a_failed_turn_can_be_begun_again_into_the_messages_it_has(store: SqliteStore, ask: Ask) -> None:
    await store.accept(ask())
    await store.begin([ask()])
    await store.posted(ask().key, Part(0, "mark.0", "555"))
    await store.end(ask().key, "failed")
    await store.begin([ask()])
    assert await store.unended() == [Turn((ask(),), "answering", (Part(0, "mark.0", "555"),))]


async def test_two_turns_that_were_begun_do_not_become_one(store: SqliteStore, ask: Ask) -> None:
    for number in ("1", "2"):
        await store.accept(ask(number))
        await store.begin([ask(number)])
    with pytest.raises(ValueError, match="more than one turn"):
        await store.begin([ask("1"), ask("2")])
    assert len(await store.unended()) == 2


async def test_a_question_that_was_never_accepted_cannot_be_begun(store: SqliteStore, ask: Ask) -> None:
    await store.accept(ask("1"))
    with pytest.raises(KeyError):
        await store.begin([ask("1"), ask("2")])
    assert [turn.state for turn in await store.unended()] == ["accepted"]


async def test_a_turn_does_not_end_in_a_state_that_is_no_end(store: SqliteStore, ask: Ask) -> None:
    await store.accept(ask())
    with pytest.raises(ValueError, match="delivered, failed, stopped"):
        await store.end(ask().key, "accepted")


async def test_a_post_that_is_announced_again_keeps_its_message(store: SqliteStore, ask: Ask) -> None:
    await store.accept(ask())
    await store.begin([ask()])
    await store.posting(ask().key, Part(0, "mark.0"))
    await store.posted(ask().key, Part(0, "mark.0", "555"))
    await store.posting(ask().key, Part(0, "mark.0"))
    assert (await store.unended())[0].parts == (Part(0, "mark.0", "555"),)
    await store.posting(ask().key, Part(0, "another mark"))
    assert (await store.unended())[0].parts == (Part(0, "another mark"),)


async def test_one_mark_stands_for_one_message(store: SqliteStore, ask: Ask) -> None:
    for number in ("1", "2"):
        await store.accept(ask(number))
    await store.posting(ask("1").key, Part(0, "mark.0"))
    with pytest.raises(StoreError):
        await store.posting(ask("2").key, Part(0, "mark.0"))


async def test_the_usage_of_each_attempt_is_kept(store: SqliteStore, file: Path, ask: Ask) -> None:
    await store.accept(ask())
    for tokens in (3, 5):
        await store.begin([ask()])
        bill = Bill({"discord:U": tokens}, {"input_tokens": tokens})
        await store.record(ask().key, Outcome(""), [], bill=bill)
    with closing(sqlite3.connect(file)) as database:
        used = [json.loads(row[0]) for row in database.execute("SELECT usage FROM usage ORDER BY id")]
    assert used == [{"input_tokens": 3}, {"input_tokens": 5}]


async def test_half_a_character_survives_in_an_answer(store: SqliteStore, ask: Ask) -> None:
    await store.accept(ask(text="\ud83d"))
    await store.record(ask().key, Outcome("an answer \ud83d"), [{"role": "assistant", "content": "\ud83d"}])
    [turn] = await store.unended()
    assert (turn.questions[0].text, turn.outcome and turn.outcome.answer) == ("\ud83d", "an answer \ud83d")
    assert await store.history(ask().thread) == [{"role": "assistant", "content": "\ud83d"}]


async def test_threads_whose_ids_read_alike_in_a_row_are_two(store: SqliteStore, ask: Ask) -> None:
    one = Incoming(MessageKey("p", "a:b", "c", "1"), ThreadKey("p", "a:b", "c", "t"), ask().author, "")
    await store.accept(one)
    assert not await store.knows(ThreadKey("p", "a", "b:c", "t"))


async def test_history_grows_a_whole_turn_at_a_time(store: SqliteStore, ask: Ask) -> None:
    for number in ("100", "101"):
        await store.accept(ask(number))
        await store.begin([ask(number)])
        talk = [{"role": "user", "content": number}, {"role": "assistant", "content": [{"type": "text", "text": "ok"}]}]
        await store.record(ask(number).key, Outcome("ok"), talk)
    history = await store.history(ask().thread)
    assert [message["role"] for message in history] == ["user", "assistant"] * 2
    assert [message["content"] for message in history[::2]] == ["100", "101"]


async def test_a_failed_turn_leaves_nothing_in_the_history(store: SqliteStore, ask: Ask) -> None:
    await store.accept(ask())
    await store.begin([ask()])
    await store.end(ask().key, "failed")
    assert await store.history(ask().thread) == []


async def test_bytes_are_kept_once_and_given_back(store: SqliteStore) -> None:
    first = await store.keep(b"\x00picture", "image/png")
    assert await store.keep(b"\x00picture", "image/png") == first
    assert await store.blob(first) == (b"\x00picture", "image/png")
    with pytest.raises(KeyError):
        await store.blob("no such hash")


async def test_everything_is_there_after_a_restart(file: Path, ask: Ask) -> None:
    async with open_store(file) as store:
        await store.accept(ask())
        await store.begin([ask()])
    async with open_store(file) as store:
        assert await store.unended() == [Turn((ask(),), "answering")]


async def test_a_job_that_fails_leaves_the_others_of_its_batch(store: SqliteStore, ask: Ask) -> None:
    results = await asyncio.gather(
        store.accept(ask("1")), store.end(ask("unknown").key, "failed"), store.accept(ask("2")), return_exceptions=True
    )
    assert (results[0], results[2]) == (True, True)
    assert isinstance(results[1], KeyError)
    assert len(await store.unended()) == 2


async def test_row_29_what_does_not_fit_on_the_disk_is_refused_and_the_rest_is_kept(
    store: SqliteStore, ask: Ask
) -> None:
    limit = store._writer._connection.run
    await limit(lambda db: db.execute("PRAGMA max_page_count = 60").fetchone())
    results = await asyncio.gather(
        store.accept(ask("1")),
        store.keep(b"x" * 1_000_000, "image/png"),
        store.accept(ask("2")),
        return_exceptions=True,
    )
    assert (results[0], results[2]) == (True, True)
    assert isinstance(results[1], StoreError)
    assert "disk" in results[1].sentence
    assert [turn.key.message for turn in await store.unended()] == ["1", "2"]
    await limit(lambda db: db.execute("PRAGMA max_page_count = 100000").fetchone())
    assert await store.keep(b"x" * 1_000_000, "image/png")


async def test_row_32_a_shell_that_holds_the_file_delays_and_loses_nothing(
    store: SqliteStore, file: Path, ask: Ask
) -> None:
    with closing(sqlite3.connect(file, isolation_level=None)) as shell:
        shell.execute("BEGIN IMMEDIATE")
        waiting = asyncio.create_task(store.accept(ask()))
        await asyncio.wait({waiting}, timeout=0.2)
        assert not waiting.done()
        shell.execute("ROLLBACK")
    assert await waiting


async def test_a_caller_that_is_cancelled_breaks_nothing(store: SqliteStore, ask: Ask) -> None:
    given = asyncio.create_task(store.accept(ask("1")))
    await asyncio.sleep(0)
    given.cancel()
    with pytest.raises(asyncio.CancelledError):
        await given
    assert await store.accept(ask("2"))
    assert len(await store.unended()) == 2


async def test_a_closed_store_says_so(file: Path, ask: Ask) -> None:
    async with open_store(file) as store:
        pass
    with pytest.raises(StoreError, match="closed"):
        await store.accept(ask())


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30, deadline=None)
@given(content=JSON)
async def test_any_json_comes_back_from_the_history_as_it_was(tmp_path_factory: Any, content: Any) -> None:
    question = Incoming(MessageKey("p", "w", "c", "m"), ThreadKey("p", "w", "c", "t"), Person("u", "n"), "")
    async with open_store(tmp_path_factory.mktemp("store") / "db") as store:
        await store.accept(question)
        await store.record(question.key, Outcome(""), [{"role": "user", "content": content}])
        assert await store.history(question.thread) == [{"role": "user", "content": content}]


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
        mark = await store.mark(ask().key)
        assert len(mark) == 16
        assert await store.mark(ask("101").key) != mark
    shutil.copy(file, tmp_path / "moved.sqlite3")
    for known, path in ((True, file), (True, tmp_path / "moved.sqlite3"), (False, tmp_path / "another.sqlite3")):
        async with open_store(path) as store:
            assert (await store.mark(ask().key) == mark) == known


async def test_what_this_database_has_posted_is_known_by_its_mark_and_by_its_id(store: SqliteStore, ask: Ask) -> None:
    await store.accept(ask())
    await store.posting(ask().key, Part(0, "mark.0"))
    assert await store.is_ours("mark.0")
    assert not await store.is_ours("mark.1")
    await store.posted(ask().key, Part(0, "mark.0", "4711"))
    assert await store.is_ours("4711")
    await store.posting(ask().key, Part(0, "-mark.0"))  # it was taken away
    assert await store.is_ours("mark.0")
