"""Discord's rate limits: learned from its answers, kept, and told at once where they are reached."""

import asyncio
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
from loop_clock import time_passes

from bot.errors import RateLimited, Unreachable
from bot.events import Budget
from bot.reply.pacing.pace import Backlog
from bot.reply.pacing.pacer import CallClaim, Pacer
from bot.simulator.faults import Fault

Connected = Callable[..., AbstractAsyncContextManager[Any]]

POST, PATCH = "POST /channels/*/messages", "PATCH /channels/*/messages/{message}"


def now_s() -> float:
    return asyncio.get_running_loop().time()


async def test_five_in_five_seconds_until_an_answer_tells(connected: Connected) -> None:
    async with connected() as scene:
        limits = scene.at(await scene.asked("hi", scene.discord.dm(scene.ann))).limits
        assert (limits.posts.calls, limits.posts.per_s) == (limits.edits.calls, limits.edits.per_s) == (5, 5.0)


async def test_a_places_limits_are_what_its_answers_told(connected: Connected) -> None:
    async with connected() as scene:
        scene.discord.limits.set(PATCH, 2, 1.5)
        scene.discord.limits.set(POST, 7, 3.0)
        question = await scene.asked()
        surface = scene.at(question)
        await surface.edit(await surface.post("One.", "mark.0"), "Two.")
        place = question.key.message
        assert surface.limits.edits == Budget(f"discord:{place}:edit", 2, 1.5)
        assert surface.limits.posts == Budget(f"discord:{place}:post", 7, 3.0)
        elsewhere = scene.at(await scene.asked("hi", scene.discord.dm(scene.ann))).limits
        assert (elsewhere.edits.calls, elsewhere.posts.per_s) == (2, 3.0)


@pytest.mark.parametrize("per_s", [200.0, 700.0])
async def test_a_limit_that_changes_is_learned_anew(connected: Connected, per_s: float) -> None:
    async with connected() as scene:
        scene.discord.limits.set(PATCH, 9, 400.0)
        surface = scene.at(await scene.asked())
        message_id = await surface.post("One.", "mark.0")
        await surface.edit(message_id, "Two.")
        await surface.edit(message_id, "Three.")
        scene.discord.limits.set(PATCH, 4, per_s)
        await surface.edit(message_id, "Four.")
        assert surface.limits.edits.calls == 4
        time_passes(per_s)  # the next window: only its first call tells how long it is
        for number in range(4):
            await surface.edit(message_id, str(number))
        assert (surface.limits.edits.calls, surface.limits.edits.per_s) == (4, per_s)
        with pytest.raises(RateLimited) as caught:
            await surface.edit(message_id, "one too many")
        assert caught.value.retry_after_s <= per_s
        assert scene.discord.rest.limited == 0


async def test_the_call_that_uses_a_limit_up_returns_at_once(connected: Connected) -> None:
    """discord.py alone would hold it back until the next window opens, here ten minutes later."""
    async with connected() as scene:
        scene.discord.limits.set(PATCH, 5, 600.0)
        surface = scene.at(await scene.asked())
        message_id = await surface.post("0", "mark.0")
        async with asyncio.timeout(120):
            for number in range(1, 6):
                await surface.edit(message_id, str(number))
        with pytest.raises(RateLimited) as caught:
            await surface.edit(message_id, "6")
        assert 300.0 < caught.value.retry_after_s < 600.1
        assert scene.discord.rest.limited == 0


async def test_after_the_wait_that_was_told_the_next_call_goes_through(connected: Connected) -> None:
    async with connected() as scene:
        scene.discord.limits.set(PATCH, 1, 200.0)
        surface = scene.at(await scene.asked())
        message_id = await surface.post("0", "mark.0")
        for number in range(3):
            await surface.edit(message_id, str(number))
            with pytest.raises(RateLimited) as caught:
                await surface.edit(message_id, "one too many")
            time_passes(caught.value.retry_after_s)
        assert scene.discord.rest.limited == 0


async def test_a_refusal_is_told_with_its_time_and_not_slept_through(connected: Connected) -> None:
    async with connected() as scene:
        surface = scene.at(await scene.asked())
        await surface.post("Zero.", "mark.0")
        body = {"message": "You are being rate limited.", "retry_after": 7.25, "global": False}
        scene.discord.faults.add(Fault("POST /channels/*/messages", status=429, body=body))
        with pytest.raises(RateLimited) as caught:
            await surface.post("One.", "mark.1")
        assert caught.value.retry_after_s == 7.25
        await surface.post("One.", "mark.1")  # a limit inside a bucket says nothing about the bucket


@pytest.mark.parametrize("scope", ["global", "cloudflare"])
async def test_a_limit_of_all_calls_is_kept_by_all(connected: Connected, scope: str) -> None:
    async with connected() as scene:
        surface = scene.at(await scene.asked())
        other = scene.at(await scene.asked("hi", scene.discord.dm(scene.ann)))
        message_id = await surface.post("Zero.", "mark.0")
        scene.discord.limits.block(400.0, scope=scope)
        with pytest.raises(RateLimited) as first:
            await surface.edit(message_id, "One.")
        with pytest.raises(RateLimited):
            await other.post("One.", "mark.0")
        assert scene.discord.rest.limited == 1
        time_passes(first.value.retry_after_s)
        await other.post("One.", "mark.0")


async def test_a_call_given_up_in_a_limit_of_all_calls_does_not_stop_the_others(connected: Connected) -> None:
    async with connected() as scene:
        question = await scene.asked("hi", scene.discord.dm(scene.ann))
        surface = scene.at(question)
        scene.discord.limits.block(300.0)
        reading = asyncio.create_task(surface.earlier(question, 5))
        with pytest.raises(RateLimited) as caught:
            await surface.post("One.", "mark.0")
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        time_passes(caught.value.retry_after_s)
        await surface.post("One.", "mark.0")


async def test_reading_waits_for_its_turn(connected: Connected) -> None:
    async with connected() as scene:
        for text in ("one", "two", "three"):
            await scene.discord.say(scene.ben, scene.channel, text)
            await scene.heard.next()
        scene.discord.limits.set("GET /channels/*/messages/{message}", 1, 0.2)
        root = scene.discord.messages(scene.channel)[0]
        thread = await scene.discord.open_thread(scene.ann, scene.channel, "Talk", on=root.id)
        question = await scene.asked("{bot} and?", thread)
        surface = scene.at(question)
        for _ in range(3):
            assert [one.text for one in (await surface.earlier(question, 10)).said] == ["one"]
        assert scene.discord.rest.limited == 0


async def test_many_at_once_in_a_place_nothing_is_known_of_break_no_limit(connected: Connected) -> None:
    async with connected() as scene:
        scene.discord.limits.set(POST, 5, 600.0)
        questions = [await scene.asked("{bot} hello") for _ in range(8)]
        scene.discord.deny("create_thread")
        surfaces = [scene.at(question) for question in questions]
        outcomes = await asyncio.gather(
            *(one.post("Hi.", f"m{number}.0") for number, one in enumerate(surfaces)), return_exceptions=True
        )
        assert sum(isinstance(one, str) for one in outcomes) == 5
        assert sum(isinstance(one, RateLimited) for one in outcomes) == 3
        assert scene.discord.rest.limited == 0


async def test_all_calls_together_keep_the_limit_of_the_bot(connected: Connected) -> None:
    async with connected() as scene:
        people = [scene.discord.add_person(f"P{number}") for number in range(70)]
        questions = []
        for person in people:
            await scene.discord.say(person, scene.discord.dm(person), "hi")
            questions.append(await scene.heard.next())
        begun_s = now_s()
        await asyncio.gather(*(scene.at(one).post("Hi.", f"{one.key.message}.0") for one in questions))
        assert now_s() - begun_s > 0.9
        assert scene.discord.rest.limited == 0


async def test_a_lost_answer_does_not_hold_up_who_waits_to_learn_from_it(connected: Connected) -> None:
    async with connected() as scene:
        scene.discord.deny("create_thread")
        surfaces = [scene.at(await scene.asked("{bot} hello")) for _ in range(2)]
        scene.discord.faults.add(Fault("POST /channels/*/messages", drop=True, delay_s=0.05))
        lost, posted = await asyncio.gather(
            *(one.post("Hi.", f"m{number}.0") for number, one in enumerate(surfaces)), return_exceptions=True
        )
        assert isinstance(lost, Unreachable)
        assert isinstance(posted, str)


async def test_all_calls_together_keep_within_what_this_bot_may_do(connected: Connected) -> None:
    async with connected(limits=False, calls_per_s=10) as scene:
        surface = scene.at(await scene.asked("hi", scene.discord.dm(scene.ann)))
        since = len(scene.discord.rest.calls)
        await asyncio.gather(*(surface.post(f"line {number}", f"mark.{number}") for number in range(25)))
        at_s = sorted(call.at_s for call in scene.discord.rest.calls[since:])
        assert len(at_s) == 25
        assert all(later - earlier > 0.9 for earlier, later in zip(at_s, at_s[10:], strict=False))


async def test_an_event_loop_that_is_late_lets_no_more_calls_leave_than_the_bot_may_make(connected: Connected) -> None:
    async with connected() as scene:
        people = [scene.discord.add_person(f"P{number}") for number in range(130)]
        questions = []
        for person in people:
            await scene.discord.say(person, scene.discord.dm(person), "hi")
            questions.append(await scene.heard.next())
        loop = asyncio.get_running_loop()
        for after_s in (0.2, 0.9, 1.3, 2.1):
            loop.call_later(after_s, time.sleep, 0.5)  # the loop stands still: what was due meanwhile is late
        await asyncio.gather(*(scene.at(one).post("Hi.", f"{one.key.message}.0") for one in questions))
        assert scene.discord.rest.limited == 0


async def test_typing_and_reading_do_not_hold_up_a_post(connected: Connected) -> None:
    async with connected(limits=False, calls_per_s=10) as scene:
        people = [scene.discord.add_person(f"P{number}") for number in range(20)]
        surfaces = []
        for person in people:
            await scene.discord.say(person, scene.discord.dm(person), "hi")
            surfaces.append(scene.at(await scene.heard.next()))
        since = len(scene.discord.rest.calls)
        typing = [asyncio.create_task(surface.status("is thinking…")) for surface in surfaces]
        await asyncio.sleep(0)
        await asyncio.gather(*(surface.post("Hi.", f"m{number}.0") for number, surface in enumerate(surfaces)))
        calls = [call.path.rpartition("/")[2] for call in scene.discord.rest.calls[since:]]
        assert calls.count("messages") == 20
        assert calls.count("typing") <= 5, "of what all calls may be, the half is not for typing"
        await cancel_all(typing)


async def test_one_typing_mark_is_enough_for_a_place_and_none_is_made_where_a_post_is_due(connected: Connected) -> None:
    async with connected() as scene:
        scene.discord.deny("create_thread")
        surfaces = [scene.at(await scene.asked("{bot} hello")) for _ in range(3)]
        for surface in surfaces:
            await surface.status("is thinking…")
        assert typed(scene) == 1
        await surfaces[0].post("Hi.", "m0.0")  # takes the mark away
        await surfaces[1].status("is thinking…")
        assert typed(scene) == 2
        await surfaces[0].post("And so on.", "m0.1")
        pacer, budget = scene.platform.pacer, surfaces[0].limits.posts
        pacer.pause(budget.scope, 3600.0)
        due = asyncio.create_task(call_once(pacer, budget))
        await asyncio.sleep(0)
        await surfaces[2].status("is thinking…")
        assert typed(scene) == 2
        await cancel_all([due])


async def test_where_threads_can_be_opened_only_much_later_the_answer_is_a_reply_in_the_channel(
    connected: Connected,
) -> None:
    async with connected() as scene:
        scene.discord.limits.set("POST /channels/*/messages/{message}/threads", 1, 300.0)
        first, second = await scene.asked("{bot} one?"), await scene.asked("{bot} two?")
        in_thread, in_channel = scene.at(first), scene.at(second)
        await in_thread.post("One.", "m0.0")
        message_id = await in_channel.post("Two", "m1.0")
        await in_channel.edit(message_id, "Two.")
        assert [one.content for one in scene.discord.messages(first.key.message)] == ["One."]
        shown = scene.discord.messages(scene.channel)[-1]
        assert (shown.content, shown.reference) == ("Two.", second.key.message)
        assert in_channel.limits.edits.scope == f"discord:{scene.channel}:edit"
        assert scene.discord.rest.limited == 0


async def test_a_limit_on_threads_that_no_header_tells_is_asked_for_once(connected: Connected) -> None:
    async with connected() as scene:
        body = {"message": "You are being rate limited.", "retry_after": 290.0, "global": False}
        scene.discord.faults.add(Fault("POST /channels/*/messages/*/threads", status=429, body=body, times=9))
        for number in range(3):
            await scene.at(await scene.asked("{bot} hello")).post("Hi.", f"m{number}.0")
        assert sum(call.path.endswith("/threads") for call in scene.discord.rest.calls) == 1
        assert [one.content for one in scene.discord.messages(scene.channel)].count("Hi.") == 3


async def test_an_answer_goes_on_in_its_thread_though_no_more_can_be_opened(connected: Connected) -> None:
    async with connected() as scene:
        scene.discord.limits.set("POST /channels/*/messages/{message}/threads", 1, 300.0)
        question = await scene.asked("{bot} one?")
        message_id = await scene.at(question).post("On", "m0.0")
        later = scene.at(question)  # of a process that was started anew
        assert await later.post("One.", "m0.0", may_exist=True) == message_id
        assert [one.content for one in scene.discord.messages(question.key.message)] == ["One."]


def typed(scene: Any) -> int:
    return sum(call.path.endswith("/typing") for call in scene.discord.rest.calls)


async def call_once(pacer: Pacer, budget: Budget) -> None:
    async with pacer.call(budget, CallClaim(Backlog())):
        pass


async def cancel_all(tasks: "list[asyncio.Task[None]]") -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_a_discord_that_tells_no_limits_holds_nobody_up(connected: Connected) -> None:
    async with connected(limits=False) as scene:
        scene.discord.deny("create_thread")
        surfaces = [scene.at(await scene.asked("{bot} hello")) for _ in range(30)]
        async with asyncio.timeout(120):
            await asyncio.gather(*(one.post("Hi.", f"m{number}.0") for number, one in enumerate(surfaces)))
        assert len(scene.discord.messages(scene.channel)) == 60
