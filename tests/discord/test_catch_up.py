"""What was said while the bot was away is heard when it is back: once, in order, and no more than was missed."""

import asyncio
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from typing import Any

import discord
import pytest
from loop_clock import time_passes

from bot.events import Deleted, Edited, Incoming, Pressed, ThreadKey
from bot.platforms.discord.calls import Calls
from bot.platforms.discord.listen import Listener
from bot.platforms.discord.source import TERMS, DiscordSource
from bot.platforms.kernel.catch_up import CatchUp
from bot.platforms.kernel.door import Door
from bot.reply import Pacer
from bot.simulator.faults import Fault

Connected = Callable[..., AbstractAsyncContextManager[Any]]


async def test_what_was_said_before_the_bot_ever_came_is_not_heard(connected: Connected) -> None:
    async with connected(before="too early") as scene:
        await scene.log.noted.wait()
        assert time.time() - 10 < scene.log.until_s <= time.time()
        assert (await scene.asked("now")).text == "now"
        assert len(scene.heard.all) == 1
        assert not any("/messages" in call.path for call in scene.discord.rest.calls)


async def test_after_a_restart_what_was_said_meanwhile_is_heard_in_order(connected: Connected, restarted: Any) -> None:
    async with connected() as scene:
        root = await scene.asked("{bot} before")
        await scene.at(root).post("An answer.", "mark.0")
        await scene.log.noted.wait()

        async def meanwhile() -> None:
            for number in range(3):
                await scene.discord.say(scene.ann, scene.channel, f"{scene.discord.app.mention} missed {number}")
            await scene.discord.say(scene.ann, root.key.message, "in the thread", files=[("a.txt", b"a")])

        async with restarted(scene, meanwhile=meanwhile) as later:
            heard = [await later.heard.next() for _ in range(5)]  # the last minutes before are read again, to be sure
            in_channel = [one.text for one in heard if one.key.channel == scene.channel]
            assert in_channel == ["before", "missed 0", "missed 1", "missed 2"]
            [in_thread] = [one for one in heard if one.in_thread]
            assert (in_thread.thread, in_thread.uploads[0].name) == (root.thread, "a.txt")
            assert in_thread.author == root.author


async def test_a_dm_the_bot_knows_is_read_too(connected: Connected, restarted: Any) -> None:
    async with connected() as scene:
        dm = scene.discord.dm(scene.ann)
        first = await scene.asked("hi", dm)
        await scene.log.noted.wait()
        scene.log.known = [first.thread, ThreadKey("discord", scene.guild, scene.channel, first.key.message)]

        async def meanwhile() -> None:
            await scene.discord.say(scene.ann, dm, "are you there?")

        async with restarted(scene, meanwhile=meanwhile) as later:
            assert [(await later.heard.next()).text for _ in range(2)] == ["hi", "are you there?"]
            assert later.heard.all[-1].direct


@pytest.mark.parametrize(("gap_s", "is_read"), [(7200.0, True), (1800.0, False)])
async def test_a_thread_archived_again_is_read_after_a_gap_in_which_that_can_happen(
    connected: Connected, restarted: Any, gap_s: float, is_read: bool
) -> None:
    async with connected() as scene:
        root = await scene.asked("{bot} before")
        await scene.at(root).post("An answer.", "mark.0")
        await scene.log.noted.wait()
        scene.log.known = [root.thread]

        async def meanwhile() -> None:
            await scene.discord.say(scene.ann, root.key.message, "are you there?")
            await scene.discord.archive(root.key.message)
            scene.discord.settings.clock_ahead_s = gap_s
            scene.log.noted.clear()

        async with restarted(scene, meanwhile=meanwhile) as later:
            while is_read and not any(one.in_thread for one in later.heard.all):
                await later.heard.next()
            time_passes(30.0)  # it is noted then at the latest
            await later.log.noted.wait()
            in_thread = [one.text for one in later.heard.all if one.in_thread]
            assert in_thread == (["are you there?"] if is_read else [])


async def test_a_dm_opened_meanwhile_is_found_when_it_goes_on_and_heard_in_order(
    connected: Connected, restarted: Any
) -> None:
    async with connected() as scene:
        await scene.log.noted.wait()
        dm = scene.discord.dm(scene.ann)

        async def meanwhile() -> None:
            await scene.discord.say(scene.ann, dm, "hello?")

        async with restarted(scene, meanwhile=meanwhile) as later:
            await later.discord.say(later.ann, dm, "are you there?")
            heard = [(await later.heard.next()).text for _ in range(3)]
            assert heard == ["hello?", "are you there?", "are you there?"]  # the last one live; the engine knows it


async def test_a_place_without_news_is_not_read(connected: Connected, restarted: Any) -> None:
    async with connected() as scene:
        quiet = scene.discord.add_channel(scene.guild, "quiet")
        scene.discord.add_channel(scene.guild, "silent")
        await scene.log.noted.wait()
        async with restarted(scene, meanwhile=lambda: scene.discord.say(scene.ann, quiet, "news")) as later:
            assert (await later.heard.next()).text == "news"
            read = {call.path for call in scene.discord.rest.calls if call.path.endswith("/messages")}
            assert read == {f"/channels/{quiet}/messages"}


async def test_a_place_the_bot_may_not_read_is_left_alone(connected: Connected, restarted: Any) -> None:
    async with connected() as scene:
        await scene.log.noted.wait()

        async def meanwhile() -> None:
            await scene.discord.say(scene.ann, scene.channel, "unreadable")
            scene.discord.deny("read_history")

        async with restarted(scene, meanwhile=meanwhile) as later:
            assert (await scene_says(later, "live")).text == "live"
            assert len(later.heard.all) == 1


async def scene_says(scene: Any, text: str) -> Incoming:
    await scene.discord.say(scene.ann, scene.channel, text)
    heard: Incoming = await scene.heard.next()
    return heard


async def test_what_is_said_live_waits_for_what_was_missed_in_its_channel(connected: Connected, restarted: Any) -> None:
    async with connected() as scene:
        await scene.log.noted.wait()

        async def meanwhile() -> None:
            await scene.discord.say(scene.ann, scene.channel, "missed")
            scene.discord.faults.add(Fault("GET /channels/*/messages", delay_s=0.2))

        async with restarted(scene, meanwhile=meanwhile) as later:
            await scene.discord.say(scene.ann, scene.channel, "live")
            assert [(await later.heard.next()).text for _ in range(2)] == ["missed", "live"]


async def test_it_waits_also_if_the_channel_cannot_be_read_at_once(connected: Connected, restarted: Any) -> None:
    async with connected() as scene:
        await scene.log.noted.wait()

        async def meanwhile() -> None:
            await scene.discord.say(scene.ann, scene.channel, "missed")
            scene.discord.faults.add(Fault("GET /channels/*/messages", status=503, times=2, delay_s=0.2))

        async with restarted(scene, meanwhile=meanwhile) as later:
            await scene.discord.say(scene.ann, scene.channel, "live")
            assert [(await later.heard.next()).text for _ in range(2)] == ["missed", "live"]


async def test_it_waits_also_if_its_author_cannot_be_looked_up_at_once(connected: Connected, restarted: Any) -> None:
    async with connected() as scene:
        root = await scene.asked("{bot} before")
        await scene.at(root).post("An answer.", "mark.0")
        await scene.log.noted.wait()

        async def meanwhile() -> None:
            await scene.discord.say(scene.ann, root.key.message, "missed")
            scene.discord.faults.add(Fault("GET /guilds/*/members/*", status=503, times=2, delay_s=0.2))

        async with restarted(scene, meanwhile=meanwhile) as later:
            await scene.discord.say(scene.ann, root.key.message, "live")
            in_thread = [one.text for one in [await later.heard.next() for _ in range(3)] if one.in_thread]
            assert in_thread[:2] == ["missed", "live"]  # the live one may be read, too; the engine knows it


async def test_a_channel_in_which_somebody_speaks_is_read_before_others(connected: Connected, restarted: Any) -> None:
    async with connected() as scene:
        await scene.log.noted.wait()
        others = [scene.discord.add_channel(scene.guild, f"room-{number}") for number in range(40)]

        async def meanwhile() -> None:
            for place in (scene.channel, *others):  # newest first: the one that is spoken in comes last
                await scene.discord.say(scene.ann, place, "missed")

        async with restarted(scene, meanwhile=meanwhile) as later:
            await scene.discord.say(scene.ann, scene.channel, "live")
            before = 0
            while (await later.heard.next()).text != "live":
                before += 1
            assert before < 20  # its own, and those that were being read


@pytest.mark.parametrize("said_available", [True, False])
async def test_what_is_said_live_waits_also_if_its_guild_comes_late(
    connected: Connected, restarted: Any, said_available: bool
) -> None:
    async with connected() as scene:
        await scene.log.noted.wait()
        async with restarted(scene, meanwhile=lambda: _in_an_outage(scene)) as later:
            await _end_the_outage_while_it_looks(later, said_available=said_available)
            assert [(await later.heard.next()).text for _ in range(2)] == ["missed", "live"]


async def test_nothing_is_noted_before_a_late_guild_is_looked_at(connected: Connected, restarted: Any) -> None:
    async with connected() as scene:
        await scene.log.noted.wait()
        async with restarted(scene, meanwhile=lambda: _in_an_outage(scene)) as later:
            until_s = later.log.until_s
            later.heard.held["missed"] = asyncio.Event()
            await _end_the_outage_while_it_looks(later)
            await scene.discord.say(scene.ann, scene.discord.dm(scene.ann), "elsewhere")
            assert (await later.heard.next()).text == "elsewhere"
        assert scene.log.until_s == until_s


async def _end_the_outage_while_it_looks(scene: Any, *, said_available: bool = True) -> None:
    """The guild comes while the bot looks what READY has told, with a live message; then it looks on."""
    await scene.log.asked.wait()
    scene.discord.gateway.end_outage(scene.guild, said_available=said_available)
    await scene.discord.say(scene.ann, scene.channel, "live")
    await scene.discord.react(scene.ann, scene.discord.messages(scene.channel)[0].id, "❌")
    assert await scene.heard.next(Pressed)  # which waits for nothing: now the message has come, too
    scene.log.slow.set()


async def _in_an_outage(scene: Any) -> None:
    scene.log.slow = asyncio.Event()
    scene.discord.gateway.begin_outage(scene.guild)
    await scene.discord.say(scene.ann, scene.channel, "missed")


async def test_after_a_lost_session_what_the_gap_swallowed_is_heard(connected: Connected) -> None:
    async with connected() as scene:
        await scene.asked("before")
        await scene.log.noted.wait()
        await scene.discord.gateway.drop(resumable=False)
        await scene.discord.say(scene.ann, scene.channel, "in the gap")
        while (await scene.heard.next()).text != "in the gap":
            pass
        assert scene.discord.gateway.identifies == 2


async def test_a_resumed_session_reads_nothing(connected: Connected) -> None:
    async with connected() as scene:
        await scene.log.noted.wait()
        await scene.discord.gateway.drop()
        assert (await scene.asked("while away")).text == "while away"
        assert not any(call.path.endswith("/messages") for call in scene.discord.rest.calls)


async def test_a_long_gap_is_read_page_by_page(connected: Connected, restarted: Any) -> None:
    async with connected() as scene:
        await scene.log.noted.wait()

        async def meanwhile() -> None:
            for number in range(130):
                await scene.discord.say(scene.ann, scene.channel, str(number))

        async with restarted(scene, meanwhile=meanwhile) as later:
            assert [(await later.heard.next()).text for _ in range(130)] == [str(number) for number in range(130)]


async def test_of_a_very_long_gap_the_newest_is_heard(connected: Connected, restarted: Any) -> None:
    async with connected() as scene:
        await scene.log.noted.wait()

        async def meanwhile() -> None:
            for number in range(1010):
                await scene.discord.say(scene.ann, scene.channel, str(number))

        async with restarted(scene, meanwhile=meanwhile) as later:
            heard = [(await later.heard.next()).text for _ in range(1000)]
            assert heard == [str(number) for number in range(10, 1010)]


async def test_nothing_is_noted_before_what_was_missed_was_heard(connected: Connected, restarted: Any) -> None:
    async with connected() as scene:
        await scene.log.noted.wait()
        scene.log.noted.clear()
        until_s = scene.log.until_s
        async with restarted(scene, meanwhile=lambda: scene.discord.say(scene.ann, scene.channel, "slow")) as later:
            later.heard.held["slow"] = asyncio.Event()
            await scene.discord.say(scene.ann, scene.discord.dm(scene.ann), "elsewhere")
            assert (await later.heard.next()).text == "elsewhere"
        assert scene.log.until_s == until_s


async def test_a_mention_added_meanwhile_to_one_of_the_last_messages_before_is_heard(
    connected: Connected, restarted: Any
) -> None:
    async with connected() as scene:
        for text in ("what do you think?", "unchanged"):
            await scene.asked(text)
        await scene.log.noted.wait()
        edited, unchanged = scene.discord.messages(scene.channel)

        async def meanwhile() -> None:
            scene.log.until_s = time.time() + 3600.0
            scene.discord.settings.clock_ahead_s = 7200.0
            await scene.discord.edit(scene.ann, edited.id, f"{scene.discord.app.mention} what do you think?")
            await scene.discord.unfurl(unchanged.id)
            await scene.discord.say(scene.ann, scene.channel, "said since")

        async with restarted(scene, meanwhile=meanwhile) as later:
            heard = [await later.heard.next_of_any() for _ in range(2)]
            [change] = [event.message for event in heard if isinstance(event, Edited)]
            assert (change.key.message, change.mentions_bot) == (edited.id, True)
            assert [event.text for event in heard if isinstance(event, Incoming)] == ["said since"]


async def test_a_message_that_could_not_be_heard_is_heard_later(connected: Connected) -> None:
    async with connected() as scene, asyncio.TaskGroup() as tasks:
        await scene.log.noted.wait()
        calls, heard = Calls(Pacer()), type(scene.heard)()
        heard.fail_with = [OSError("disk full")] * 2
        client, catch_up = listener(scene, calls, heard, tasks)
        await client.login(scene.discord.app.token)
        calls.use(client)
        catching_up = tasks.create_task(catch_up.run(client.connected))
        connecting = tasks.create_task(client.connect())
        await client.connected.wait()
        scene.log.noted.clear()
        await scene.discord.say(scene.ann, scene.channel, "while the disk was full")
        assert (await heard.next()).text == "while the disk was full"
        await scene.log.noted.wait()
        catching_up.cancel()
        connecting.cancel()
        await client.close()


async def test_what_a_session_told_that_ended_at_once_is_heard_all_the_same(connected: Connected) -> None:
    async with connected() as scene, asyncio.TaskGroup() as tasks:
        client, catch_up = listener(scene, Calls(Pacer()), scene.heard, tasks)
        catching_up = tasks.create_task(catch_up.run(client.connected))
        client.dispatch("connect")
        client.dispatch("raw_message_delete", discord.RawMessageDeleteEvent({"id": "2", "channel_id": "1"}))
        await asyncio.sleep(0)
        assert scene.heard._arrived.empty()
        catching_up.cancel()
        assert (await scene.heard.next(Deleted)).key.message == "2"


def listener(scene: Any, calls: Calls, heard: Any, tasks: asyncio.TaskGroup) -> tuple[Listener, CatchUp[Any]]:
    """Return a client, and what sees to what it missed."""
    door, source = Door("discord", heard), DiscordSource(calls)
    catch_up = CatchUp(source, door, scene.log, calls.clock.now_s, replace(TERMS, note_every_s=0.05))
    return Listener(door, source, catch_up, tasks, calls.limits, content=True), catch_up
