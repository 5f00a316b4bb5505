"""The real discord.py in the bot's adapter, against the simulated Discord: one guild, one channel, two people."""

import asyncio
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import TypeVar

import pytest

with warnings.catch_warnings():
    # discord.py 2.7.1 imports audioop, which Python 3.11 and 3.12 call deprecated, for voice that nobody here uses
    warnings.simplefilter("ignore", DeprecationWarning)
    import discord  # noqa: F401 - so that it is there before anything else imports it

from bot.events import Event, Incoming, Missed, Reply, ThreadKey
from bot.platforms.discord import DiscordPlatform
from bot.platforms.discord.sessions import SessionStarts
from bot.platforms.discord.surface import DiscordSurface
from bot.simulator.discord import Person, SimulatedDiscord

T = TypeVar("T", bound=Event)


@dataclass
class Heard:
    """An `EventHandler` that keeps what it was told, answers with a sentence and can be made to fail.

    `all`: messages. `missed`: how often it was told that something may have been missed. `fail_with`: the errors of the
    next calls. `held`: texts that wait.
    """

    all: list[Incoming] = field(default_factory=list)
    missed: int = 0
    sentence: str = ""
    fail_with: list[Exception] = field(default_factory=list)
    held: dict[str, asyncio.Event] = field(default_factory=dict)
    _arrived: asyncio.Queue[Event] = field(default_factory=asyncio.Queue)

    async def __call__(self, event: Event) -> Reply:
        if isinstance(event, Missed):
            self.missed += 1
            return Reply()
        if self.fail_with:
            raise self.fail_with.pop(0)
        if isinstance(event, Incoming):
            if event.text in self.held:
                await self.held[event.text].wait()
            self.all.append(event)
        self._arrived.put_nowait(event)
        return Reply(self.sentence)

    async def next(self, kind: type[T] = Incoming) -> T:  # type: ignore[assignment]
        async with asyncio.timeout(120):
            event = await self._arrived.get()
        assert isinstance(event, kind)
        return event

    async def next_of_any(self) -> Event:
        return await self._arrived.get()


@dataclass
class Log:
    """`Checkpoints` in memory. `noted`: set whenever something is written down. `slow`: what reading it waits for, if
    given; `asked`: set when it is read then. `foreign`: the marks of what is in no turn.
    """

    until_s: float = 0.0
    known: list[ThreadKey] = field(default_factory=list)
    noted: asyncio.Event = field(default_factory=asyncio.Event)
    slow: asyncio.Event | None = None
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    foreign: set[str] = field(default_factory=set)

    async def last(self, platform: str) -> float:
        assert platform == "discord"
        if self.slow is not None:
            self.asked.set()
            await self.slow.wait()
        return self.until_s

    async def save(self, platform: str, at_s: float) -> None:
        assert platform == "discord"
        await asyncio.sleep(0)  # others go on meanwhile, as with a disk
        self.until_s = max(self.until_s, at_s)
        self.noted.set()

    async def threads(self, platform: str, since_s: float) -> list[ThreadKey]:
        assert platform == "discord"
        assert since_s > 0
        return self.known

    async def is_ours(self, idempotency_key: str) -> bool:
        """Ours end in a dot and a number; discord.py makes up numbers alone."""
        return idempotency_key not in self.foreign and not idempotency_key.isdigit()


@dataclass
class Scene:
    """A bot that is connected."""

    discord: SimulatedDiscord
    platform: DiscordPlatform
    heard: Heard
    log: Log
    guild: str
    channel: str
    ann: Person
    ben: Person
    running: "asyncio.Task[None]"

    def at(self, question: Incoming) -> DiscordSurface:
        """Return the place where a question is answered."""
        return self.platform.surface(question.address, question.key)

    async def asked(self, text: str = "{bot} hello", where: str = "", **more: object) -> Incoming:
        """Ann says something; what the bot hears. `{bot}` is its mention."""
        text = text.format(bot=self.discord.app.mention, ben=self.ben.mention)
        await self.discord.say(self.ann, where or self.channel, text, **more)  # type: ignore[arg-type]
        return await self.heard.next()


def platform_for(
    discord: SimulatedDiscord, token: str = "", *, starts: SessionStarts | None = None, calls_per_s: int = 50
) -> DiscordPlatform:
    return DiscordPlatform(
        token or discord.app.token,
        api_url=discord.api_url,
        gateway_url=discord.gateway.url,
        cdn_hosts=[discord.cdn_host],
        starts=starts,
        calls_per_s=calls_per_s,
    )


async def cancel(task: "asyncio.Task[None]") -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@asynccontextmanager
async def _connected(
    *,
    message_content: bool = True,
    limits: bool = True,
    archived: str = "",
    before: str = "",
    calls_per_s: int = 50,
    starts: SessionStarts | None = None,
) -> AsyncIterator[Scene]:
    """Before the bot comes there is an `archived` thread of this name, and Ann says `before`, if they are given."""
    async with SimulatedDiscord(limits=limits) as discord:
        guild = discord.add_guild("Workshop")
        channel = discord.add_channel(guild, "general")
        ann = discord.add_person("Ann", guild=guild, roles=["editor"])
        ben = discord.add_person("Ben", guild=guild)
        discord.app.grant(message_content=message_content)
        if archived:
            await discord.archive(await discord.open_thread(ann, channel, archived))
        if before:
            await discord.say(ann, channel, before)
        platform, heard, log = platform_for(discord, starts=starts, calls_per_s=calls_per_s), Heard(), Log()
        running = asyncio.create_task(platform.run(heard, log, log.is_ours))
        try:
            await discord.gateway.ready()
            yield Scene(discord, platform, heard, log, guild, channel, ann, ben, running)
        finally:
            await cancel(running)


@asynccontextmanager
async def _restarted(scene: Scene, *, meanwhile: Callable[[], Awaitable[object]] | None = None) -> AsyncIterator[Scene]:
    """The bot's next process, with the log of the one before. `meanwhile`: what happens while there is none."""
    await cancel(scene.running)
    if meanwhile is not None:
        await meanwhile()
    platform, heard = platform_for(scene.discord), Heard()
    running = asyncio.create_task(platform.run(heard, scene.log, scene.log.is_ours))
    try:
        await scene.discord.gateway.ready()
        yield replace(scene, platform=platform, heard=heard, running=running)
    finally:
        await cancel(running)


@pytest.fixture
def restarted() -> Callable[..., AbstractAsyncContextManager[Scene]]:
    return _restarted


@pytest.fixture
def connected() -> Callable[..., AbstractAsyncContextManager[Scene]]:
    return _connected
