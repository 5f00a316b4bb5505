"""Stop, Retry, Continue, edits and deletions: what people do to answers, and to their questions."""

import asyncio
import time
from dataclasses import replace
from pathlib import Path

import pytest
from engine_room import ADA, GRACE, MOD, Chat, Room, key, message, room

from bot.engine.sentences import DELETED, LATE, NOT_NEWEST, NOT_YOURS, STOPPED, WAITS, WAITS_FOR_YOURS
from bot.events import Button, Edited, Upload
from bot.simulator.claude import Reply, SimulatedClaude

HALF = "This is the first half of it, and"


def held() -> Reply:
    """An answer that stops growing after its first half until somebody leaves."""
    return Reply(pieces=[HALF, " this is the second."], stall_after=1)


async def growing(here: Room, number: int = 100, text: str = "Tell me") -> str:
    """Ask, and return the id of the message in which the half answer stands."""
    before = set(here.chat.shown)
    await here.say(number, text)
    await here.chat.until(lambda: any(HALF in m.text for i, m in here.chat.shown.items() if i not in before))
    return next(i for i in here.chat.shown if i not in before)


async def test_while_an_answer_grows_it_can_be_stopped_and_what_was_shown_stays(here: Room) -> None:
    here.claude.script(held())
    answer = await growing(here)
    assert here.chat.shown[answer].buttons == (Button.STOP,)
    assert await here.press(Button.STOP, answer) == ""
    await here.claude.next_disconnect()
    await here.ended(100, "stopped")
    assert here.chat.shown[answer].text.startswith(HALF)
    assert STOPPED in here.chat.shown[answer].text
    assert here.chat.shown[answer].buttons == (Button.RETRY,)


async def test_a_stopped_answer_is_in_the_history_as_what_it_is(here: Room) -> None:
    here.claude.script(held(), Reply(text="The rest."))
    await here.press(Button.STOP, await growing(here))
    await here.ended(100, "stopped")
    await here.say(101, "And?")
    await here.ended(101, "delivered")
    user, assistant, _ = here.claude.requests[-1].body["messages"]
    assert "Tell me" in str(user)
    assert HALF in str(assistant)
    assert "stopped" in str(assistant)


@pytest.mark.parametrize("word", ["stop", "Stop!", " STOP. "])
async def test_the_word_stop_stops_an_answer_and_is_no_question(here: Room, word: str) -> None:
    here.claude.script(held())
    answer = await growing(here)
    await here.say(101, word, mentions_bot=False)
    await here.ended(100, "stopped")
    await here.say(101, word, mentions_bot=False)  # delivered again, when nothing grows any more
    assert (here.claude.count, list(here.chat.shown)) == (1, [answer])


async def test_the_word_stop_is_a_question_when_nothing_grows(here: Room) -> None:
    await here.say(100, "stop")
    await here.ended(100, "delivered")
    assert here.claude.count == 1


async def test_only_who_asked_or_a_moderator_stops_an_answer(here: Room) -> None:
    here.claude.script(held())
    answer = await growing(here)
    assert await here.press(Button.STOP, answer, GRACE) == NOT_YOURS
    assert here.claude.requests[0].done is None
    assert await here.press(Button.STOP, answer, MOD) == ""
    await here.ended(100, "stopped")


async def test_who_may_not_speak_to_the_bot_may_not_press_its_buttons(tmp_path: Path, claude: SimulatedClaude) -> None:
    async with room(tmp_path, claude, values={"denied_users": frozenset({MOD.id})}) as here:
        here.claude.script(held())
        answer = await growing(here)
        assert await here.press(Button.STOP, answer, MOD) == NOT_YOURS
        assert await here.press(Button.STOP, answer) == ""
        await here.ended(100, "stopped")


async def test_a_reaction_on_the_question_stops_its_answer(here: Room) -> None:
    here.claude.script(held())
    await growing(here)
    await here.press(Button.STOP, "100")
    await here.ended(100, "stopped")


async def test_a_press_on_somebody_elses_message_is_nothing(here: Room) -> None:
    assert await here.press(Button.STOP, "12345") == ""


async def test_a_question_that_waits_can_be_stopped(here: Room) -> None:
    here.claude.script(held())
    answer = await growing(here)
    await here.say(101, "Another")
    await here.press(Button.STOP, "101")
    await here.ended(101, "stopped")
    await here.press(Button.STOP, answer)
    await here.ended(100, "stopped")
    assert here.claude.count == 1


@pytest.mark.parametrize("unread", ["talk", "place", "files"])
async def test_an_answer_is_stopped_at_once_while_what_it_needs_is_read(here: Room, unread: str) -> None:
    here.chat.unread.add(unread)
    picture = Upload("7", "cat.png", "https://files/cat.png", "image/png", 12)
    await here.say(100, "Tell me", uploads=(picture,))
    await here.chat.until(lambda: f"reading the {unread}" in here.chat.texts)
    await here.press(Button.STOP, "100")
    await here.ended(100, "stopped")
    assert here.claude.count == 0
    assert [line for line in here.chat.lines if STOPPED in line] == here.chat.lines
    here.chat.unread.clear()
    await here.say(101, "And now?")
    await here.ended(101, "delivered")
    assert "Tell me" in here.prompt()


async def test_an_answer_that_waits_for_a_place_is_stopped_at_once(tmp_path: Path, claude: SimulatedClaude) -> None:
    async with room(tmp_path, claude, per_person=1) as here:
        claude.script(held())
        answer = await growing(here)
        await here.say(101, "Another", thread="U")
        await here.chat.until(lambda: any(WAITS_FOR_YOURS in line for line in here.chat.lines))
        await here.press(Button.STOP, "101")
        await here.ended(101, "stopped")
        await here.press(Button.STOP, answer)
        await here.ended(100, "stopped")
        assert claude.count == 1


async def test_retry_answers_again_in_the_same_message(here: Room) -> None:
    here.claude.script(Reply(text="The first answer to it."), Reply(text="The second answer to it."))
    await here.say(100, "Tell me")
    await here.ended(100, "delivered")
    [answer] = here.chat.shown
    assert await here.press(Button.RETRY, answer) == ""
    await here.chat.until(lambda: "second" in here.chat.shown[answer].text)
    await here.ended(100, "delivered")
    assert list(here.chat.shown) == [answer]
    assert "first" not in here.prompt()
    assert [m["role"] for m in await here.store.history.messages(message(100, "").thread)] == ["user", "assistant"]


@pytest.mark.parametrize("at_once", [True, False])
async def test_eight_presses_of_retry_pay_one_answer(here: Room, at_once: bool) -> None:
    gate = asyncio.Event()
    here.claude.script(Reply(text="The first answer to it."), Reply(text="The second answer to it.", gate=gate))
    await here.say(100, "Tell me")
    await here.ended(100, "delivered")
    [answer] = here.chat.shown
    if at_once:
        await asyncio.gather(*(here.press(Button.RETRY, answer) for _ in range(8)))
    else:
        for _ in range(8):
            await here.press(Button.RETRY, answer)
    gate.set()
    await here.chat.until(lambda: "second" in here.chat.shown[answer].text)
    await here.ended(100, "delivered")
    assert here.claude.count == 2


async def test_an_older_answer_is_not_tried_again(here: Room) -> None:
    await here.say(100, "One")
    await here.ended(100, "delivered")
    [answer] = here.chat.shown
    await here.say(101, "Two")
    await here.ended(101, "delivered")
    assert await here.press(Button.RETRY, answer) == NOT_NEWEST
    assert here.claude.count == 2


async def test_after_a_failure_retry_answers_in_place_of_the_sentence(here: Room) -> None:
    here.claude.script(Reply(status=401, error_type="authentication_error"), Reply(text="Here it is, after all."))
    await here.say(100, "Tell me")
    await here.ended(100, "failed")
    [answer] = here.chat.shown
    assert here.chat.shown[answer].buttons == (Button.RETRY,)
    await here.press(Button.RETRY, answer)
    await here.ended(100, "delivered")
    assert here.chat.lines == ["Here it is, after all."]


async def test_at_the_length_limit_continue_goes_on_once_however_often_it_is_pressed(here: Room) -> None:
    here.claude.script(Reply(text="The beginning", stop_reason="max_tokens"), Reply(text="and the end of it."))
    await here.say(100, "Tell me")
    await here.ended(100, "delivered")
    [first] = here.chat.shown
    assert here.chat.shown[first].buttons == (Button.CONTINUE, Button.RETRY)
    await asyncio.gather(*(here.press(Button.CONTINUE, first) for _ in range(3)))
    await here.chat.until(lambda: "and the end of it." in here.chat.lines)
    await here.press(Button.CONTINUE, first)
    await here.ended(int(first), "delivered")
    assert here.claude.count == 2
    assert "The beginning" in here.prompt()


async def test_row_46_an_edited_question_is_answered_again_in_place(here: Room) -> None:
    here.claude.script(Reply(text="About cats, at length."), Reply(text="About dogs, at length."))
    await here.say(100, "Cats?")
    await here.ended(100, "delivered")
    [answer] = here.chat.shown
    await here.edit(100, "Dogs?")
    await here.chat.until(lambda: "dogs" in here.chat.shown[answer].text)
    await here.ended(100, "delivered")
    assert list(here.chat.shown) == [answer]
    assert "Cats" not in here.prompt()


async def test_an_edit_while_it_is_answered_begins_the_answer_anew(here: Room) -> None:
    here.claude.script(held(), Reply(text="About dogs, at length."))
    answer = await growing(here, text="Cats?")
    await here.edit(100, "Dogs?")
    await here.claude.next_disconnect()
    await here.ended(100, "delivered")
    assert here.chat.lines == ["About dogs, at length."]
    assert list(here.chat.shown) == [answer]


async def test_a_waiting_question_is_answered_as_it_was_edited(here: Room) -> None:
    here.claude.script(held())
    answer = await growing(here)
    await here.say(101, "Cats?")
    await here.edit(101, "Dogs?")
    await here.press(Button.STOP, answer)
    await here.ended(101, "delivered")
    assert "Dogs?" in here.prompt()
    assert "Cats?" not in here.prompt()


async def test_an_edit_that_changes_no_word_is_nothing(here: Room) -> None:
    await here.say(100, "Cats?")
    await here.ended(100, "delivered")
    await here.edit(100, "Cats?")
    await here.do(Edited(message(555, "A message that was no question", mentions_bot=False)))
    assert here.claude.count == 1
    assert await here.store.questions.unended() == []


async def test_an_edit_of_an_older_question_is_not_answered(here: Room) -> None:
    for number in (100, 101):
        await here.say(number, "Cats?")
        await here.ended(number, "delivered")
    await here.edit(100, "Dogs?")
    assert here.claude.count == 2


async def test_row_45_a_deleted_question_stops_its_answer_and_leaves_nothing_of_it(here: Room) -> None:
    here.claude.script(held())
    answer = await growing(here, text="A secret")
    await here.delete(100)
    await here.claude.next_disconnect()
    await here.ended(100, "stopped")
    assert here.chat.shown[answer].text.strip("*_ ") == DELETED
    await here.say(101, "Another")
    await here.ended(101, "delivered")
    assert "secret" not in here.prompt()


async def test_a_question_deleted_before_its_turn_is_not_answered(here: Room) -> None:
    here.claude.script(held())
    answer = await growing(here)
    await here.say(101, "Another")
    await here.delete(101)
    await here.press(Button.STOP, answer)
    await here.ended(100, "stopped")
    assert here.claude.count == 1
    assert await here.store.questions.unended() == []


async def test_one_of_two_merged_questions_is_deleted_and_the_other_is_answered(here: Room) -> None:
    here.claude.script(held(), held(), Reply(text="To the other one, this."))
    first = await growing(here)
    await here.say(101, "Keep this")
    await here.say(102, "Forget this")
    await here.press(Button.STOP, first)
    await here.chat.until(lambda: len(here.chat.shown) == 2)
    await here.delete(102)
    await here.ended(101, "delivered")
    assert "Keep this" in here.prompt()
    assert "Forget this" not in here.prompt()


async def test_what_was_asked_and_deleted_later_is_in_no_later_prompt(here: Room) -> None:
    await here.say(100, "A secret")
    await here.ended(100, "delivered")
    await here.delete(100)
    await here.say(101, "Another")
    await here.ended(101, "delivered")
    assert "secret" not in str([m for m in here.claude.requests[-1].body["messages"] if m["role"] == "user"])
    assert len(here.claude.requests[-1].body["messages"]) == 3


async def test_an_old_question_gets_one_line_and_costs_nothing_until_retry(here: Room) -> None:
    await here.say(100, "Hello?", sent_at_s=time.time() - 3600)
    await here.ended(100, "failed")
    [answer] = here.chat.shown.values()
    assert LATE in answer.text
    assert here.claude.count == 0
    await here.press(Button.RETRY, answer.id)
    await here.ended(100, "delivered")
    assert here.claude.count == 1


async def test_a_person_has_so_many_answers_at_once_and_is_told_that_the_next_one_waits(
    tmp_path: Path, claude: SimulatedClaude
) -> None:
    async with room(tmp_path, claude, per_person=1) as here:
        here.claude.script(
            held(), Reply(text="Grace's answer, which does not wait."), Reply(text="Ada's second answer.")
        )
        answer = await growing(here)
        await here.say(101, "Another", thread="T2")
        await here.chat.until(lambda: any(WAITS_FOR_YOURS in line for line in here.chat.lines))
        await here.say(102, "Mine", GRACE, thread="T3")
        await here.ended(102, "delivered")
        assert here.claude.count == 2
        await here.press(Button.STOP, answer)
        await here.ended(101, "delivered")
        assert sum(WAITS_FOR_YOURS in text for text in here.chat.texts) == 1
        assert not any(WAITS in text for text in here.chat.texts)
        assert "Ada's second answer." in here.chat.lines


async def test_an_answer_that_breaks_off_is_asked_for_once_more_into_the_same_message(here: Room) -> None:
    half = Reply(pieces=[HALF, " lost"], cut_after=1)
    here.claude.script(half, Reply(text="This is the whole of it, and it is not long."))
    await here.say(100, "Tell me")
    await here.ended(100, "delivered")
    assert here.chat.lines == ["This is the whole of it, and it is not long."]
    assert here.claude.count == 2


async def test_an_answer_that_breaks_off_twice_keeps_what_there_was_and_can_be_retried(here: Room) -> None:
    half = Reply(pieces=[HALF, " lost"], cut_after=1)
    here.claude.script(half, half)
    await here.say(100, "Tell me")
    await here.ended(100, "failed")
    [answer] = here.chat.shown.values()
    assert answer.text.startswith(HALF)
    assert "broke off" in answer.text
    assert answer.buttons == (Button.RETRY,)
    assert here.claude.count == 2


def tool(name: str, content: str) -> Reply:
    given = {"type": "tool_use", "name": "give_file", "input": {"name": name, "content": content}}
    return Reply(blocks=[{"type": "text", "text": "I write it down for you."}, given])


async def test_a_file_claude_gives_is_attached_below_its_answer(here: Room) -> None:
    gate = asyncio.Event()
    here.claude.script(tool("../notes.md", "# Notes\n"), Reply(text="There it is.", gate=gate))
    await here.say(100, "Give me a file")
    await here.chat.until(lambda: any("notes.md" in text for text in here.chat.statuses))
    gate.set()
    await here.ended(100, "delivered")
    text, file = here.chat.shown.values()
    assert "There it is." in text.text
    assert "is writing" not in text.text
    assert (file.text, file.file) == ("notes.md", b"# Notes\n")


async def test_files_and_buttons_of_a_recorded_answer_are_delivered_by_the_next_start(
    tmp_path: Path, claude: SimulatedClaude
) -> None:
    claude.script(tool("a.txt", "A"), Reply(text="There it is."))
    chat = Chat()
    async with room(tmp_path, claude, chat) as here:
        await here.say(100, "Give me a file")
        await here.ended(100, "delivered")
        turn = await here.store.turns.find(key("100"))
        assert turn is not None
        assert turn.outcome is not None
        await here.store.turns.begin(turn.questions)
        await here.store.turns.record(key("100"), turn.outcome, [])  # as if it had never been delivered
    chat.shown.clear()
    async with room(tmp_path, claude, chat) as here:
        await here.ended(100, "delivered")
    assert [m.file for m in chat.shown.values()][-1] in {None, b"A"}
    assert claude.count == 2


async def test_a_picture_waits_a_moment_for_its_words(here: Room) -> None:
    here.chat.files["u"] = b"not a picture, but some words"
    await here.say(100, "", uploads=(Upload("1", "a.txt", "u"),))
    await here.say(101, "What is it?", mentions_bot=False)
    await here.ended(101, "delivered")
    assert here.claude.count == 1
    assert "some words" in here.prompt()


async def test_a_long_message_that_discord_made_a_file_of_is_the_message(here: Room) -> None:
    here.chat.files["u"] = b"Once upon a time"
    await here.say(100, "", uploads=(Upload("1", "message.txt", "u"),))
    await here.ended(100, "delivered")
    assert "Once upon a time\\n</message>" in here.prompt()


async def test_an_edit_of_somebody_who_was_never_heard_is_nothing(here: Room) -> None:
    await here.edit(100, "New")
    await here.delete(100)
    assert here.claude.count == 0


async def test_a_stopped_bot_takes_nothing_in(tmp_path: Path, claude: SimulatedClaude) -> None:
    async with room(tmp_path, claude) as here:
        engine = here.engine
    with pytest.raises(Exception, match="stopping"):
        await engine.handle(replace(message(1, "Hi", ADA)))


async def test_row_41_ten_messages_in_a_thread_that_is_busy_are_one_more_turn(here: Room) -> None:
    here.claude.script(held())
    answer = await growing(here)
    for number in range(101, 111):
        await here.say(number, f"Question {number}?", GRACE if number % 2 else ADA)
    await here.press(Button.STOP, answer)
    for number in range(101, 111):
        await here.ended(number, "delivered")
    assert here.claude.count == 2
    told = str(here.claude.requests[-1].body["messages"][-1])
    places = [told.index(f"Question {number}?") for number in range(101, 111)]
    assert places == sorted(places)
