"""What people edited and deleted while nobody listened is obeyed by the next process, and by this one after a gap."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest
from engine_room import Chat, Room, message, room

from bot.events import Missed
from bot.simulator.claude import Reply, SimulatedClaude

Restart = Callable[[Chat], AbstractAsyncContextManager[Room]]


@pytest.fixture
def again(tmp_path: Path, claude: SimulatedClaude) -> Restart:
    """A process on the same database, with a chat in which things happened meanwhile."""
    return lambda chat: room(tmp_path, claude, chat)


def held() -> Reply:
    return Reply(pieces=["Never said."], first_token_s=60.0)


async def left(again: Restart, claude: SimulatedClaude, *texts: str) -> Chat:
    """Ask in one thread, and die before the first answer begins; the chat afterwards."""
    claude.script(held())
    async with again(Chat()) as before:
        for number, text in enumerate(texts, start=1):
            await before.say(number, text)
            if number == 1:
                await claude.until(lambda: claude.count == 1)
    return before.chat


async def test_a_question_deleted_meanwhile_gets_nothing(again: Restart, claude: SimulatedClaude) -> None:
    chat = await left(again, claude, "Forget me")
    chat.now["1"] = None
    async with again(chat) as here:
        await here.ended(1, "stopped")
        await here.say(2, "Hello")
        await here.ended(2, "delivered")
        assert "Forget me" not in here.prompt()
        assert claude.count == 2


async def test_one_of_several_that_waited_is_deleted_meanwhile(again: Restart, claude: SimulatedClaude) -> None:
    chat = await left(again, claude, "First", "Second", "Third")
    chat.now["2"] = None
    async with again(chat) as here:
        await here.ended(3, "delivered")
        assert "Third" in here.prompt()
        assert "Second" not in here.prompt()
        await here.ended(2, "stopped")


async def test_a_question_edited_meanwhile_is_answered_as_it_is_now(again: Restart, claude: SimulatedClaude) -> None:
    chat = await left(again, claude, "Wrong", "Also wrong", "Right")
    chat.now |= {"1": message(1, "Corrected"), "2": message(2, "Corrected, too")}
    async with again(chat) as here:
        await here.ended(3, "delivered")
        said = here.prompt()
        assert "Corrected, too" in said
        assert "Also wrong" not in said


async def test_an_edited_question_that_waits_with_others_is_answered_as_it_is_now(
    again: Restart, claude: SimulatedClaude
) -> None:
    claude.script(Reply(pieces=["One."], first_token_s=0.3))
    async with again(Chat()) as here:
        await here.say(1, "First")
        await claude.until(lambda: claude.count == 1)
        await here.say(2, "Wrong")
        await here.say(3, "Third")
        await here.edit(2, "Right")
        await here.ended(3, "delivered")
        assert "Right" in here.prompt()
        assert "Wrong" not in here.prompt()


async def test_what_cannot_be_looked_up_is_answered_as_it_was_asked(again: Restart, claude: SimulatedClaude) -> None:
    chat = await left(again, claude, "Hello")
    chat.unreachable = True
    async with again(chat) as here:
        await here.ended(1, "delivered")
        assert "Hello" in here.prompt()


async def test_after_a_gap_the_latest_questions_are_looked_up_newest_first(here: Room) -> None:
    for number in (1, 2):
        await here.say(number, f"Question {number}")
        await here.ended(number, "delivered")
    here.chat.now["2"] = message(2, "Another question")
    await here.do(Missed("fake"))
    await here.chat.until(lambda: any("Another question" in line for line in here.chat.lines))
    assert here.chat.looked_up == ["2"]
    assert len(here.claude.requests) == 3


async def test_a_question_that_nobody_changed_is_left_alone_after_a_gap(here: Room) -> None:
    await here.say(1, "Hello")
    await here.ended(1, "delivered")
    await here.do(Missed("fake"))
    await here.chat.until(lambda: here.chat.looked_up == ["1"])
    await here.say(2, "And now?")
    await here.ended(2, "delivered")
    assert len(here.claude.requests) == 2
