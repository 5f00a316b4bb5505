"""The real discord.py, pointed at a simulated Discord."""

import asyncio
import contextlib
import warnings
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager

import aiohttp
import pytest
import yarl

with warnings.catch_warnings():  # discord.py imports the audioop that Python 3.13 drops
    warnings.simplefilter("ignore", DeprecationWarning)
    import discord

from discord.gateway import DiscordWebSocket
from discord.http import Route

from bot.simulator.discord import SimulatedDiscord


class Bot(discord.Client):
    """A client that keeps what it hears, in queues that a test can wait on."""

    def __init__(self, intents: discord.Intents, heartbeat_timeout_s: float) -> None:
        super().__init__(
            intents=intents,
            guild_ready_timeout=0,
            max_messages=None,
            allowed_mentions=discord.AllowedMentions.none(),
            heartbeat_timeout=heartbeat_timeout_s,
        )
        self.heard: asyncio.Queue[discord.Message] = asyncio.Queue()
        self.edits: asyncio.Queue[discord.RawMessageUpdateEvent] = asyncio.Queue()
        self.deletions: asyncio.Queue[discord.RawMessageDeleteEvent] = asyncio.Queue()
        self.purges: asyncio.Queue[discord.RawBulkMessageDeleteEvent] = asyncio.Queue()
        self.reactions: asyncio.Queue[discord.RawReactionActionEvent] = asyncio.Queue()
        self.resumed: asyncio.Queue[None] = asyncio.Queue()
        self.threads: asyncio.Queue[discord.Thread] = asyncio.Queue()

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        """The library waits five seconds here before it identifies again."""

    async def on_thread_create(self, thread: discord.Thread) -> None:
        self.threads.put_nowait(thread)

    async def on_message(self, message: discord.Message) -> None:
        self.heard.put_nowait(message)

    async def on_raw_message_edit(self, event: discord.RawMessageUpdateEvent) -> None:
        self.edits.put_nowait(event)

    async def on_raw_message_delete(self, event: discord.RawMessageDeleteEvent) -> None:
        self.deletions.put_nowait(event)

    async def on_raw_bulk_message_delete(self, event: discord.RawBulkMessageDeleteEvent) -> None:
        self.purges.put_nowait(event)

    async def on_raw_reaction_add(self, event: discord.RawReactionActionEvent) -> None:
        self.reactions.put_nowait(event)

    async def on_resumed(self) -> None:
        self.resumed.put_nowait(None)

    async def next(self) -> discord.Message:
        """The next message by a person."""
        while True:
            message = await asyncio.wait_for(self.heard.get(), 120)
            if not message.author.bot:
                return message


@pytest.fixture
async def sim() -> AsyncIterator[SimulatedDiscord]:
    async with SimulatedDiscord() as simulated:
        yield simulated


@pytest.fixture
async def http(sim: SimulatedDiscord) -> AsyncIterator[aiohttp.ClientSession]:
    """A bare client, for what discord.py smooths over."""
    async with aiohttp.ClientSession(headers={"Authorization": f"Bot {sim.app.token}"}) as session:
        yield session


Connect = Callable[..., AbstractAsyncContextManager[Bot]]


@pytest.fixture
def point(sim: SimulatedDiscord, monkeypatch: pytest.MonkeyPatch) -> SimulatedDiscord:
    """The simulated Discord, with discord.py pointed at it."""
    monkeypatch.setattr(Route, "BASE", sim.api_url)
    monkeypatch.setattr(DiscordWebSocket, "DEFAULT_GATEWAY", yarl.URL(sim.gateway.url))
    return sim


@pytest.fixture
def connect(point: SimulatedDiscord) -> Connect:
    sim = point

    @contextlib.asynccontextmanager
    async def connected(
        *, message_content: bool = True, members: bool = False, heartbeat_timeout_s: float = 120.0
    ) -> AsyncIterator[Bot]:
        intents = discord.Intents.default()
        intents.message_content, intents.members = message_content, members
        bot = Bot(intents, heartbeat_timeout_s)
        async with asyncio.TaskGroup() as tasks, bot:
            running = tasks.create_task(bot.start(sim.app.token))
            await sim.gateway.ready()
            await bot.wait_until_ready()
            yield bot
            await bot.close()
            await running

    return connected


class Place:
    """A guild with one channel and one person."""

    def __init__(self, sim: SimulatedDiscord) -> None:
        self.guild = sim.add_guild("Analytical Engines")
        self.channel = sim.add_channel(self.guild, "general")
        self.ada = sim.add_person("Ada", guild=self.guild, roles=["Engineer"])


@pytest.fixture
def place(sim: SimulatedDiscord) -> Place:
    return Place(sim)
