"""What Slack sends is not always what it documents: nobody but who wrote it notices."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Any

import pytest
import structlog
from odd import oddities

from bot.errors import PlatformError
from bot.events import Incoming
from bot.simulator.faults import Fault

Connected = Callable[..., AbstractAsyncContextManager[Any]]


async def say(scene: Any) -> None:
    await scene.slack.say(scene.ann, scene.channel, f"{scene.slack.app.mention} hello", thread=scene.root)


async def edit(scene: Any) -> None:
    scene.number += 1
    await scene.slack.edit(scene.ann, scene.channel, scene.root, f"hello {scene.number}")


async def delete(scene: Any) -> None:
    await scene.slack.delete(scene.channel, (await scene.slack.say(scene.ann, scene.channel, "wrong")).ts)


async def react(scene: Any) -> None:
    message = await scene.slack.say(scene.ann, scene.channel, "look")
    await scene.slack.react(scene.ann, scene.channel, message.ts, "x")


HANDS: dict[str, tuple[str, Callable[[Any], Awaitable[None]]]] = {
    "message": ("message", say),
    "app_mention": ("app_mention", say),
    "edit": ("message", edit),
    "deletion": ("message", delete),
    "reaction_added": ("reaction_added", react),
}


@pytest.mark.parametrize("hand", HANDS)
async def test_whatever_is_odd_about_an_event_the_next_question_is_heard(connected: Connected, hand: str) -> None:
    kind, do = HANDS[hand]
    async with connected(limits=False) as scene:
        scene.number, scene.root = 0, (await scene.slack.say(scene.ann, scene.channel, "first")).ts
        skip = 1 if hand == "deletion" else 0
        seen: list[Any] = []
        scene.slack.events.garble(kind, lambda payload: seen.append(payload) or payload, skip=skip)
        await do(scene)
        for name, change in list(oddities(seen[0]["event"])):
            odd: Any = lambda payload, change=change: {**payload, "event": change(payload["event"])}  # noqa: E731
            scene.slack.events.garble(kind, odd, skip=skip)
            await do(scene)
            assert not scene.running.done(), name
        for _, change in list(oddities({name: value for name, value in seen[0].items() if name != "event"})):
            scene.slack.events.garble(kind, change, skip=skip)
            await do(scene)
        dm = scene.slack.dm(scene.ben)
        await scene.slack.say(scene.ben, dm, "Are you still there?")
        while (heard := await scene.heard.next(Incoming)).text != "Are you still there?":
            pass
        assert heard.direct


async def test_an_event_that_cannot_be_read_is_logged_with_its_keys_and_types_and_nothing_else(
    connected: Connected,
) -> None:
    async with connected() as scene:
        with structlog.testing.capture_logs() as lines:
            scene.slack.events.garble("message", lambda it: {**it, "event": {**it["event"], "blocks": "secret"}})
            await scene.slack.say(scene.ann, scene.channel, "nobody's business")
            await scene.slack.events.settled()
        told = [line for line in lines if line["event"] == "slack_event_unreadable"]  # each time that Slack sends it
        assert {line["shape"]["event"]["blocks"] for line in told} == {"str"}
        assert "secret" not in str(told)
        assert "business" not in str(told)


def with_second(change: Callable[[Any], Any], body: dict[str, Any]) -> dict[str, Any]:
    first, second, *others = body["messages"]
    return {**body, "messages": [first, change(dict(second)), *others]}


@pytest.mark.parametrize("method", ["users.info", "conversations.info"])
async def test_whatever_is_odd_about_a_look_up_the_question_is_heard(connected: Connected, method: str) -> None:
    async with connected(limits=False) as scene:
        seen: list[Any] = []
        scene.slack.faults.add(Fault(method, change=lambda body: seen.append(body) or body))
        await scene.slack.say(scene.ann, scene.channel, f"{scene.slack.app.mention} hello")
        await scene.heard.next(Incoming)
        for number, (_, change) in enumerate(oddities(seen[0] if seen else {})):
            scene.slack.faults.clear()
            scene.slack.faults.add(Fault(method, change=change))
            person = scene.slack.add_person(f"Person {number}")
            await scene.slack.say(person, scene.channel, f"{scene.slack.app.mention} hello {number}")
            while not (await scene.heard.next(Incoming)).text.endswith(f"hello {number}"):
                pass


async def test_whatever_is_odd_about_a_posts_answer_the_message_is_there_once(connected: Connected) -> None:
    async with connected(limits=False) as scene:
        await scene.slack.say(scene.ann, scene.channel, f"{scene.slack.app.mention} hello")
        question = await scene.heard.next(Incoming)
        seen: list[Any] = []
        scene.slack.faults.add(Fault("chat.postMessage", change=lambda body: seen.append(body) or body))
        await scene.at(question).post("Text.", "first.0")
        for number, (name, change) in enumerate(oddities({"ok": True, "ts": "1.0", "channel": "C"})):
            scene.slack.faults.add(Fault("chat.postMessage", change=change))
            before = len(scene.own(question.thread.thread))
            try:
                await scene.at(question).post("Text.", f"odd.{number}")
            except PlatformError:
                assert name.startswith(("ok", "all"))
            assert len(scene.own(question.thread.thread)) == before + 1, name


async def test_of_a_thread_the_messages_that_can_be_read_are_context(connected: Connected) -> None:
    async with connected(limits=False) as scene:
        root = await scene.slack.say(scene.ann, scene.channel, "before")
        await scene.slack.say(scene.ben, scene.channel, "odd", thread=root.ts)
        await scene.slack.say(scene.ann, scene.channel, f"{scene.slack.app.mention} what?", thread=root.ts)
        while not (question := await scene.heard.next(Incoming)).mentions_bot:
            pass
        surface = scene.at(question)
        seen: list[Any] = []
        call = "conversations.replies"
        scene.slack.faults.add(Fault(call, change=lambda body: seen.append(body) or body))
        assert [said.text for said in (await surface.earlier(question, 10)).said] == ["before", "odd"]
        for name, change in list(oddities(seen[0]["messages"][1])):
            odd = partial(with_second, change)
            scene.slack.faults.add(Fault(call, change=odd))
            assert "before" in [said.text for said in (await surface.earlier(question, 10)).said], name
            scene.slack.faults.add(Fault(call, change=odd))
            try:
                await scene.platform.current(question)
            except PlatformError:
                continue
        for _, change in list(oddities({name: seen[0][name] for name in seen[0] if name != "messages"})):
            scene.slack.faults.add(Fault(call, change=change))
            await surface.earlier(question, 10)


@pytest.mark.parametrize("method", ["auth.test", "apps.connections.open"])
async def test_an_odd_answer_while_it_connects_ends_nothing(connected: Connected, method: str) -> None:
    async with connected(limits=False) as scene:
        for change in (lambda _: {"ok": True}, lambda _: {"ok": True, "url": 7, "user_id": [], "bot_id": {}}):
            scene.slack.faults.add(Fault(method, change=change))
            await scene.slack.sockets.refresh_all()
            await scene.slack.sockets.ready()
        await scene.slack.say(scene.ann, scene.channel, f"{scene.slack.app.mention} hello")
        assert (await scene.heard.next(Incoming)).mentions_bot
