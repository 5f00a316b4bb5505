"""How the bot comes, stays and goes."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest

from bot.errors import StartupError, Unreachable
from bot.events import Incoming
from bot.platforms.discord import DiscordPlatform
from bot.simulator.discord import SimulatedDiscord
from bot.simulator.faults import Fault

Connected = Callable[..., AbstractAsyncContextManager[Any]]


async def nobody(question: Incoming) -> None:
    raise AssertionError(question)


async def test_a_refused_token_says_what_to_do() -> None:
    async with SimulatedDiscord() as discord:
        platform = DiscordPlatform("wrong", api_url=discord.api_url, gateway_url=discord.gateway_url)
        with pytest.raises(StartupError, match="DISCORD_TOKEN") as caught:
            await platform.run(nobody)
        assert "wrong" not in str(caught.value)


async def test_an_address_that_is_not_discords_says_what_to_do() -> None:
    async with SimulatedDiscord() as discord:
        platform = DiscordPlatform(discord.token, api_url=discord.api_url + "/elsewhere")
        with pytest.raises(StartupError, match="api_url"):
            await platform.run(nobody)


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
        platform = DiscordPlatform(discord.token, api_url=discord.api_url, gateway_url=discord.gateway_url)
        running = asyncio.create_task(platform.run(nobody))
        await discord.ready()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running


async def test_a_dropped_connection_is_resumed_and_misses_nothing(connected: Connected) -> None:
    async with connected() as scene:
        await scene.discord.drop_gateway()
        assert (await scene.asked("while away")).text == "while away"
        assert (scene.discord.sessions, scene.discord.resumes) == (1, 1)


async def test_a_lost_session_is_begun_anew(connected: Connected) -> None:
    async with connected() as scene:
        await scene.discord.drop_gateway(resumable=False)
        await scene.discord.ready()
        assert (await scene.asked("back")).text == "back"
        assert scene.discord.sessions == 2


async def test_a_gateway_that_cannot_be_reached_at_the_start_is_tried_again() -> None:
    attempts: asyncio.Queue[None] = asyncio.Queue()

    def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        attempts.put_nowait(None)
        writer.close()

    async with SimulatedDiscord() as discord, await asyncio.start_server(hang_up, "127.0.0.1") as server:
        port = server.sockets[0].getsockname()[1]
        platform = DiscordPlatform(discord.token, api_url=discord.api_url, gateway_url=f"ws://127.0.0.1:{port}/")
        running = asyncio.create_task(platform.run(nobody))
        async with asyncio.timeout(15):
            for _ in range(3):  # aiohttp makes two of one attempt
                await attempts.get()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running


async def test_a_session_that_breaks_again_and_again_is_left_for_a_new_one(connected: Connected) -> None:
    async with connected() as scene:
        while scene.discord.sessions == 1:
            await scene.discord.drop_gateway()
            await scene.discord.ready()
        assert scene.discord.resumes < 20
        assert (await scene.asked("back")).text == "back"


async def test_a_call_cut_short_in_a_global_rate_limit_does_not_stop_the_others(connected: Connected) -> None:
    async with connected() as scene:
        surface = scene.platform.surface(await scene.asked("hello", scene.discord.dm(scene.ann)))
        body = {"message": "You are being rate limited.", "retry_after": 25.0, "global": True}
        scene.discord.faults.add(Fault("POST /channels/*/messages", status=429, body=body, headers={"Via": "1.1 g"}))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await surface.post("One.", "mark.0")
        async with asyncio.timeout(5):
            await surface.post("One.", "mark.0", again=True)


async def test_after_the_end_nothing_is_reachable(connected: Connected) -> None:
    async with connected() as scene:
        question = await scene.asked(files=[("a.txt", b"text")])
        scene.running.cancel()
        await asyncio.gather(scene.running, return_exceptions=True)
        posting = asyncio.create_task(scene.platform.surface(question).post("Late.", "mark.0"))
        await asyncio.sleep(0)
        posting.cancel()
        with pytest.raises((asyncio.CancelledError, Unreachable)):
            await posting
