"""One gate for everything people do, with the roles they have now."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from engine_room import ADA, GRACE, MOD, Chat, Room, key, message, room

from bot.engine.sentences import NOT_HERE, NOT_IN_DMS, NOT_YOU, NOT_YOURS, NOTHING_LEFT
from bot.events import Button, Edited, Person, Said
from bot.simulator.claude import Reply, SimulatedClaude

ROLE = {"allowed_roles": frozenset({"R"})}
STAFF = replace(ADA, roles=frozenset({"R"}))
HALF = Reply(pieces=["The first half, and", " the second."], stall_after=1)


async def answered(here: Room, number: int = 100, by: Person = STAFF) -> str:
    await here.say(number, "Tell me", by)
    await here.ended(number, "delivered")
    return list(here.chat.shown)[-1]


async def test_who_lost_the_role_is_not_answered_by_editing_an_old_question(
    tmp_path: Path, claude: SimulatedClaude
) -> None:
    async with room(tmp_path, claude, values=ROLE) as here:
        await answered(here)
        here.chat.people[ADA.id] = ADA
        assert await here.do(Edited(message(100, "Tell me more", ADA))) == NOT_YOU
        assert await here.do(Edited(message(100, "Tell me more", STAFF))) == "", "as the platform has it now"
        assert claude.count == 1


async def test_nobody_elses_change_waits_while_roles_are_looked_up(tmp_path: Path, claude: SimulatedClaude) -> None:
    async with room(tmp_path, claude, values=ROLE) as here:
        await answered(here)
        here.chat.looking_up = asyncio.Event()
        slow = asyncio.create_task(here.edit(100, "Tell me more", STAFF))
        await here.chat.until(lambda: here.chat.people_looked_up == 1)
        await here.delete(555)
        assert not slow.done()
        here.chat.looking_up.set()
        await slow
        await here.ended(100, "delivered")


async def test_an_edit_that_is_found_by_looking_back_passes_the_gate_too(
    tmp_path: Path, claude: SimulatedClaude
) -> None:
    async with room(tmp_path, claude, values=ROLE) as here:
        await answered(here)
        here.chat.people[ADA.id] = ADA
        await here.do(Edited(message(100, "Tell me more", STAFF)))
        assert claude.count == 1


async def test_who_was_given_the_role_is_answered_by_editing(tmp_path: Path, claude: SimulatedClaude) -> None:
    async with room(tmp_path, claude, values=ROLE) as here:
        assert await here.do(message(100, "Tell me", ADA)) == NOT_YOU
        here.chat.people[ADA.id] = STAFF
        await here.do(Edited(message(100, "Tell me, please", STAFF)))
        await here.ended(100, "delivered")


async def test_a_retry_of_what_somebody_asked_who_lost_the_role_is_refused_to_a_moderator_too(
    tmp_path: Path, claude: SimulatedClaude
) -> None:
    async with room(tmp_path, claude, values=ROLE) as here:
        answer = await answered(here)
        here.chat.people[ADA.id] = ADA
        moderator = replace(MOD, roles=frozenset({"R"}))
        assert await here.press(Button.RETRY, answer, moderator) == NOT_YOURS
        assert await here.press(Button.CONTINUE, answer, ADA) == NOT_YOURS
        assert claude.count == 1


@pytest.mark.parametrize("begun", [False, True])
async def test_what_was_left_by_somebody_who_lost_the_role_meanwhile_is_not_answered(
    tmp_path: Path, claude: SimulatedClaude, begun: bool
) -> None:
    chat = Chat(shows_nothing=not begun)
    claude.script(HALF)
    async with room(tmp_path, claude, chat, values=ROLE) as here:
        await here.say(100, "Tell me", STAFF)
        await chat.until(lambda: bool(chat.texts) if begun else bool(chat.refused))
    chat.shows_nothing, chat.people[ADA.id] = False, ADA
    asked = claude.count
    async with room(tmp_path, claude, chat, values=ROLE) as here:
        await here.ended(100, "stopped")
    assert claude.count == asked
    assert all(NOT_YOU in message.text and not message.buttons for message in chat.shown.values())


async def test_where_not_even_that_may_be_said_the_thread_goes_on(tmp_path: Path, claude: SimulatedClaude) -> None:
    chat = Chat()
    claude.script(HALF)
    async with room(tmp_path, claude, chat, values=ROLE) as here:
        await here.say(100, "Tell me", STAFF)
        await chat.until(lambda: bool(chat.texts))
    chat.people[ADA.id], chat.forbids = ADA, True
    async with room(tmp_path, claude, chat, values=ROLE) as here:
        await here.ended(100, "stopped", "failed")
        chat.people[ADA.id], chat.forbids = STAFF, False
        await here.say(101, "May I now?", STAFF)
        await here.ended(101, "delivered")
        assert "May I now?" in here.prompt()


async def test_of_a_turn_of_two_people_only_who_still_may_is_answered(tmp_path: Path, claude: SimulatedClaude) -> None:
    chat = Chat()
    grace = replace(GRACE, roles=frozenset({"R"}))
    claude.script(HALF)
    async with room(tmp_path, claude, chat, values=ROLE) as here:
        await here.say(100, "First", STAFF)
        await chat.until(lambda: bool(chat.texts))
        await here.say(101, "This is for Ada", STAFF)
        await here.say(102, "This is for Grace", grace)
    chat.people[ADA.id] = ADA
    async with room(tmp_path, claude, chat, values=ROLE) as here:
        await here.ended(102, "delivered")
        assert "This is for Grace" in here.prompt()
        assert "This is for Ada" not in here.prompt()


async def test_roles_that_cannot_be_looked_up_count_as_they_were(tmp_path: Path, claude: SimulatedClaude) -> None:
    async with room(tmp_path, claude, values=ROLE) as here:
        answer = await answered(here)
        here.chat.unreachable = True
        assert await here.press(Button.RETRY, answer, STAFF) == ""
        await here.chat.until(lambda: claude.count == 2)


async def test_without_rules_for_roles_nobody_is_looked_up(here: Room) -> None:
    answer = await answered(here, by=ADA)
    await here.edit(100, "Tell me more")
    await here.ended(100, "delivered")
    await here.press(Button.RETRY, answer)
    await here.chat.until(lambda: here.claude.count == 3)
    assert here.chat.people_looked_up == 0


@pytest.mark.parametrize(
    ("access", "more", "sentence"),
    [
        ({"denied_users": frozenset({ADA.id})}, {}, NOT_YOU),
        ({"denied_channels": frozenset({"C"})}, {}, NOT_HERE),
        ({"dms": False}, {"direct": True, "mentions_bot": False}, NOT_IN_DMS),
        ({"dms": False}, {"group": True}, NOT_IN_DMS),
    ],
)
async def test_who_may_not_speak_is_told_so_once_a_day_after_a_restart_too(
    tmp_path: Path, claude: SimulatedClaude, access: dict[str, Any], more: dict[str, Any], sentence: str
) -> None:
    for told in ([sentence, "", ""], ["", "", ""]):
        async with room(tmp_path, claude, values=access) as here:
            assert [await here.do(message(n, "Hello", **more)) for n in (100, 100, 101)] == told
            assert here.chat.shown == {}
    assert claude.count == 0


async def test_who_does_not_speak_to_the_bot_is_told_nothing(tmp_path: Path, claude: SimulatedClaude) -> None:
    async with room(tmp_path, claude, values={"denied_users": frozenset({GRACE.id})}) as here:
        await answered(here, by=ADA)
        assert await here.do(message(101, "I think so, too", GRACE, mentions_bot=False)) == ""
        assert await here.do(message(102, "Hello", GRACE)) == NOT_YOU


async def test_a_mention_that_is_added_by_an_edit_is_answered_once(here: Room) -> None:
    await here.say(100, "Is this right?", mentions_bot=False, in_thread=False)
    for _ in range(2):  # a platform may tell it twice
        await here.do(Edited(message(100, "Is this right?", in_thread=False)))
    await here.ended(100, "delivered")
    await here.do(Edited(message(100, "Is this right?", in_thread=False)))
    assert here.claude.count == 1
    assert here.prompt().count("Is this right?") == 1


async def test_a_mention_that_is_added_to_an_old_message_is_not_late(here: Room) -> None:
    await here.do(Edited(message(100, "Is this right?", sent_at_s=1.0)))
    await here.ended(100, "delivered")
    assert here.claude.count == 1


async def test_what_is_edited_and_does_not_mention_the_bot_stays_what_it_was(here: Room) -> None:
    await here.do(Edited(message(99, "Talk before the bot was called", mentions_bot=False)))
    await here.say(100, "Hello")
    await here.ended(100, "delivered")
    await here.do(Edited(message(99, "Talk before", mentions_bot=False)))
    await here.do(Edited(message(100, "Hello")))
    assert here.claude.count == 1


async def test_what_was_deleted_is_not_brought_back_by_an_edit(here: Room) -> None:
    await here.say(100, "Secret")
    await here.ended(100, "delivered")
    await here.delete(100)
    await here.edit(100, "Secret, once more")
    turn = await here.store.turns.find(key("100"))
    assert turn is not None
    assert (turn.asked, turn.questions[0].text, here.claude.count) == ((), "", 1)


async def test_a_deleted_question_is_not_answered_again(here: Room) -> None:
    answer = await answered(here, by=ADA)
    text = here.chat.shown[answer].text
    await here.delete(100)
    assert await here.press(Button.RETRY, answer) == NOTHING_LEFT
    assert (here.chat.shown[answer].text, here.claude.count) == (text, 1)


async def test_where_a_mention_is_needed_in_threads_too_only_who_mentions_the_bot_is_answered(
    tmp_path: Path, claude: SimulatedClaude
) -> None:
    async with room(tmp_path, claude, values={"mention_in_threads": True}) as here:
        await answered(here, by=ADA)
        between = await here.say(101, "I think so, too", GRACE, mentions_bot=False)
        before = [(message(100, "Tell me"), "100"), (between, "101")]
        here.chat.before = [Said(asked.author, asked.text, message_id=number) for asked, number in before]
        await here.say(102, "And what do you think?")
        await here.ended(102, "delivered")
        assert claude.count == 2
        told = str(claude.requests[-1].body["messages"][-1])
        assert ("I think so, too" in told, "Tell me" in told) == (True, False)
        await here.say(103, "A DM needs none", mentions_bot=False, direct=True)
        await here.ended(103, "delivered")


async def test_where_a_mention_is_needed_the_word_stop_needs_none(tmp_path: Path, claude: SimulatedClaude) -> None:
    async with room(tmp_path, claude, values={"mention_in_threads": True}) as here:
        claude.script(HALF)
        await here.say(100, "Tell me")
        await here.chat.until(lambda: any("first half" in text for text in here.chat.texts))
        await here.say(101, "stop", mentions_bot=False)
        await here.ended(100, "stopped")
        await here.ended(101, "stopped")  # and was not put to Claude, too
        assert claude.count == 1
