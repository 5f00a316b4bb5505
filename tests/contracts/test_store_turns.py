"""What every store promises of the life of a turn (the port `Turns`)."""

import asyncio
import time
from dataclasses import replace

import pytest
from contracts.stores import Opener, answered, ask

from bot.events import ENDS, AnswerMessage, Button, File, Incoming, MessageKey, Outcome, ThreadKey, Turn, TurnState
from bot.ports import Store


async def test_a_question_is_accepted_once(store: Store) -> None:
    assert await store.turns.accept(ask())
    assert not await store.turns.accept(ask(text="the same message, delivered again"))
    assert [turn.questions for turn in await store.questions.unended()] == [(ask(),)]


async def test_the_same_question_from_many_tasks_at_once_is_accepted_once(store: Store) -> None:
    assert sorted(await asyncio.gather(*(store.turns.accept(ask()) for _ in range(50)))) == [False] * 49 + [True]


async def test_two_messages_of_one_gesture_are_one_question(store: Store) -> None:
    assert await store.turns.accept(replace(ask("100"), send_id="g"))
    assert not await store.turns.accept(replace(ask("101"), send_id="g"))
    assert await store.turns.accept(replace(ask("102"), send_id="another"))
    assert await store.turns.accept(ask("103"))
    assert await store.turns.accept(ask("104"))


async def test_a_thread_is_known_from_its_first_question_on(store: Store) -> None:
    assert not await store.questions.knows(ask().thread)
    await store.turns.accept(ask())
    assert await store.questions.knows(ask().thread)
    assert not await store.questions.knows(ask(thread="other").thread)


async def test_threads_whose_ids_read_alike_in_a_row_are_two(store: Store) -> None:
    one = Incoming(MessageKey("p", "a:b", "c", "1"), ThreadKey("p", "a:b", "c", "t"), ask().author, "")
    await store.turns.accept(one)
    assert not await store.questions.knows(ThreadKey("p", "a", "b:c", "t"))


async def test_a_turn_goes_from_accepted_to_delivered(store: Store) -> None:
    question = ask()
    await store.turns.accept(question)
    await store.turns.begin([question])
    assert await store.questions.unended() == [Turn((question,), TurnState.ANSWERING)]
    part = AnswerMessage(0, "mark.0")
    await store.messages.posting(question.key, part)
    assert (await store.questions.unended())[0].parts == (part,)
    await store.messages.posted(question.key, AnswerMessage(0, "mark.0", "555"))
    outcome = Outcome("An answer", "A note.", (File("a.py", "cafe"),), (Button.RETRY,))
    await store.turns.record(question.key, outcome, [{"role": "user", "content": "Hello"}])
    assert await store.questions.unended() == [
        Turn((question,), TurnState.ANSWERED, (AnswerMessage(0, "mark.0", "555"),), outcome)
    ]
    await store.turns.end(question.key, TurnState.DELIVERED)
    assert await store.questions.unended() == []
    assert not await store.turns.accept(question)


@pytest.mark.parametrize("state", ENDS)
async def test_an_ended_turn_ends_all_the_questions_it_answers(store: Store, state: TurnState) -> None:
    questions = [ask("100"), ask("101"), ask("102")]
    for question in questions:
        await store.turns.accept(question)
    await store.turns.begin(questions)
    assert await store.questions.unended() == [Turn(tuple(questions), TurnState.ANSWERING)]
    await store.turns.end(questions[0].key, state)
    assert await store.questions.unended() == []


async def test_the_questions_of_a_turn_stand_in_the_order_in_which_they_were_said(store: Store) -> None:
    early, late = ask("99"), ask("100")
    await store.turns.accept(late)
    await store.turns.accept(early)
    await store.turns.begin([late, early])
    assert (await store.questions.unended())[0].questions == (early, late)


async def test_a_turn_begun_out_of_order_keeps_its_parts_and_ends_whole(opener: Opener) -> None:
    early, late, later = ask("99"), ask("100"), ask("101")
    async with opener() as store:
        for question in (late, early, later):
            await store.turns.accept(question)
        await store.turns.begin([late, early])
        await store.messages.posted(late.key, AnswerMessage(0, "mark.0", "555"))
    async with opener() as store:
        [turn, waiting] = await store.questions.unended()
        assert (turn.questions, turn.parts) == ((early, late), (AnswerMessage(0, "mark.0", "555"),))
        assert waiting == Turn((later,), TurnState.ACCEPTED)
        await store.turns.begin([*turn.questions, later])
        await store.messages.posted(turn.key, AnswerMessage(1, "mark.1", "556"))
        await store.turns.record(turn.key, Outcome("An answer"), [])
        [turn] = await store.questions.unended()
        assert turn.questions == (early, late, later)
        assert turn.parts == (AnswerMessage(0, "mark.0", "555"), AnswerMessage(1, "mark.1", "556"))
        await store.turns.end(turn.key, TurnState.DELIVERED)
        assert await store.questions.unended() == []


async def test_a_failed_turn_can_be_begun_again_into_the_messages_it_has(store: Store) -> None:
    await store.turns.accept(ask())
    await store.turns.begin([ask()])
    await store.messages.posted(ask().key, AnswerMessage(0, "mark.0", "555"))
    await store.turns.end(ask().key, TurnState.FAILED)
    await store.turns.begin([ask()])
    assert await store.questions.unended() == [
        Turn((ask(),), TurnState.ANSWERING, (AnswerMessage(0, "mark.0", "555"),))
    ]


async def test_two_turns_that_were_begun_do_not_become_one(store: Store) -> None:
    for number in ("1", "2"):
        await store.turns.accept(ask(number))
        await store.turns.begin([ask(number)])
    with pytest.raises(ValueError, match="more than one turn"):
        await store.turns.begin([ask("1"), ask("2")])
    assert len(await store.questions.unended()) == 2


async def test_a_question_that_was_never_accepted_cannot_be_begun(store: Store) -> None:
    await store.turns.accept(ask("1"))
    with pytest.raises(KeyError):
        await store.turns.begin([ask("1"), ask("2")])
    assert [turn.state for turn in await store.questions.unended()] == [TurnState.ACCEPTED]


async def test_a_turn_does_not_end_in_a_state_that_is_no_end(store: Store) -> None:
    await store.turns.accept(ask())
    with pytest.raises(ValueError, match="delivered, failed, stopped"):
        await store.turns.end(ask().key, TurnState.ACCEPTED)


async def test_a_turn_is_found_by_its_question_and_by_each_message_of_its_answer(store: Store) -> None:
    await answered(store, ask("100", thread="100"), "Hi")
    found = await store.turns.find(ask("100").key)
    assert found is not None
    assert (found.state, found.outcome) == (TurnState.DELIVERED, Outcome("Hi"))
    assert await store.turns.find(MessageKey("discord", "G", "C", "answer to 100")) == found  # beside the question
    assert (
        await store.turns.find(MessageKey("discord", "G", "100", "answer to 100")) == found
    )  # in the question's thread
    assert await store.turns.find(MessageKey("discord", "G", "elsewhere", "answer to 100")) is None
    assert await store.turns.find(MessageKey("slack", "G", "C", "answer to 100")) is None
    assert await store.turns.find(ask("7").key) is None


async def test_a_reopened_turn_is_answered_anew_into_its_messages(store: Store) -> None:
    await answered(store, ask("100"), "One")
    await answered(store, ask("101"), "Two")
    turn = await store.turns.reopen(ask("101").key)
    assert turn is not None
    assert (turn.state, turn.outcome, len(turn.parts)) == (TurnState.ANSWERING, None, 1)
    assert await store.questions.unended() == [turn]
    assert [m["content"] for m in await store.history.messages(ask().thread) if m["role"] == "assistant"] == ["One"]


async def test_an_edited_question_takes_the_place_of_the_old_one(store: Store) -> None:
    await answered(store, ask("100"), "One")
    turn = await store.turns.reopen(ask("100").key, ask("100", text="Another"))
    assert turn is not None
    assert [question.text for question in turn.questions] == ["Another"]


async def test_a_waiting_question_that_is_edited_goes_on_waiting(store: Store) -> None:
    await store.turns.accept(ask("100"))
    turn = await store.turns.reopen(ask("100").key, ask("100", text="Another"))
    assert turn is not None
    assert (turn.state, turn.questions[0].text) == (TurnState.ACCEPTED, "Another")
    assert await store.questions.unended() == [turn]


async def test_only_a_threads_newest_turn_is_reopened(store: Store) -> None:
    await answered(store, ask("100"), "One")
    await store.turns.accept(ask("101"))
    assert await store.turns.reopen(ask("100").key, ask("100", text="Another")) is None
    assert (await store.turns.find(ask("100").key)).questions[0].text == "Hello"  # type: ignore[union-attr]


async def test_a_waiting_question_that_is_forgotten_is_not_answered(store: Store) -> None:
    await store.turns.accept(ask("100"))
    await store.turns.forget(ask("100").key)
    assert await store.questions.unended() == []
    assert not await store.turns.accept(ask("100"))
    assert await store.turns.forget(ask("7").key) is None


async def test_a_question_that_says_nothing_is_not_one_that_was_deleted(store: Store) -> None:
    bare, gone = replace(ask("100"), text="", uploads=()), ask("101", thread="other")
    for question in (bare, gone):
        await answered(store, question, "An answer")
    await store.turns.forget(gone.key)
    assert await store.questions.lately("discord", 0.0, 10) == [bare]
    found = [await store.turns.find(question.key) for question in (bare, gone)]
    assert [turn.asked for turn in found if turn] == [(bare,), ()]
    assert [turn.deleted for turn in found if turn] == [frozenset(), frozenset({gone.key})]
    reopened = await store.turns.reopen(bare.key)
    assert reopened is not None
    assert reopened.asked == (bare,)


async def test_everything_is_there_after_a_restart(opener: Opener) -> None:
    async with opener() as store:
        await store.turns.accept(ask())
        await store.turns.begin([ask()])
    async with opener() as store:
        assert await store.questions.unended() == [Turn((ask(),), TurnState.ANSWERING)]


async def test_a_job_that_fails_leaves_the_others_of_its_batch(store: Store) -> None:
    results = await asyncio.gather(
        store.turns.accept(ask("1")),
        store.turns.end(ask("unknown").key, TurnState.FAILED),
        store.turns.accept(ask("2")),
        return_exceptions=True,
    )
    assert (results[0], results[2]) == (True, True)
    assert isinstance(results[1], KeyError)
    assert len(await store.questions.unended()) == 2


async def test_a_caller_that_is_cancelled_breaks_nothing(store: Store) -> None:
    given = asyncio.create_task(store.turns.accept(ask("1")))
    await asyncio.sleep(0)
    given.cancel()
    with pytest.raises(asyncio.CancelledError):
        await given
    assert await store.turns.accept(ask("2"))
    assert len(await store.questions.unended()) == 2


async def test_that_somebody_was_told_that_they_may_not_speak_is_known_for_a_while(opener: Opener) -> None:
    async with opener() as store:
        assert await store.notices.note_refusal("discord:1", since_s=0.0)
        assert not await store.notices.note_refusal("discord:1", since_s=0.0)
        assert await store.notices.note_refusal("slack:1", since_s=0.0)
    async with opener() as store:
        assert not await store.notices.note_refusal("discord:1", since_s=0.0)
        assert await store.notices.note_refusal("discord:1", since_s=10.0**12)


async def test_what_was_accepted_since_a_time_comes_newest_first(store: Store) -> None:
    before_s = time.time() - 1.0
    for number in range(100, 105):
        await store.turns.accept(ask(str(number), thread=str(number)))
    await store.turns.forget(ask("103", thread="103").key)
    assert [q.key.message for q in await store.questions.lately("discord", before_s, 3)] == ["104", "102", "101"]
    assert await store.questions.lately("discord", before_s + 86400.0, 3) == []
    assert await store.questions.lately("slack", before_s, 3) == []


async def test_what_was_written_of_an_answer_is_kept_until_it_is_recorded(store: Store) -> None:
    await store.turns.accept(ask())
    await store.turns.begin([ask()])
    await store.drafts.keep(ask().key, "One two")
    await store.drafts.keep(ask().key, "")
    assert [turn.draft for turn in await store.questions.unended()] == ["One two"]
    await store.drafts.rest(ask().key, "One two three")
    assert [turn.draft for turn in await store.questions.unended()] == ["One two three"]
    await store.turns.record(ask().key, Outcome("Whole"), [])
    assert [turn.draft for turn in await store.questions.unended()] == [""]


async def test_that_a_reader_wants_no_more_is_known_until_the_turn_is_taken_up_again(store: Store) -> None:
    await answered(store, ask(), "Old")
    turn = await store.turns.reopen(ask().key)
    assert turn is not None
    assert (turn.stopping, turn.draft) == (False, "Old")
    await store.signals.stop(ask().key)
    assert [turn.stopping for turn in await store.questions.unended()] == [True]
    await store.turns.end(ask().key, TurnState.STOPPED)
    turn = await store.turns.reopen(ask().key)
    assert turn is not None
    assert not turn.stopping


async def test_who_ends_in_good_order_is_to_blame_for_nothing(opener: Opener) -> None:
    for _ in range(2):
        async with opener() as store:
            await store.turns.accept(ask())
            await store.turns.begin([ask()])
            await store.turns.begin([ask()])
            assert [turn.blame for turn in await store.questions.unended()] == [0.0]


async def test_an_unknown_turn_is_told_apart(store: Store) -> None:
    with pytest.raises(KeyError):
        await store.signals.stop(ask().key)
    with pytest.raises(KeyError):
        await store.turns.begin([ask()])
    assert await store.turns.find(ask().key) is None
    assert await store.turns.forget(ask().key) is None
