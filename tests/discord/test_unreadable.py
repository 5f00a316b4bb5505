"""What Discord sends is not always what it documents: nobody but who wrote it notices."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
import structlog
from odd import oddities

from bot.errors import PlatformError
from bot.events import Deleted, Edited, Incoming, Pressed
from bot.simulator.faults import Fault

Connected = Callable[..., AbstractAsyncContextManager[Any]]
POST = "POST /channels/*/messages"


async def say(scene: Any) -> None:
    await scene.discord.say(scene.ann, scene.channel, "hello", reply_to=scene.first)


async def edit(scene: Any) -> None:
    await scene.discord.edit(scene.ann, scene.first, f"{scene.number}")


async def delete(scene: Any) -> None:
    await scene.discord.delete((await scene.discord.say(scene.ann, scene.channel, "wrong")).id)


async def react(scene: Any) -> None:
    message = await scene.discord.say(scene.ann, scene.channel, "look")
    await scene.discord.react(scene.ben, message.id, "❌")


async def open_thread(scene: Any) -> None:
    await scene.discord.open_thread(scene.ann, scene.channel, "Talk")


async def outage(scene: Any) -> None:
    scene.discord.gateway.begin_outage(scene.guild)
    scene.discord.gateway.end_outage(scene.guild)


HANDS: dict[str, Callable[[Any], Awaitable[None]]] = {
    "MESSAGE_CREATE": say,
    "MESSAGE_UPDATE": edit,
    "MESSAGE_DELETE": delete,
    "MESSAGE_REACTION_ADD": react,
    "THREAD_CREATE": open_thread,
    "GUILD_CREATE": outage,
    "GUILD_DELETE": outage,
}


@pytest.mark.parametrize("event", HANDS)
async def test_whatever_is_odd_about_an_event_the_next_question_is_heard(connected: Connected, event: str) -> None:
    async with connected(limits=False) as scene:
        scene.first, scene.number = (await scene.discord.say(scene.ben, scene.channel, "first")).id, 0
        if event == "MESSAGE_UPDATE":
            scene.first = (await scene.discord.say(scene.ann, scene.channel, "first")).id
        await scene.heard.next()
        seen: list[Any] = []
        scene.discord.gateway.garble(event, lambda data: seen.append(data) or data)
        await HANDS[event](scene)
        for name, change in list(oddities(seen[0])):
            scene.number += 1
            scene.discord.gateway.garble(event, change)
            await HANDS[event](scene)
            assert not scene.running.done(), name
        dm = scene.discord.dm(scene.ben)
        await scene.discord.say(scene.ben, dm, "Are you still there?")
        async with asyncio.timeout(120):
            while not (isinstance(heard := await scene.heard.next_of_any(), Incoming) and heard.direct):
                assert isinstance(heard, Incoming | Edited | Deleted | Pressed)
        assert heard.text == "Are you still there?"
        assert scene.discord.gateway.identifies == 1


async def test_an_event_that_cannot_be_read_is_logged_with_its_keys_and_types_and_nothing_else(
    connected: Connected,
) -> None:
    async with connected() as scene:
        with structlog.testing.capture_logs() as lines:
            scene.discord.gateway.garble("MESSAGE_CREATE", lambda data: {**data, "author": "secret"})
            await scene.discord.say(scene.ann, scene.channel, "nobody's business")
            await scene.asked()
        [line] = [line for line in lines if line["event"] == "discord_event_unreadable"]
        assert line["kind"] == "MESSAGE_CREATE"
        assert line["shape"]["author"] == "str"
        assert line["shape"]["content"] == "str"
        assert "secret" not in str(line)
        assert "business" not in str(line)


async def test_a_session_that_begins_unreadably_is_begun_anew(connected: Connected) -> None:
    async with connected() as scene:
        for change in (lambda data: {**data, "user": None}, lambda data: {"v": data["v"]}, lambda _: None):
            scene.discord.gateway.garble("READY", change)
            await scene.discord.gateway.drop(resumable=False)
            await scene.discord.gateway.ready()
        await scene.asked()


@pytest.mark.parametrize("change", [lambda _: None, lambda _: [], lambda _: "yes"])
async def test_an_odd_answer_to_resuming_begins_a_new_session(connected: Connected, change: Any) -> None:
    async with connected() as scene:
        scene.discord.gateway.garble("RESUMED", change)
        await scene.discord.gateway.drop()
        await scene.discord.gateway.ready()
        await scene.asked()


async def test_whatever_is_odd_about_a_posts_answer_the_message_is_there_once(connected: Connected) -> None:
    async with connected(limits=False) as scene:
        dm = scene.discord.dm(scene.ann)
        question = await scene.asked("hello", dm)
        seen: list[Any] = []
        scene.discord.faults.add(Fault(POST, change=lambda data: seen.append(data) or data))
        await scene.at(question).post("Text.", "first.0")
        for number, (name, change) in enumerate(oddities(seen[0])):
            surface, idempotency_key = scene.at(question), f"odd{number}"
            scene.discord.faults.add(Fault(POST, change=change))
            before = len(scene.discord.messages(dm))
            try:
                posted = await surface.post("Text.", idempotency_key)
            except PlatformError:
                posted = await surface.post("Text.", idempotency_key)
            assert len(scene.discord.messages(dm)) == before + 1, name
            assert name.startswith("id") or posted == scene.discord.messages(dm)[-1].id, name
            await surface.edit(posted, "Edited.") if posted == scene.discord.messages(dm)[-1].id else None


async def test_whatever_is_odd_about_an_edits_answer_the_text_is_there(connected: Connected) -> None:
    async with connected(limits=False) as scene:
        question = await scene.asked("hello", scene.discord.dm(scene.ann))
        surface = scene.at(question)
        posted = await surface.post("Text.", "mark.0")
        seen: list[Any] = []
        scene.discord.faults.add(Fault("PATCH *", change=lambda data: seen.append(data) or data))
        await surface.edit(posted, "Edited.")
        for number, (_, change) in enumerate(oddities(seen[0])):
            scene.discord.faults.add(Fault("PATCH *", change=change))
            await surface.edit(posted, f"Edited {number}.")
            assert scene.discord.messages(question.key.channel)[-1].content == f"Edited {number}."


async def test_of_a_history_the_messages_that_can_be_read_are_context(connected: Connected) -> None:
    async with connected(limits=False) as scene:
        thread = await scene.discord.open_thread(scene.ann, scene.channel, "Talk")
        await scene.discord.say(scene.ben, thread, "before")
        await scene.discord.say(scene.ben, thread, "odd")
        for _ in range(2):
            await scene.heard.next()
        question = await scene.asked("{bot} what?", thread)
        surface = scene.at(question)
        seen: list[Any] = []
        call = f"GET /channels/{thread}/messages"
        scene.discord.faults.add(Fault(call, change=lambda data: seen.append(data) or data))
        assert [said.text for said in (await surface.earlier(question, 10)).said][-2:] == ["before", "odd"]
        for name, change in list(oddities(seen[0][0])):
            odd: Any = lambda page, change=change: [change(page[0]), *page[1:]]  # noqa: E731
            scene.discord.faults.add(Fault(call, change=odd))
            told = [said.text for said in (await surface.earlier(question, 10)).said]
            assert "before" in told, name
        for answer in ({}, None, "nothing", [None], [[]], 7):
            scene.discord.faults.add(Fault(call, change=lambda _, answer=answer: answer))
            await surface.earlier(question, 10)


async def test_a_question_looked_up_is_itself_or_cannot_be_told(connected: Connected) -> None:
    async with connected(limits=False) as scene:
        question = await scene.asked("{bot} what?")
        seen: list[Any] = []
        call = "GET /channels/*/messages/*"
        scene.discord.faults.add(Fault(call, change=lambda data: seen.append(data) or data))
        await scene.platform.current(question)
        for _, change in list(oddities(seen[0])):
            scene.discord.faults.add(Fault(call, change=change))
            try:
                now = await scene.platform.current(question)
            except PlatformError:
                continue
            assert now is not None
