"""What the store does when people change their minds: retries, edits, deletions; and how much it keeps."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.events import Incoming, MessageKey, Outcome, Part
from bot.store import BlobLimits, SqliteStore, open_store

from .conftest import Ask


def said(question: Incoming, *blocks: dict[str, Any]) -> dict[str, Any]:
    words = {"type": "text", "text": question.text, "said": question.key.message}
    return {"role": "user", "content": [words, *({**block, "said": question.key.message} for block in blocks)]}


def picture(sha256: str) -> dict[str, Any]:
    return {"type": "image", "source": {"type": "blob", "media_type": "image/png", "sha256": sha256}}


async def answered(store: SqliteStore, question: Incoming, answer: str, *blocks: dict[str, Any]) -> None:
    await store.accept(question)
    await store.begin([question])
    await store.posted(question.key, Part(0, f"{question.key.message}.0", f"answer to {question.key.message}"))
    messages = [said(question, *blocks), {"role": "assistant", "content": answer}]
    await store.record(question.key, Outcome(answer), messages)
    await store.end(question.key, "delivered")


async def test_two_messages_of_one_gesture_are_one_question(store: SqliteStore, ask: Ask) -> None:
    assert await store.accept(replace(ask("100"), gesture="g"))
    assert not await store.accept(replace(ask("101"), gesture="g"))
    assert await store.accept(replace(ask("102"), gesture="another"))
    assert await store.accept(ask("103"))
    assert await store.accept(ask("104"))


async def test_a_turn_is_found_by_its_question_and_by_each_message_of_its_answer(store: SqliteStore, ask: Ask) -> None:
    await answered(store, ask("100", thread="100"), "Hi")
    found = await store.find(ask("100").key)
    assert found is not None
    assert (found.state, found.outcome) == ("delivered", Outcome("Hi"))
    assert await store.find(MessageKey("discord", "G", "C", "answer to 100")) == found  # beside the question
    assert await store.find(MessageKey("discord", "G", "100", "answer to 100")) == found  # in the question's thread
    assert await store.find(MessageKey("discord", "G", "elsewhere", "answer to 100")) is None
    assert await store.find(MessageKey("slack", "G", "C", "answer to 100")) is None
    assert await store.find(ask("7").key) is None


async def test_a_reopened_turn_is_answered_anew_into_its_messages(store: SqliteStore, ask: Ask) -> None:
    await answered(store, ask("100"), "One")
    await answered(store, ask("101"), "Two")
    turn = await store.reopen(ask("101").key)
    assert turn is not None
    assert (turn.state, turn.outcome, len(turn.parts)) == ("answering", None, 1)
    assert await store.unended() == [turn]
    assert [m["content"] for m in await store.history(ask().thread) if m["role"] == "assistant"] == ["One"]


async def test_an_edited_question_takes_the_place_of_the_old_one(store: SqliteStore, ask: Ask) -> None:
    await answered(store, ask("100"), "One")
    turn = await store.reopen(ask("100").key, ask("100", text="Another"))
    assert turn is not None
    assert [question.text for question in turn.questions] == ["Another"]


async def test_a_waiting_question_that_is_edited_goes_on_waiting(store: SqliteStore, ask: Ask) -> None:
    await store.accept(ask("100"))
    turn = await store.reopen(ask("100").key, ask("100", text="Another"))
    assert turn is not None
    assert (turn.state, turn.questions[0].text) == ("accepted", "Another")
    assert await store.unended() == [turn]


async def test_only_a_threads_newest_turn_is_reopened(store: SqliteStore, ask: Ask) -> None:
    await answered(store, ask("100"), "One")
    await store.accept(ask("101"))
    assert await store.reopen(ask("100").key, ask("100", text="Another")) is None
    assert (await store.find(ask("100").key)).questions[0].text == "Hello"  # type: ignore[union-attr]


async def test_the_branch_that_was_left_stays_in_the_store(file: Path, ask: Ask) -> None:
    async with open_store(file) as store:
        await answered(store, ask("100"), "The old answer")
        await store.reopen(ask("100").key)
    with closing(sqlite3.connect(file)) as db:
        [(content,)] = db.execute("SELECT content FROM message WHERE content LIKE '%old answer%' AND dropped_at_s > 0")
        assert "The old answer" in content


async def test_a_forgotten_question_is_in_no_history_and_in_no_file(file: Path, ask: Ask) -> None:
    async with open_store(file) as store:
        sha256 = await store.keep(b"PICTURE-CANARY" * 100, "image/png")
        secret = ask("100", text="TEXT-CANARY")
        await answered(store, secret, "An answer", picture(sha256))
        await answered(store, ask("101"), "Another")
        turn = await store.forget(secret.key)
        assert turn is not None
        assert turn.questions[0].text == ""
        history = await store.history(secret.thread)
        assert [m["role"] for m in history] == ["user", "assistant"] * 2
        assert "CANARY" not in str(history)
        with pytest.raises(KeyError):
            await store.blob(sha256)
        for name in (file, Path(f"{file}-wal")):
            assert b"CANARY" not in name.read_bytes()


async def test_a_picture_that_another_turn_shows_outlives_the_one_that_is_forgotten(
    store: SqliteStore, ask: Ask
) -> None:
    sha256 = await store.keep(b"picture", "image/png")
    await answered(store, ask("100"), "One", picture(sha256))
    await answered(store, ask("101", thread="other"), "Two", picture(sha256))
    await store.forget(ask("100").key)
    assert await store.blob(sha256) == (b"picture", "image/png")


async def test_one_of_several_merged_questions_can_be_forgotten(store: SqliteStore, ask: Ask) -> None:
    one, two = ask("100", text="one"), ask("101", text="two")
    for question in (one, two):
        await store.accept(question)
    await store.begin([one, two])
    both = {"role": "user", "content": [*said(one)["content"], *said(two)["content"]]}
    await store.record(one.key, Outcome("Both."), [both, {"role": "assistant", "content": "Both."}])
    await store.forget(two.key)
    assert [block["text"] for block in (await store.history(one.thread))[0]["content"]] == ["one"]


async def test_a_waiting_question_that_is_forgotten_is_not_answered(store: SqliteStore, ask: Ask) -> None:
    await store.accept(ask("100"))
    await store.forget(ask("100").key)
    assert await store.unended() == []
    assert not await store.accept(ask("100"))
    assert await store.forget(ask("7").key) is None


async def test_a_question_that_says_nothing_is_not_one_that_was_deleted(store: SqliteStore, ask: Ask) -> None:
    bare, gone = replace(ask("100"), text="", uploads=()), ask("101", thread="other")
    for question in (bare, gone):
        await answered(store, question, "An answer")
    await store.forget(gone.key)
    assert await store.lately("discord", 0.0, 10) == [bare]
    found = [await store.find(question.key) for question in (bare, gone)]
    assert [turn.asked for turn in found if turn] == [(bare,), ()]
    assert [turn.deleted for turn in found if turn] == [frozenset(), frozenset({gone.key})]
    reopened = await store.reopen(bare.key)
    assert reopened is not None
    assert reopened.asked == (bare,)


async def test_what_was_heard_never_goes_back(store: SqliteStore) -> None:
    assert await store.heard_until("discord") == 0.0
    await store.heard("discord", 20.5)
    await store.heard("discord", 10.0)
    assert await store.heard_until("discord") == 20.5
    assert await store.heard_until("slack") == 0.0


async def test_threads_the_bot_was_asked_in_come_newest_first(store: SqliteStore, ask: Ask) -> None:
    for message, thread in (("100", "A"), ("101", "B"), ("102", "A")):
        await store.accept(ask(message, thread))
    assert [key.thread for key in await store.threads("discord", 0.0)] == ["A", "B"]
    assert await store.threads("slack", 0.0) == []
    assert await store.threads("discord", 1e12) == []


async def kept(store: SqliteStore, sha256s: list[str]) -> list[bool]:
    there = []
    for sha256 in sha256s:
        try:
            await store.blob(sha256)
        except KeyError:
            there.append(False)
        else:
            there.append(True)
    return there


async def test_a_thread_keeps_its_newest_files_within_its_limit(file: Path, ask: Ask) -> None:
    async with open_store(file, BlobLimits(thread_bytes=250, bytes=10_000)) as store:
        shas = [await store.keep(bytes([number]) * 100, "image/png") for number in range(4)]
        for number, sha256 in enumerate(shas):
            thread = "mine" if number else "other"
            await answered(store, ask(str(100 + number), thread), "ok", picture(sha256))
        assert await kept(store, shas) == [True, False, True, True]


async def test_beyond_the_limit_in_all_the_oldest_file_goes(file: Path, ask: Ask) -> None:
    async with open_store(file, BlobLimits(bytes=250)) as store:
        shas = [await store.keep(bytes([number]) * 100, "image/png") for number in range(4)]
        for number, sha256 in enumerate(shas):
            await answered(store, ask(str(100 + number), str(number)), "ok", picture(sha256))
        assert await kept(store, shas) == [False, False, True, True]


async def test_a_file_no_turn_needs_goes_before_an_older_one_that_is_needed(file: Path, ask: Ask) -> None:
    async with open_store(file, BlobLimits(bytes=250)) as store:
        needed = [await store.keep(bytes([number]) * 100, "image/png") for number in range(2)]
        await answered(store, ask("100"), "ok", picture(needed[0]))
        stray = await store.keep(b"s" * 100, "image/png")
        with closing(sqlite3.connect(file)) as db, db:
            db.execute("UPDATE blob SET kept_at_s = kept_at_s - 9000 WHERE sha256 <> ?", (needed[1],))
        await answered(store, ask("101", "other"), "ok", picture(needed[1]))
        assert await kept(store, [*needed, stray]) == [True, True, False]


async def test_that_somebody_was_told_that_they_may_not_speak_is_known_for_a_while(file: Path) -> None:
    async with open_store(file) as store:
        assert await store.note_refusal("discord:1", since_s=0.0)
        assert not await store.note_refusal("discord:1", since_s=0.0)
        assert await store.note_refusal("slack:1", since_s=0.0)
    async with open_store(file) as store:
        assert not await store.note_refusal("discord:1", since_s=0.0)
        assert await store.note_refusal("discord:1", since_s=10.0**12)
