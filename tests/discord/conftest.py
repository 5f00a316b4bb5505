"""The real discord.py in the bot's adapter, against the simulated Discord: one guild, one channel, two people."""

import asyncio
import warnings
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field

import pytest

with warnings.catch_warnings():
    # discord.py 2.7.1 imports audioop, which Python 3.11 and 3.12 call deprecated, for voice that nobody here uses
    warnings.simplefilter("ignore", DeprecationWarning)
    import discord  # noqa: F401 - so that it is there before anything else imports it

from bot.events import Incoming
from bot.platforms.discord import DiscordPlatform
from bot.simulator.discord import Person, SimulatedDiscord


@dataclass
class Heard:
    """A `Hear` that keeps what it was told and can be made to fail."""

    all: list[Incoming] = field(default_factory=list)
    fail_with: Exception | None = None
    held: dict[str, asyncio.Event] = field(default_factory=dict)
    _arrived: asyncio.Queue[Incoming] = field(default_factory=asyncio.Queue)

    async def __call__(self, question: Incoming) -> None:
        if self.fail_with is not None:
            error, self.fail_with = self.fail_with, None
            raise error
        if question.text in self.held:
            await self.held[question.text].wait()
        self.all.append(question)
        self._arrived.put_nowait(question)

    async def next(self) -> Incoming:
        async with asyncio.timeout(15):
            return await self._arrived.get()


@dataclass
class Scene:
    """A bot that is connected."""

    discord: SimulatedDiscord
    platform: DiscordPlatform
    heard: Heard
    guild: str
    channel: str
    ann: Person
    ben: Person
    running: "asyncio.Task[None]"

    async def asked(self, text: str = "{bot} hello", where: str = "", **more: object) -> Incoming:
        """Ann says something; what the bot hears. `{bot}` is its mention."""
        text = text.format(bot=self.discord.mention, ben=self.ben.mention)
        await self.discord.say(self.ann, where or self.channel, text, **more)  # type: ignore[arg-type]
        return await self.heard.next()


def platform_for(discord: SimulatedDiscord, token: str = "") -> DiscordPlatform:
    return DiscordPlatform(
        token or discord.token,
        api_url=discord.api_url,
        gateway_url=discord.gateway_url,
        cdn_hosts=[discord.cdn_host],
    )


async def cancel(task: "asyncio.Task[None]") -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@asynccontextmanager
async def _connected(*, message_content: bool = True, limits: bool = True, archived: str = "") -> AsyncIterator[Scene]:
    """`archived`: the name of a thread that is archived before the bot comes."""
    async with SimulatedDiscord(limits=limits) as discord:
        guild = discord.add_guild("Workshop")
        channel = discord.add_channel(guild, "general")
        ann = discord.add_person("Ann", guild=guild, roles=["editor"])
        ben = discord.add_person("Ben", guild=guild)
        discord.grant(message_content=message_content)
        if archived:
            await discord.archive(await discord.open_thread(ann, channel, archived))
        platform, heard = platform_for(discord), Heard()
        running = asyncio.create_task(platform.run(heard))
        try:
            await discord.ready()
            yield Scene(discord, platform, heard, guild, channel, ann, ben, running)
        finally:
            await cancel(running)


@pytest.fixture
def connected() -> Callable[..., AbstractAsyncContextManager[Scene]]:
    return _connected
