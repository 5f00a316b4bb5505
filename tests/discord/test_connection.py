"""How the bot comes, stays and goes."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest

from bot.errors import StartupError, Unreachable
from bot.events import Event, Reply, ThreadKey
from bot.platforms.discord import DiscordPlatform
from bot.platforms.discord.sessions import SessionStarts
from bot.simulator.discord import SimulatedDiscord
from bot.simulator.faults import Fault

Connected = Callable[..., AbstractAsyncContextManager[Any]]
Restarted = Callable[..., AbstractAsyncContextManager[Any]]


async def nobody(event: Event) -> Reply:
    raise AssertionError(event)


class NoLog:
    async def last(self, _: str) -> float:
        return 0.0

    async def save(self, _: str, __: float) -> None:
        pass

    async def threads(self, _: str, __: float) -> list[ThreadKey]:
        return []

    async def is_ours(self, idempotency_key: str) -> bool:
        """What the bot posts here is in no store."""
        del idempotency_key
        return False


async def test_a_refused_token_says_what_to_do() -> None:
    async with SimulatedDiscord() as discord:
        platform = DiscordPlatform("wrong", api_url=discord.api_url, gateway_url=discord.gateway.url)
        with pytest.raises(StartupError, match="DISCORD_TOKEN") as caught:
            await platform.run(nobody, NoLog(), NoLog().is_ours)
        assert "wrong" not in str(caught.value)


async def test_an_address_that_is_not_discords_says_what_to_do() -> None:
    async with SimulatedDiscord() as discord:
        platform = DiscordPlatform(discord.app.token, api_url=discord.api_url + "/elsewhere")
        with pytest.raises(StartupError, match="api_url"):
            await platform.run(nobody, NoLog(), NoLog().is_ours)


@pytest.mark.parametrize(
    ("setting", "address"),
    [
        ("gateway_url", "gateway.example"),
        ("gateway_url", "https://gateway.example"),
        ("gateway_url", "wss://"),
        ("gateway_url", "ws://host:port/"),
        ("api_url", "discord.example/api"),
        ("api_url", "ftp://discord.example/api"),
        ("api_url", "http://[/api"),
    ],
)
def test_an_address_that_cannot_be_used_says_which(setting: str, address: str) -> None:
    with pytest.raises(StartupError, match=setting):
        DiscordPlatform("token", **{setting: address})


async def test_a_discord_that_is_down_at_the_start_is_tried_again() -> None:
    async with SimulatedDiscord() as discord:
        discord.faults.add(Fault("GET /users/@me", status=503))
        platform = DiscordPlatform(discord.app.token, api_url=discord.api_url, gateway_url=discord.gateway.url)
        running = asyncio.create_task(platform.run(nobody, NoLog(), NoLog().is_ours))
        await discord.gateway.ready()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running


async def test_a_login_that_comes_too_often_waits_as_long_as_discord_says() -> None:
    async with SimulatedDiscord() as discord:
        discord.limits.block(0.9, call="GET /users/@me", scope="user")
        platform = DiscordPlatform(discord.app.token, api_url=discord.api_url, gateway_url=discord.gateway.url)
        running = asyncio.create_task(platform.run(nobody, NoLog(), NoLog().is_ours))
        await discord.gateway.ready()
        assert [call.status for call in discord.rest.calls if call.path == "/users/@me"] == [429, 200]
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_a_dropped_connection_is_resumed_and_misses_nothing(connected: Connected) -> None:
    async with connected() as scene:
        await scene.discord.gateway.drop()
        assert (await scene.asked("while away")).text == "while away"
        assert (scene.discord.gateway.identifies, scene.discord.gateway.resumes) == (1, 1)


async def test_a_gateway_that_cannot_be_reached_at_the_start_is_tried_again() -> None:
    attempts: asyncio.Queue[None] = asyncio.Queue()

    def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        attempts.put_nowait(None)
        writer.close()

    async with SimulatedDiscord() as discord, await asyncio.start_server(hang_up, "127.0.0.1") as server:
        port = server.sockets[0].getsockname()[1]
        platform = DiscordPlatform(discord.app.token, api_url=discord.api_url, gateway_url=f"ws://127.0.0.1:{port}/")
        running = asyncio.create_task(platform.run(nobody, NoLog(), NoLog().is_ours))
        async with asyncio.timeout(120):
            for _ in range(3):  # aiohttp makes two of one attempt
                await attempts.get()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running


async def test_a_session_that_breaks_again_and_again_is_left_for_a_new_one(connected: Connected) -> None:
    async with connected() as scene:
        while scene.discord.gateway.identifies == 1:
            await scene.discord.gateway.drop()
            await scene.discord.gateway.ready()
        assert scene.discord.gateway.resumes < 20
        assert (await scene.asked("back")).text == "back"


async def test_row_22_a_gateway_that_breaks_every_session_gets_no_more_new_ones_than_it_may(
    connected: Connected,
) -> None:
    clock = asyncio.get_running_loop().time
    begun_s = clock()
    async with connected(starts=SessionStarts(most=2, every_s=5.0)) as scene:
        while scene.discord.gateway.identifies < 3:
            await scene.discord.gateway.drop(abrupt=True)
            await scene.discord.gateway.ready()
        assert clock() - begun_s >= 5.0
        assert scene.discord.gateway.resumes >= 2 * 19
        assert (await scene.asked("back")).text == "back"


async def test_row_22_where_there_may_be_no_new_session_discord_py_begins_none_for_a_lost_one(
    connected: Connected,
) -> None:
    clock = asyncio.get_running_loop().time
    begun_s = clock()
    async with connected(starts=SessionStarts(most=1, every_s=3.0)) as scene:
        await scene.discord.gateway.drop(resumable=False)
        await scene.discord.gateway.ready()
        assert clock() - begun_s >= 3.0
        assert scene.discord.gateway.identifies == 2
        assert [call.path for call in scene.discord.rest.calls].count("/users/@me") == 2  # by a client of its own
        assert (await scene.asked("back")).text == "back"


async def test_row_22_where_few_sessions_of_the_day_are_left_the_next_process_begins_its_own_late(
    connected: Connected, restarted: Restarted
) -> None:
    async with connected() as scene:
        clock = asyncio.get_running_loop().time
        scene.discord.gateway.starts.allow(1, for_s=3.0)
        begun_s = clock()
        async with restarted(scene) as later:
            assert clock() - begun_s >= 1.5
            assert (await later.asked("back")).text == "back"
            begun_s = clock()
            async with restarted(later):  # none is left: it waits until Discord counts anew
                assert clock() - begun_s >= 1.0
        assert scene.discord.gateway.identifies == 3


async def test_after_the_end_nothing_is_reachable(connected: Connected) -> None:
    async with connected() as scene:
        question = await scene.asked(files=[("a.txt", b"text")])
        scene.running.cancel()
        await asyncio.gather(scene.running, return_exceptions=True)
        posting = asyncio.create_task(scene.at(question).post("Late.", "mark.0"))
        await asyncio.sleep(0)
        posting.cancel()
        with pytest.raises((asyncio.CancelledError, Unreachable)):
            await posting
