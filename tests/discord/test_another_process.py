"""Discord lets another process on the bot's token be seen: by what it posts, and by what it acknowledges."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
from logs import capture_logs

from bot.events import Button, Pressed
from bot.simulator.faults import Fault

from .conftest import Heard, cancel, platform_for

Connected = Callable[..., AbstractAsyncContextManager[Any]]
ANOTHER = "another_process_answers"


async def test_a_post_that_is_in_no_turn_of_this_database_is_said(connected: Connected) -> None:
    with capture_logs() as logs:
        async with connected() as scene:
            surface = scene.at(await scene.asked())
            await surface.post("Ours.", "mark.0")
            scene.log.foreign.add("theirs.0")
            await surface.post("Theirs.", "theirs.0")
            [said] = await logs.until(ANOTHER)
            assert said["platform"] == "discord"


async def test_what_is_told_to_one_person_alone_is_no_sign(connected: Connected) -> None:
    """Only that has no mark: discord.py makes a number up."""
    with capture_logs() as logs:
        async with connected() as scene:
            dm = scene.discord.dm(scene.ann)
            scene.heard.sentence = "You are not among those who may use me here."
            since = len(scene.discord.changes.seen)
            await scene.asked("{bot} hello")
            await scene.discord.changes.wait(lambda change: change.place == dm, since=since)
            scene.heard.sentence = ""
            await scene.asked("{bot} hello again")
            assert logs.of(ANOTHER) == []


async def test_a_press_that_another_process_acknowledged_is_said(connected: Connected) -> None:
    with capture_logs() as logs:
        async with connected() as scene:
            message_id = await scene.at(await scene.asked()).post("Half", "mark.0", buttons=[Button.STOP])
            heard = Heard()
            running = asyncio.create_task(platform_for(scene.discord).run(heard, scene.log, scene.log.is_ours))
            await logs.until("discord_ready", times=2)
            await scene.discord.press(scene.ann, message_id, "Stop")
            assert (await scene.heard.next(Pressed)).button is (await heard.next(Pressed)).button is Button.STOP
            await logs.until(ANOTHER)
            await cancel(running)


@pytest.mark.parametrize("lost", [{"status": 502}, {"drop": True}])
async def test_an_acknowledgement_of_our_own_that_was_lost_is_no_sign(
    connected: Connected, lost: dict[str, Any]
) -> None:
    with capture_logs() as logs:
        async with connected() as scene:
            message_id = await scene.at(await scene.asked()).post("Half", "mark.0", buttons=[Button.STOP])
            scene.discord.faults.add(Fault("POST /interactions/*", after=True, **lost))
            await scene.discord.press(scene.ann, message_id, "Stop")
            assert (await scene.heard.next(Pressed)).button is Button.STOP
            await logs.until("discord_press_not_acknowledged")
            assert logs.of(ANOTHER) == []
