"""What every store promises of the messages of an answer (the port `Messages`)."""

import pytest
from contracts.stores import Opener, ask

from bot.errors import StoreError
from bot.events import AnswerMessage
from bot.ports import Store


async def test_a_post_that_is_announced_again_keeps_its_message(store: Store) -> None:
    await store.turns.accept(ask())
    await store.turns.begin([ask()])
    await store.messages.posting(ask().key, AnswerMessage(0, "mark.0"))
    await store.messages.posted(ask().key, AnswerMessage(0, "mark.0", "555"))
    await store.messages.posting(ask().key, AnswerMessage(0, "mark.0"))
    assert (await store.questions.unended())[0].parts == (AnswerMessage(0, "mark.0", "555"),)
    await store.messages.posting(ask().key, AnswerMessage(0, "another mark"))
    assert (await store.questions.unended())[0].parts == (AnswerMessage(0, "another mark"),)


async def test_one_mark_stands_for_one_message(store: Store) -> None:
    for number in ("1", "2"):
        await store.turns.accept(ask(number))
    await store.messages.posting(ask("1").key, AnswerMessage(0, "mark.0"))
    with pytest.raises(StoreError):
        await store.messages.posting(ask("2").key, AnswerMessage(0, "mark.0"))


async def test_what_this_database_has_posted_is_known_by_its_mark_and_by_its_id(store: Store) -> None:
    await store.turns.accept(ask())
    await store.messages.posting(ask().key, AnswerMessage(0, "mark.0"))
    assert await store.messages.is_ours("mark.0")
    assert not await store.messages.is_ours("mark.1")
    await store.messages.posted(ask().key, AnswerMessage(0, "mark.0", "4711"))
    assert await store.messages.is_ours("4711")
    await store.messages.posting(ask().key, AnswerMessage(0, "-mark.0"))  # it was taken away
    assert await store.messages.is_ours("mark.0")


async def test_what_an_answer_is_named_is_no_other_answers_name(store: Store) -> None:
    marks = [await store.messages.idempotency_key(ask(str(number)).key) for number in range(100, 120)]
    assert {len(idempotency_key) for idempotency_key in marks} == {16}
    assert len(set(marks)) == len(marks)
    assert await store.messages.idempotency_key(ask("100").key) == marks[0]


async def test_the_messages_of_an_answer_are_known_in_their_order(store: Store) -> None:
    await store.turns.accept(ask())
    await store.turns.begin([ask()])
    parts = [AnswerMessage(2, "m.2", "557", "data.csv"), AnswerMessage(0, "m.0", "555"), AnswerMessage(1, "m.1")]
    for part in parts:
        await (store.messages.posted if part.message_id else store.messages.posting)(ask().key, part)
    [turn] = await store.questions.unended()
    assert turn.parts == (parts[1], parts[2], parts[0])


async def test_a_post_of_an_unknown_turn_is_refused(store: Store) -> None:
    for write in (store.messages.posting, store.messages.posted):
        with pytest.raises(KeyError):
            await write(ask().key, AnswerMessage(0, "mark.0", "1"))


async def test_what_was_posted_is_known_after_a_restart(opener: Opener) -> None:
    async with opener() as store:
        await store.turns.accept(ask())
        await store.turns.begin([ask()])
        await store.messages.posting(ask().key, AnswerMessage(0, "mark.0"))
        name = await store.messages.idempotency_key(ask().key)
    async with opener() as store:
        assert (await store.questions.unended())[0].parts == (AnswerMessage(0, "mark.0"),)
        assert await store.messages.is_ours("mark.0")
        assert await store.messages.idempotency_key(ask().key) == name
