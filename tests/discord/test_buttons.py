"""Buttons below an answer, and what a press on one does."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest

from bot.events import Button, MessageKey, Pressed
from bot.simulator.faults import Fault

Connected = Callable[..., AbstractAsyncContextManager[Any]]

STOP, RETRY, CONTINUE = Button.STOP, Button.RETRY, Button.CONTINUE
PATCH = "PATCH"


def shown(scene: Any, channel: str) -> list[list[str]]:
    return [message.buttons for message in scene.discord.messages(channel)]


def edits(scene: Any) -> list[Any]:
    return [call.body for call in scene.discord.rest.calls if call.method == PATCH]


async def test_an_answer_shows_the_buttons_it_was_given_and_then_others(connected: Connected) -> None:
    async with connected() as scene:
        question = await scene.asked()
        surface = scene.at(question)
        message_id = await surface.post("Half", "mark.0", buttons=[STOP], growing=True)
        assert shown(scene, question.key.message) == [["Stop"]]
        await surface.edit(message_id, "Half of", buttons=[STOP], growing=True)
        await surface.edit(message_id, "Half of it.", buttons=[RETRY, CONTINUE])
        assert shown(scene, question.key.message) == [["Retry", "Continue"]]
        await surface.edit(message_id, "All of it.")
        await surface.edit(message_id, "All of it, again.")
        [message] = scene.discord.messages(question.key.message)
        assert (message.content, message.buttons) == ("All of it, again.", [])
        assert ["components" in body for body in edits(scene)] == [False, True, True, False]
        assert "parley:stop" in str(scene.discord.rest.calls)


async def test_an_answer_without_buttons_does_not_speak_of_them(connected: Connected) -> None:
    async with connected() as scene:
        surface = scene.at(await scene.asked())
        await surface.edit(await surface.post("One.", "mark.0"), "One https://example.org")
        [body] = edits(scene)
        assert not {"components", "flags", "attachments"} & set(body)


async def test_links_stay_without_previews_when_buttons_go(connected: Connected) -> None:
    async with connected() as scene:
        question = await scene.asked()
        surface = scene.at(question)
        message_id = await surface.post("https://example.org/1", "mark.0", buttons=[STOP])
        await surface.edit(message_id, "https://example.org/2")
        [message] = scene.discord.messages(question.key.message)
        assert (message.previewed, message.buttons) == (set(), [])


async def test_buttons_of_an_earlier_process_are_taken_away(connected: Connected) -> None:
    async with connected() as scene:
        question = await scene.asked()
        message_id = await scene.at(question).post("Half", "mark.0", buttons=[STOP])
        await scene.at(question).edit(message_id, "Whole.")
        assert shown(scene, question.key.message) == [[]]


async def test_a_found_message_gets_the_buttons(connected: Connected) -> None:
    async with connected() as scene:
        question = await scene.asked()
        first = await scene.at(question).post("Half", "old.0", buttons=[STOP])
        assert await scene.at(question).post("Half", "new.0", buttons=[RETRY], may_exist=True) == first
        assert await scene.at(question).post("Half", "new.0", may_exist=True) == first
        assert shown(scene, question.key.message) == [[]]


async def test_after_an_edit_of_unknown_outcome_the_buttons_are_sent_again(connected: Connected) -> None:
    async with connected() as scene:
        question = await scene.asked()
        surface = scene.at(question)
        message_id = await surface.post("Half", "mark.0", buttons=[STOP])
        scene.discord.faults.add(Fault("PATCH /channels/*", status=403))
        with pytest.raises(Exception, match="does not allow"):
            await surface.edit(message_id, "Whole.")
        await surface.edit(message_id, "Whole.", buttons=[STOP])
        assert "components" in edits(scene)[-1]


async def test_a_press_is_heard_and_its_sentence_shown_to_the_presser_alone(connected: Connected) -> None:
    async with connected() as scene:
        question = await scene.asked()
        message_id = await scene.at(question).post("Half", "mark.0", buttons=[STOP])
        scene.heard.sentence = "Only Ann can stop this answer. @everyone"
        assert await scene.discord.press(scene.ben, message_id, "Stop") == scene.heard.sentence
        pressed = await scene.heard.next(Pressed)
        assert pressed.message == MessageKey("discord", scene.guild, question.key.message, message_id)
        assert pressed.button is STOP
        assert (pressed.person.id, pressed.person.name, pressed.person.moderator) == (scene.ben.id, "Ben", False)
        assert [message.content for message in scene.discord.messages(question.key.message)] == ["Half"]


async def test_a_press_with_nothing_to_say_shows_nothing(connected: Connected) -> None:
    async with connected() as scene:
        question = await scene.asked()
        message_id = await scene.at(question).post("Cut", "mark.0", buttons=[CONTINUE])
        assert await scene.discord.press(scene.ann, message_id, "Continue", wait_s=0.05) == ""
        assert (await scene.heard.next(Pressed)).button is CONTINUE


async def test_a_press_works_in_a_dm_and_after_a_restart(connected: Connected, restarted: Any) -> None:
    async with connected() as scene:
        dm = scene.discord.dm(scene.ann)
        message_id = await scene.at(await scene.asked("hi", dm)).post("Cut", "mark.0", buttons=[RETRY])
        async with restarted(scene) as later:
            await scene.discord.press(scene.ann, message_id, "Retry", wait_s=0.05)
            pressed = await later.heard.next(Pressed)
            assert pressed.message == MessageKey("discord", "@me", dm, message_id)
            assert (pressed.person.id, pressed.person.name, pressed.person.moderator) == (scene.ann.id, "Ann", True)


async def test_a_press_is_acknowledged_though_hearing_takes_long(connected: Connected) -> None:
    """The presser would see "This interaction failed" after three seconds; the channel's messages wait meanwhile."""
    async with connected() as scene:
        question = await scene.asked("{bot} hello")
        message_id = await scene.at(question).post("Half", "mark.0", buttons=[STOP])
        scene.heard.held["slow"] = asyncio.Event()
        await scene.discord.say(scene.ann, question.key.message, "slow")
        await scene.discord.press(scene.ann, message_id, "Stop", wait_s=0.05)
        assert (await scene.heard.next(Pressed)).button is STOP
        scene.heard.held["slow"].set()
        assert (await scene.heard.next()).text == "slow"


async def test_a_press_that_cannot_be_acknowledged_is_heard_all_the_same(connected: Connected) -> None:
    async with connected() as scene:
        question = await scene.asked()
        message_id = await scene.at(question).post("Half", "mark.0", buttons=[STOP])
        scene.discord.faults.add(Fault("POST /interactions/*", status=404))
        pressing = asyncio.create_task(scene.discord.press(scene.ann, message_id, "Stop"))
        assert (await scene.heard.next(Pressed)).button is STOP
        pressing.cancel()
        await asyncio.gather(pressing, return_exceptions=True)


async def test_who_pressed_is_told_when_it_was_not_heard(connected: Connected) -> None:
    async with connected() as scene:
        question = await scene.asked()
        message_id = await scene.at(question).post("Half", "mark.0", buttons=[STOP])
        scene.heard.fail_with = [OSError("disk full")]
        assert "press again" in await scene.discord.press(scene.ann, message_id, "Stop")
        await scene.discord.press(scene.ann, message_id, "Stop", wait_s=0.05)
        await scene.heard.next(Pressed)


async def test_a_moderator_is_known_by_what_the_place_allows(connected: Connected) -> None:
    async with connected() as scene:
        question = await scene.asked()
        message_id = await scene.at(question).post("Half", "mark.0", buttons=[STOP])
        await scene.discord.say(scene.ben, scene.channel, "as a member")
        assert not (await scene.heard.next()).author.moderator
        scene.discord.promote(scene.ben, scene.guild)
        await scene.discord.say(scene.ben, scene.channel, "as a moderator")
        assert (await scene.heard.next()).author.moderator
        await scene.discord.say(scene.ben, question.key.message, "in a thread")
        assert (await scene.heard.next()).author.moderator
        await scene.discord.press(scene.ben, message_id, "Stop", wait_s=0.05)
        assert (await scene.heard.next(Pressed)).person.moderator
        await scene.discord.react(scene.ben, message_id, "❌")
        assert (await scene.heard.next(Pressed)).person.moderator


async def test_a_cross_stops_an_answer_and_a_question(connected: Connected) -> None:
    async with connected() as scene:
        question = await scene.asked()
        message_id = await scene.at(question).post("Half", "mark.0")
        await scene.discord.react(scene.ben, message_id, "👍")
        await scene.discord.react(scene.ben, message_id, "❌")
        await scene.discord.react(scene.ann, question.key.message, "❌")
        on_answer, on_question = await scene.heard.next(Pressed), await scene.heard.next(Pressed)
        assert on_answer.message == MessageKey("discord", scene.guild, question.key.message, message_id)
        assert (on_answer.button, on_answer.person.id, on_answer.person.moderator) == (STOP, scene.ben.id, False)
        assert (on_question.message, on_question.person.id) == (question.key, scene.ann.id)


async def test_a_cross_in_a_dm_is_the_persons(connected: Connected) -> None:
    async with connected() as scene:
        question = await scene.asked("hi", scene.discord.dm(scene.ann))
        await scene.discord.react(scene.ann, question.key.message, "❌")
        pressed = await scene.heard.next(Pressed)
        assert (pressed.message, pressed.person.id, pressed.person.moderator) == (question.key, scene.ann.id, True)


async def test_the_crosses_of_bots_mean_nothing(connected: Connected) -> None:
    async with connected() as scene:
        robot = scene.discord.add_person("Robot", guild=scene.guild, bot=True)
        question = await scene.asked()
        await scene.discord.react(robot, question.key.message, "❌")
        assert (await scene.asked("next")).text == "next"


async def test_a_file_is_a_message_of_its_own(connected: Connected) -> None:
    async with connected() as scene:
        question = await scene.asked()
        surface = scene.at(question)
        await surface.post("The first page.", "mark.0")
        message_id = await surface.attach("answer.md", b"# All", "mark.1")
        assert await surface.attach("answer.md", b"# All", "mark.1") == message_id
        assert await scene.at(question).attach("answer.md", b"# All", "mark.1") == message_id
        _, message = scene.discord.messages(question.key.message)
        [file] = message.attachments
        assert (message.id, message.content, file.name, file.data) == (message_id, "", "answer.md", b"# All")
        assert message.pinged == set()


@pytest.mark.parametrize("drop", [True, False])
async def test_a_file_of_unknown_outcome_is_posted_once(connected: Connected, drop: bool) -> None:
    async with connected() as scene:
        question = await scene.asked()
        surface = scene.at(question)
        await surface.post("The first page.", "mark.0")
        scene.discord.faults.add(Fault("POST /channels/*/messages", status=503, drop=drop, after=True))
        with pytest.raises(Exception, match="cannot be reached"):
            await surface.attach("answer.md", b"# All", "mark.1")
        later = scene.at(question)
        message_id = await later.attach("answer.md", b"# All", "another.1", may_exist=True)
        assert [message.id for message in scene.discord.messages(question.key.message)][1:] == [message_id]


async def test_a_message_is_deleted_once_and_nobody_minds_the_second_time(connected: Connected) -> None:
    async with connected() as scene:
        question = await scene.asked()
        surface = scene.at(question)
        message_id = await surface.post("Wrong.", "mark.0")
        await surface.delete(message_id)
        await surface.delete(message_id)
        assert scene.discord.messages(question.key.message) == []
