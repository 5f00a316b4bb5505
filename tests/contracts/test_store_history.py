"""What every store promises of the history of a thread, and of the bytes in it (the port `History`)."""

from typing import Any

import pytest
from contracts.stores import STORES, Opener, answered, ask, kept, picture, said
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.events import Incoming, MessageKey, Outcome, Person, ThreadKey, TurnState
from bot.ports import Store
from bot.store import BlobLimits

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


async def test_history_grows_a_whole_turn_at_a_time(store: Store) -> None:
    for number in ("100", "101"):
        await store.turns.accept(ask(number))
        await store.turns.begin([ask(number)])
        talk: list[dict[str, Any]] = [
            {"role": "user", "content": number},
            {"role": "assistant", "content": [{"type": "text", "text": "ok"}]},
        ]
        await store.turns.record(ask(number).key, Outcome("ok"), talk)
    history = await store.history.messages(ask().thread)
    assert [message["role"] for message in history] == ["user", "assistant"] * 2
    assert [message["content"] for message in history[::2]] == ["100", "101"]


async def test_a_failed_turn_leaves_nothing_in_the_history(store: Store) -> None:
    await store.turns.accept(ask())
    await store.turns.begin([ask()])
    await store.turns.end(ask().key, TurnState.FAILED)
    assert await store.history.messages(ask().thread) == []


async def test_equal_ids_in_two_workspaces_are_two_questions(store: Store) -> None:
    one = ask()
    other = Incoming(MessageKey("discord", "G2", "C", "100"), ThreadKey("discord", "G2", "C", "T"), one.author, "Hi")
    assert await store.turns.accept(one)
    assert await store.turns.accept(other)
    await store.turns.begin([one])
    await store.turns.record(one.key, Outcome("secret"), [{"role": "user", "content": "secret"}])
    assert await store.history.messages(other.thread) == []


async def test_bytes_are_kept_once_and_given_back(store: Store) -> None:
    first = await store.history.keep(b"\x00picture", "image/png")
    assert await store.history.keep(b"\x00picture", "image/png") == first
    assert await store.history.blob(first) == (b"\x00picture", "image/png")
    with pytest.raises(KeyError):
        await store.history.blob("no such hash")


async def test_half_a_character_survives_in_an_answer(store: Store) -> None:
    await store.turns.accept(ask(text="\ud83d"))
    await store.turns.begin([ask()])
    await store.turns.record(ask().key, Outcome("an answer \ud83d"), [{"role": "assistant", "content": "\ud83d"}])
    [turn] = await store.questions.unended()
    assert (turn.questions[0].text, turn.outcome and turn.outcome.answer) == ("\ud83d", "an answer \ud83d")
    assert await store.history.messages(ask().thread) == [{"role": "assistant", "content": "\ud83d"}]
    await store.turns.end(ask().key, TurnState.DELIVERED)
    reopened = await store.turns.reopen(ask().key)  # what was its answer is its draft
    assert reopened is not None
    assert reopened.draft == "an answer \ud83d"
    await store.drafts.keep(ask().key, "a newer one \ud83d")
    await store.drafts.rest(ask().key, "and the rest \ude00")
    [turn] = await store.questions.unended()
    assert turn.draft == "and the rest \ude00"


@pytest.mark.parametrize("kind", STORES)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30, deadline=None)
@given(content=JSON)
async def test_any_json_comes_back_from_the_history_as_it_was(tmp_path_factory: Any, kind: str, content: Any) -> None:
    question = Incoming(MessageKey("p", "w", "c", "m"), ThreadKey("p", "w", "c", "t"), Person("u", "n"), "")
    async with STORES[kind](tmp_path_factory.mktemp("store"))() as store:
        await store.turns.accept(question)
        await store.turns.begin([question])
        await store.turns.record(question.key, Outcome(""), [{"role": "user", "content": content}])
        assert await store.history.messages(question.thread) == [{"role": "user", "content": content}]


async def test_one_of_several_merged_questions_can_be_forgotten(store: Store) -> None:
    one, two = ask("100", text="one"), ask("101", text="two")
    for question in (one, two):
        await store.turns.accept(question)
    await store.turns.begin([one, two])
    both = {"role": "user", "content": [*said(one)["content"], *said(two)["content"]]}
    await store.turns.record(one.key, Outcome("Both."), [both, {"role": "assistant", "content": "Both."}])
    await store.turns.forget(two.key)
    assert [block["text"] for block in (await store.history.messages(one.thread))[0]["content"]] == ["one"]


async def test_a_picture_that_another_turn_shows_outlives_the_one_that_is_forgotten(store: Store) -> None:
    sha256 = await store.history.keep(b"picture", "image/png")
    await answered(store, ask("100"), "One", picture(sha256))
    await answered(store, ask("101", thread="other"), "Two", picture(sha256))
    await store.turns.forget(ask("100").key)
    assert await store.history.blob(sha256) == (b"picture", "image/png")


async def test_a_thread_keeps_its_newest_files_within_its_limit(opener: Opener) -> None:
    async with opener(BlobLimits(thread_bytes=250, bytes=10_000)) as store:
        shas = [await store.history.keep(bytes([number]) * 100, "image/png") for number in range(4)]
        for number, sha256 in enumerate(shas):
            thread = "mine" if number else "other"
            await answered(store, ask(str(100 + number), thread), "ok", picture(sha256))
        assert await kept(store, shas) == [True, False, True, True]


async def test_beyond_the_limit_in_all_the_oldest_file_goes(opener: Opener) -> None:
    async with opener(BlobLimits(bytes=250)) as store:
        shas = [await store.history.keep(bytes([number]) * 100, "image/png") for number in range(4)]
        for number, sha256 in enumerate(shas):
            await answered(store, ask(str(100 + number), str(number)), "ok", picture(sha256))
        assert await kept(store, shas) == [False, False, True, True]


async def test_bytes_that_were_never_kept_are_not_there(store: Store) -> None:
    with pytest.raises(KeyError):
        await store.history.blob("no such hash")


async def test_a_thread_the_bot_was_never_in_has_no_history(store: Store) -> None:
    assert await store.history.messages(ask(thread="never").thread) == []


async def test_what_a_forgotten_question_said_is_nowhere(store: Store) -> None:
    sha256 = await store.history.keep(b"PICTURE", "image/png")
    secret = ask("100", text="SECRET")
    await answered(store, secret, "An answer", picture(sha256))
    turn = await store.turns.forget(secret.key)
    assert turn is not None
    assert (turn.questions[0].text, turn.questions[0].uploads, turn.asked) == ("", (), ())
    history = await store.history.messages(secret.thread)
    assert [message["role"] for message in history] == ["user", "assistant"]
    assert "SECRET" not in str(history)
    with pytest.raises(KeyError):
        await store.history.blob(sha256)


async def test_a_reopened_turn_leaves_the_history(store: Store) -> None:
    await answered(store, ask("100"), "One")
    await store.turns.reopen(ask("100").key)
    assert await store.history.messages(ask().thread) == []
    await store.turns.record(
        ask("100").key, Outcome("Two"), [said(ask("100")), {"role": "assistant", "content": "Two"}]
    )
    assert [message["content"] for message in await store.history.messages(ask().thread)][1:] == ["Two"]


async def test_a_history_that_is_begun_anew_is_empty_and_others_are_not(store: Store) -> None:
    await answered(store, ask("100"), "One")
    await answered(store, ask("101", thread="other"), "Two")
    await store.history.restart(ask("100").thread)
    assert await store.history.messages(ask("100").thread) == []
    assert len(await store.history.messages(ask("101", thread="other").thread)) == 2
    await answered(store, ask("102"), "Three")
    assert [m["role"] for m in await store.history.messages(ask("102").thread)] == ["user", "assistant"]
