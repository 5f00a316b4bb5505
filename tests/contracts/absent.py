"""Conversations on every platform from which the bot is away for a while."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from typing import Protocol

import engine_room
from contracts.listeners import Inbox, running
from contracts.memory_platform import MENTION, MemoryChat, MemoryPlatform
from contracts.stages import Where

from bot.platforms.discord import DiscordPlatform
from bot.platforms.slack import SlackPlatform
from bot.ports import Platform
from bot.simulator.discord import SimulatedDiscord
from bot.simulator.faults import Fault
from bot.simulator.slack import SimulatedSlack


class Conversation(Protocol):
    """Where somebody speaks to the bot, whether it is there or not."""

    inbox: Inbox
    is_there: bool

    async def say(self, text: str, *, to_bot: bool = True) -> str:
        """Let somebody say something; return the message's id."""
        ...

    async def edit(self, message: str, text: str) -> None:
        """Let them change their words, so that they are for the bot."""
        ...

    def reads_fail(self, times: int) -> None:
        """Let so many attempts to read something back fail."""
        ...

    def reads_are_slow(self) -> None:
        """Let what is read back take a moment."""
        ...

    def process(self) -> Platform:
        """Return the platform as a new process of the bot has it."""
        ...

    async def ready(self) -> None:
        """Wait until the bot is told what happens."""
        ...


@asynccontextmanager
async def there(conversation: Conversation) -> AsyncIterator[None]:
    """The bot is there inside, in a process of its own."""
    inbox = conversation.inbox
    inbox.noted.clear()
    inbox.entered.clear()
    conversation.is_there = True
    try:
        async with running(conversation.process().run(inbox, inbox, inbox.is_ours), conversation.ready()):
            yield
    finally:
        conversation.is_there = False


class OnDiscord:
    def __init__(self, discord: SimulatedDiscord, where: Where) -> None:
        self.discord, self.where, self.inbox = discord, where, Inbox()
        self.is_there = False
        guild = discord.add_guild("Workshop")
        self.channel = discord.add_channel(guild, "general")
        self.ann = discord.add_person("Ann", guild=guild)
        self._place = ""

    async def say(self, text: str, *, to_bot: bool = True) -> str:
        if not self._place:
            self._place = self.channel if self.where == "channel" else self.discord.dm(self.ann)
            if self.where == "thread":
                self._place = await self.discord.open_thread(self.ann, self.channel, "Talk")
        words = f"{self.discord.app.mention} {text}" if to_bot else text
        return (await self.discord.say(self.ann, self._place, words)).id

    async def edit(self, message: str, text: str) -> None:
        await self.discord.edit(self.ann, message, f"{self.discord.app.mention} {text}")

    def reads_fail(self, times: int) -> None:
        self.discord.faults.add(Fault("GET /channels/*/messages", status=503, times=times))

    def reads_are_slow(self) -> None:
        self.discord.faults.add(Fault("GET /channels/*/messages", delay_s=0.3))

    def process(self) -> Platform:
        return DiscordPlatform(
            self.discord.app.token, api_url=self.discord.api_url, gateway_url=self.discord.gateway.url
        )

    async def ready(self) -> None:
        await self.discord.gateway.ready()


class OnSlack:
    def __init__(self, slack: SimulatedSlack, where: Where) -> None:
        self.slack, self.where, self.inbox = slack, where, Inbox()
        self.is_there = False
        self.channel, self.ann = slack.add_channel("general"), slack.add_person("Ann")
        self._root = ""

    async def say(self, text: str, *, to_bot: bool = True) -> str:
        place = self.slack.dm(self.ann) if self.where == "direct" else self.channel
        if self.where == "thread" and not self._root:
            self._root = await self._say(self.channel, "a root")
        return await self._say(place, f"{self.slack.app.mention} {text}" if to_bot else text)

    async def _say(self, place: str, text: str) -> str:
        """Say something; if the bot is not there, Slack does not tell it later either, as after the last retry."""
        if not self.is_there:
            self.slack.events.lose(times=2 if self.slack.app.mention in text and place == self.channel else 1)
        return (await self.slack.say(self.ann, place, text, thread=self._root)).ts

    async def edit(self, message: str, text: str) -> None:
        await self.slack.edit(self.ann, self.channel, message, f"{self.slack.app.mention} {text}")

    def reads_fail(self, times: int) -> None:
        self.slack.faults.add(Fault("conversations.history", status=503, times=times))

    def reads_are_slow(self) -> None:
        self.slack.faults.add(Fault("conversations.history", delay_s=0.3))

    def process(self) -> Platform:
        return SlackPlatform(self.slack.app.bot_token, self.slack.app.app_token, api_url=self.slack.api_url)

    async def ready(self) -> None:
        await self.slack.sockets.ready()


class InMemory:
    def __init__(self, where: Where) -> None:
        self.chat, self.where, self.inbox = MemoryChat(), where, Inbox()
        self.is_there = False
        self._root = ""

    async def say(self, text: str, *, to_bot: bool = True) -> str:
        if self.where == "thread" and not self._root:
            self._root = self.chat.add(engine_room.GRACE, "general", "a root").id
        words, direct = f"{MENTION} {text}" if to_bot else text, self.where == "direct"
        return self.chat.add(engine_room.ADA, "general", words, thread=self._root, direct=direct).id

    async def edit(self, message: str, text: str) -> None:
        self.chat.edit(message, f"{MENTION} {text}")

    def reads_fail(self, times: int) -> None:
        self.chat.unread = times

    def reads_are_slow(self) -> None:
        """They let others go on as it is."""

    def process(self) -> Platform:
        return MemoryPlatform(self.chat)

    async def ready(self) -> None:
        await self.chat.ready()


@asynccontextmanager
async def on_discord(where: Where) -> AsyncIterator[Conversation]:
    async with SimulatedDiscord() as discord:
        yield OnDiscord(discord, where)


@asynccontextmanager
async def on_slack(where: Where) -> AsyncIterator[Conversation]:
    async with SimulatedSlack() as slack:
        yield OnSlack(slack, where)


@asynccontextmanager
async def in_memory(where: Where) -> AsyncIterator[Conversation]:
    yield InMemory(where)


CONVERSATIONS: Mapping[str, Callable[[], AbstractAsyncContextManager[Conversation]]] = {
    "a channel on Discord": partial(on_discord, "channel"),
    "a thread on Discord": partial(on_discord, "thread"),
    "a DM on Discord": partial(on_discord, "direct"),
    "a channel on Slack": partial(on_slack, "channel"),
    "a thread on Slack": partial(on_slack, "thread"),
    "a DM on Slack": partial(on_slack, "direct"),
    "a channel in memory": partial(in_memory, "channel"),
    "a thread in memory": partial(in_memory, "thread"),
    "a DM in memory": partial(in_memory, "direct"),
}
