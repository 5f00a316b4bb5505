"""What a turn ran with is remembered with it, whatever the settings say later."""

from pathlib import Path

from engine_room import Chat, Room, key, room

from bot.events import Button, Outcome
from bot.places import Table, Where
from bot.simulator.claude import Reply, SimulatedClaude

LONG = "\n\n".join(f"Paragraph {number}: " + "word " * 150 for number in range(12))


async def outcome_of(here: Room, number: int) -> Outcome:
    turn = await here.store.turns.find(key(str(number)))
    assert turn is not None
    assert turn.outcome is not None
    return turn.outcome


async def test_it_stays_known_after_a_restart_with_other_settings(tmp_path: Path, claude: SimulatedClaude) -> None:
    table = Table(Where(channel="C"), {"model": "claude-haiku-5-5", "system": "Be kind."}, "place[1]")
    async with room(tmp_path, claude, tables=[table]) as here:
        await here.say(100, "Hello")
        await here.ended(100, "delivered")
        before = await outcome_of(here, 100)
    async with room(tmp_path, claude, values={"answer_pages": 3}) as here:
        await here.say(101, "Hello again")
        await here.ended(101, "delivered")
        assert (await outcome_of(here, 100)).ran_with == before.ran_with
        now = await outcome_of(here, 101)
    assert (before.ran_with["model"], before.ran_with["answer_pages"]) == ("claude-haiku-5-5", 8)
    assert (now.ran_with["model"], now.ran_with["answer_pages"]) == ("claude-sonnet-5-5", 3)
    assert before.ran_with["system_sha256"]
    assert not now.ran_with["system_sha256"]
    assert "Be kind." not in str(before)


async def test_what_was_stopped_is_remembered_with_it_too(here: Room) -> None:
    here.claude.script(Reply(pieces=["The first half, and", " the second."], stall_after=1))
    await here.say(100, "Tell me")
    await here.chat.until(lambda: any("first half" in text for text in here.chat.texts))
    await here.press(Button.STOP, next(iter(here.chat.shown)))
    await here.ended(100, "stopped")
    assert (await outcome_of(here, 100)).ran_with["model"] == "claude-sonnet-5-5"


async def test_a_recorded_answer_keeps_its_pages_when_others_may_have_fewer(
    tmp_path: Path, claude: SimulatedClaude
) -> None:
    chat = Chat()
    claude.script(Reply(text=LONG))
    async with room(tmp_path, claude, chat) as here:
        chat.shows_nothing = True
        await here.say(100, "Everything, please")
        await here.ended(100, "answered")
    chat.shows_nothing = False
    async with room(tmp_path, claude, chat, values={"answer_pages": 1}) as here:
        await here.ended(100, "delivered")
    assert len(chat.shown) > 3
    assert all(message.file is None for message in chat.shown.values())


async def test_who_asks_again_is_answered_with_what_holds_now(tmp_path: Path, claude: SimulatedClaude) -> None:
    chat = Chat()
    async with room(tmp_path, claude, chat) as here:
        await here.say(100, "Hello")
        await here.ended(100, "delivered")
    async with room(tmp_path, claude, chat, values={"model": "claude-haiku-5-5"}) as here:
        await here.press(Button.RETRY, next(iter(chat.shown)))
        await chat.until(lambda: claude.count == 2)
        await here.ended(100, "delivered")
        assert claude.requests[-1].body["model"] == "claude-haiku-5-5"
        assert (await outcome_of(here, 100)).ran_with["model"] == "claude-haiku-5-5"
