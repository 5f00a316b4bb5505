"""Slack states its limits only in part: a burst that is too long is refused once, and its length is known then."""

import asyncio
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest

from bot.errors import RateLimited
from bot.events import Incoming
from bot.reply import LiveReply
from bot.simulator.faults import Fault

Connected = Callable[..., AbstractAsyncContextManager[Any]]

BURSTS = {"chat.postMessage": 2, "chat.startStream": 3, "chat.stopStream": 2, "chat.appendStream": 6, "chat.update": 4}


class Parts:
    """A part log that keeps nothing."""

    async def posting(self, *_: object) -> None:
        return

    async def posted(self, *_: object) -> None:
        return


async def answer(scene: Any, question: Any, words: int = 12) -> None:
    surface, idempotency_key = scene.at(question), f"m{question.key.message[-6:]}"
    async with LiveReply(
        surface, scene.platform.pacer, log=Parts(), turn=question.key, idempotency_key=idempotency_key
    ) as reply:
        for number in range(words):
            reply.write(f"word number {number} ")
            await asyncio.sleep(0.02)
        await reply.finish()


async def answers(scene: Any, count: int) -> None:
    questions = [await scene.asked("{bot} hello", scene.slack.add_channel(f"room-{n}-{count}")) for n in range(count)]
    async with asyncio.TaskGroup() as group:
        for question in questions:
            group.create_task(answer(scene, question))


def refused(scene: Any) -> Counter[str]:
    return Counter(call.method for call in scene.slack.api.calls if call.status == 429)


async def test_a_methods_burst_is_refused_once_and_never_again(connected: Connected) -> None:
    async with connected(delivery="auto") as scene:
        for method, calls in BURSTS.items():
            scene.slack.limits.set_burst(method, calls)
        await answers(scene, 6)
        await answers(scene, 5)
        assert refused(scene), "the bursts are too long for Slack"
        assert max(refused(scene).values()) == 1, refused(scene)


async def test_a_reply_whose_stream_cannot_begin_at_once_is_posted_and_edited(connected: Connected) -> None:
    async with connected(delivery="stream") as scene:
        scene.slack.limits.set_burst("chat.startStream", 2)
        await answers(scene, 5)
        posted = Counter(call.method for call in scene.slack.api.calls if call.status == 200)
        assert posted["chat.startStream"] in {1, 2}
        assert posted["chat.startStream"] + posted["chat.postMessage"] == 5
        assert refused(scene)["chat.startStream"] <= 1


async def test_a_refused_start_does_not_keep_the_first_text_back(connected: Connected) -> None:
    async with connected(delivery="stream") as scene:
        scene.slack.faults.add(Fault("chat.startStream", status=429, headers={"Retry-After": "60"}))
        await answers(scene, 1)
        assert [
            call.method for call in scene.slack.api.calls if call.method in {"chat.startStream", "chat.postMessage"}
        ] == [
            "chat.startStream",
            "chat.postMessage",
        ]


async def test_people_who_are_met_all_at_once_are_looked_up_in_turn(connected: Connected) -> None:
    async with connected() as scene:
        scene.slack.limits.set_burst("users.info", 5)
        people = [scene.slack.add_person(f"Ada {number}") for number in range(12)]
        for person in people:
            await scene.say("hello {bot}", who=person)
        for _ in people:
            await scene.heard.next(Incoming)
        assert refused(scene)["users.info"] <= 1


async def test_a_call_whose_turn_is_known_to_come_late_is_told_so_without_being_made(connected: Connected) -> None:
    async with connected() as scene:
        surface = await scene.surface()
        message_id = await surface.post("Text", "m.0")
        for number in range(surface.limits.edits.calls):
            await surface.edit(message_id, f"Text {number}")
        with pytest.raises(RateLimited) as limited:
            await surface.edit(message_id, "One too many")
        assert limited.value.retry_after_s > 10.0
        assert scene.slack.api.limited == 0
