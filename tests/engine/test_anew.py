"""A DM that is one conversation can be begun anew."""

from typing import Any

import pytest
from engine_room import ADA, Room, key, message

from bot.claude import ContextFull
from bot.engine.sentences import ANEW, sentence_for
from bot.events import Button, Incoming, MessageKey, ThreadKey
from bot.simulator.claude import Reply

HERE = {"direct": True, "in_thread": False, "mentions_bot": False, "thread": "C"}


async def say(here: Room, number: int, text: str) -> None:
    await here.say(number, text, **HERE)
    await here.ended(number, "delivered")


@pytest.mark.parametrize("word", ["/new", " /NEW "])
async def test_the_word_begins_a_conversation_anew_and_says_so(here: Room, word: str) -> None:
    await say(here, 100, "My name is Ada")
    await say(here, 101, word)
    assert ANEW in here.chat.lines[-1]
    assert list(here.chat.shown.values())[-1].buttons == ()
    await say(here, 102, "What is my name?")
    assert here.claude.count == 2
    assert "My name is Ada" not in here.prompt()
    await say(here, 103, "And now?")
    assert "What is my name?" in here.prompt()


async def test_what_is_said_along_with_it_belongs_to_the_new_conversation(here: Room) -> None:
    await say(here, 100, "My name is Ada")
    here.claude.script(Reply(pieces=["Half of it,", " and more."], stall_after=1))
    await here.say(101, "Tell me a story", **HERE)
    await here.chat.until(lambda: any("Half of it" in text for text in here.chat.texts))
    await here.say(102, "/new", **HERE)
    await here.say(103, "What is my name?", **HERE)
    await here.press(Button.STOP, "101", ADA)
    await here.ended(103, "delivered")
    assert "My name is Ada" not in here.prompt()
    assert "/new" not in here.prompt()
    turn = await here.store.turns.find(key("102"))
    assert turn is not None
    assert turn.state == "delivered"


async def test_elsewhere_the_word_is_a_word(here: Room) -> None:
    for number, more in ((100, {}), (101, {**HERE, "thread": "T"})):
        await here.say(number, "/new", **more)
        await here.ended(number, "delivered")
        assert "/new" in here.prompt()


def test_where_a_conversation_is_full_the_word_is_explained() -> None:
    full = ContextFull("too long")
    assert sentence_for(full, endless=True).endswith("please write /new to begin a new one.")
    assert sentence_for(full).endswith("please start a new one.")


@pytest.mark.parametrize(("where", "says"), [(HERE, "write /new to begin a new one"), ({}, "start a new one")])
async def test_so_it_is_below_an_answer_that_ends_because_the_conversation_is_full(
    here: Room, where: dict[str, Any], says: str
) -> None:
    here.claude.script(Reply(text="As far as it goes", stop_reason="model_context_window_exceeded"))
    await here.say(100, "Go on", **where)
    await here.ended(100, "delivered")
    assert here.chat.lines[-1].rstrip("*_").endswith(f"Please {says}.")


def test_a_dm_of_threads_is_not_endless() -> None:
    def dm(thread: str) -> Incoming:
        where = MessageKey("p", "W", "D", "1"), ThreadKey("p", "W", "D", thread)
        return Incoming(*where, ADA, "hi", direct=True)

    assert (dm("D").is_endless, dm("1").is_endless, message(1, "hi").is_endless) == (True, False, False)
