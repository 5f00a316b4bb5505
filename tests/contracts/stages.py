"""Places where a question was asked, of every implementation of `Surface`, as the people there see them."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Literal, Protocol

import engine_room
import reply_fakes
from contracts.listeners import Heard, NeverThere, running
from contracts.memory_platform import BOT, MENTION, MemoryChat, MemoryPlatform

from bot.errors import Unreachable
from bot.events import Incoming, Said
from bot.platforms.discord import DiscordPlatform
from bot.platforms.slack import SlackPlatform
from bot.platforms.slack.growth.delivery import Delivery
from bot.ports import Platform, Surface
from bot.simulator.discord import SimulatedDiscord
from bot.simulator.faults import Fault
from bot.simulator.slack import SimulatedSlack

Where = Literal["channel", "thread", "direct"]


@dataclass(frozen=True)
class Shown:
    """A message of the bot as people see it."""

    id: str
    text: str
    buttons: int = 0
    files: tuple[str, ...] = ()


class Stage(Protocol):
    """A place where a question was asked. What it shows is only what the bot wrote, oldest first."""

    async def question(self) -> Incoming:
        """Return the question, which is asked once."""
        ...

    async def surface(self) -> Surface:
        """Return the question's place, as a process sees it that knows nothing of any other."""
        ...

    def shown(self) -> list[Shown]:
        """Return the bot's messages."""
        ...

    async def take_away(self, message_id: str) -> None:
        """Let somebody delete a message of the bot's."""
        ...

    def lose_post(self) -> None:
        """Let the next post take effect without an answer."""
        ...

    async def with_talk(self, *texts: str) -> tuple[Surface, Incoming]:
        """Return a question before which people had said something in its thread, and its place."""
        ...


def surface_of(platform: Platform, question: Incoming) -> Surface:
    """Return the place where a question is answered."""
    return platform.surface(question.address, question.key)


class ReplyFake:
    """The chat of the tests of `bot.reply`."""

    def __init__(self) -> None:
        self._chat = reply_fakes.Chat()
        self._chat.latency_s = 0.0

    async def question(self) -> Incoming:
        return engine_room.message(7, "hello")

    async def surface(self) -> Surface:
        return self._chat

    def shown(self) -> list[Shown]:
        files = self._chat.files
        return [
            Shown(one, text, len(self._chat.buttons.get(one, ())), (files[one][0],) if one in files else ())
            for one, text in self._chat.messages.items()
        ]

    async def take_away(self, message_id: str) -> None:
        del self._chat.messages[message_id]

    def lose_post(self) -> None:
        self._chat.faults.append((Unreachable("Nobody answers."), "landed"))

    async def with_talk(self, *texts: str) -> tuple[Surface, Incoming]:
        self._chat.said = [Said(engine_room.GRACE, text) for text in texts]
        return self._chat, await self.question()


class EngineFake:
    """The chat of the tests of `bot.engine`."""

    def __init__(self) -> None:
        self._chat = engine_room.Chat()

    async def question(self) -> Incoming:
        return engine_room.message(7, "hello")

    async def surface(self) -> Surface:
        return surface_of(self._chat, await self.question())

    def shown(self) -> list[Shown]:
        return [
            Shown(one.id, one.text, len(one.buttons), () if one.file is None else (one.text,))
            for one in self._chat.shown.values()
        ]

    async def take_away(self, message_id: str) -> None:
        del self._chat.shown[message_id]

    def lose_post(self) -> None:
        self._chat.lost += 1

    async def with_talk(self, *texts: str) -> tuple[Surface, Incoming]:
        self._chat.before = [Said(engine_room.GRACE, text) for text in texts]
        return await self.surface(), await self.question()


class OnDiscord:
    """The real adapter and discord.py, with the simulated Discord."""

    delivers_again_s = 30.0

    def __init__(self, discord: SimulatedDiscord, where: Where) -> None:
        self.discord, self.where, self.heard = discord, where, Heard()
        guild = discord.add_guild("Workshop")
        self.channel = discord.add_channel(guild, "general")
        self.ann, self.ben = (discord.add_person(name, guild=guild) for name in ("Ann", "Ben"))
        self.platform = DiscordPlatform(
            discord.app.token, api_url=discord.api_url, gateway_url=discord.gateway.url, cdn_hosts=[discord.cdn_host]
        )
        self._question: Incoming | None = None

    async def question(self) -> Incoming:
        """Return what the bot hears of a question, which is asked once."""
        if self._question is None:
            place = self.channel if self.where == "channel" else self.discord.dm(self.ann)
            if self.where == "thread":
                place = await self.discord.open_thread(self.ben, self.channel, "Talk")
            said = await self.discord.say(self.ann, place, f"{self.discord.app.mention} hello", files=[("a.txt", b"a")])
            self._question = await self.heard.message(said.id)
        return self._question

    async def edit(self, text: str) -> None:
        await self.discord.edit(self.ann, (await self.question()).key.message, f"{self.discord.app.mention} {text}")

    async def delete(self) -> None:
        await self.discord.delete((await self.question()).key.message)

    def look_up_fails(self) -> None:
        self.discord.faults.add(Fault("GET /channels/*/messages/*", status=503))

    async def surface(self) -> Surface:
        return surface_of(self.platform, await self.question())

    def shown(self) -> list[Shown]:
        assert self._question is not None
        places = [self._question.key.channel]
        if self.where == "channel":
            places += [thread.id for thread in self.discord.threads(self.channel)]
        return [
            Shown(m.id, m.content, len(m.buttons), tuple(file.name for file in m.attachments))
            for place in places
            for m in self.discord.messages(place)
            if m.author.id == self.discord.app.id
        ]

    async def take_away(self, message_id: str) -> None:
        await self.discord.delete(message_id)

    def lose_post(self) -> None:
        self.discord.faults.add(Fault("POST /channels/*/messages", status=503, after=True))

    async def with_talk(self, *texts: str) -> tuple[Surface, Incoming]:
        root = await self.discord.say(self.ben, self.channel, texts[0])
        thread = await self.discord.open_thread(self.ben, self.channel, "Talk", on=root.id)
        for text in texts[1:]:
            await self.discord.say(self.ben, thread, text)
        said = await self.discord.say(self.ann, thread, f"{self.discord.app.mention} and you?")
        question = await self.heard.message(said.id)
        return surface_of(self.platform, question), question


class OnSlack:
    """The real adapter and slack-bolt, with the simulated Slack."""

    delivers_again_s = 0.3

    def __init__(self, slack: SimulatedSlack, where: Where, delivery: Delivery) -> None:
        self.slack, self.where, self.heard = slack, where, Heard()
        self.channel = slack.add_channel("general")
        self.ann, self.ben = slack.add_person("Ann"), slack.add_person("Ben")
        self.platform = SlackPlatform(
            slack.app.bot_token,
            slack.app.app_token,
            api_url=slack.api_url,
            file_hosts=[slack.file_host],
            delivery=delivery,
        )
        self._question: Incoming | None = None

    async def question(self) -> Incoming:
        """Return what the bot hears of a question, which is asked once."""
        if self._question is None:
            place, thread = self.channel, ""
            if self.where == "direct":
                place = self.slack.dm(self.ann)
            elif self.where == "thread":
                thread = (await self.slack.say(self.ben, place, "a root")).ts
            text = f"{self.slack.app.mention} hello"
            said = await self.slack.say(self.ann, place, text, thread=thread, files=[("a.txt", b"a")])
            self._question = await self.heard.message(said.ts)
        return self._question

    async def edit(self, text: str) -> None:
        key = (await self.question()).key
        await self.slack.edit(self.ann, key.channel, key.message, f"{self.slack.app.mention} {text}")

    async def delete(self) -> None:
        key = (await self.question()).key
        await self.slack.delete(key.channel, key.message)

    def look_up_fails(self) -> None:
        self.slack.faults.add(Fault("conversations.replies", status=503))

    async def surface(self) -> Surface:
        return surface_of(self.platform, await self.question())

    def shown(self) -> list[Shown]:
        assert self._question is not None
        thread = self._question.thread
        return [
            Shown(m.ts, m.shown, len(m.buttons), tuple(file.name for file in m.files))
            for m in self.slack.messages(thread.channel, thread.thread)
            if m.user == self.slack.app.bot.id
        ]

    async def take_away(self, message_id: str) -> None:
        await self.slack.delete((await self.question()).key.channel, message_id)

    def lose_post(self) -> None:
        self.slack.faults.add(Fault("chat.postMessage", status=503, after=True))

    async def with_talk(self, *texts: str) -> tuple[Surface, Incoming]:
        root = await self.slack.say(self.ben, self.channel, texts[0])
        for text in texts[1:]:
            await self.slack.say(self.ben, self.channel, text, thread=root.ts)
        said = await self.slack.say(self.ann, self.channel, f"{self.slack.app.mention} and you?", thread=root.ts)
        question = await self.heard.message(said.ts)
        return surface_of(self.platform, question), question


class InMemory:
    """The third adapter."""

    delivers_again_s = 0.0

    def __init__(self, where: Where) -> None:
        self.chat, self.where, self.heard = MemoryChat(), where, Heard()
        self.platform = MemoryPlatform(self.chat)
        self._question: Incoming | None = None

    async def question(self) -> Incoming:
        """Return what the bot hears of a question, which is asked once."""
        if self._question is None:
            thread = self.chat.add(engine_room.GRACE, "general", "a root").id if self.where == "thread" else ""
            direct = self.where == "direct"
            said = self.chat.add(
                engine_room.ADA, "general", f"{MENTION} hello", thread=thread, direct=direct, files=(("a.txt", b"a"),)
            )
            self._question = await self.heard.message(said.id)
        return self._question

    async def edit(self, text: str) -> None:
        self.chat.edit((await self.question()).key.message, f"{MENTION} {text}")

    async def delete(self) -> None:
        self.chat.delete((await self.question()).key.message)

    def look_up_fails(self) -> None:
        self.chat.lost += 1

    async def surface(self) -> Surface:
        return surface_of(self.platform, await self.question())

    def shown(self) -> list[Shown]:
        return [
            Shown(m.id, m.text, len(m.buttons), tuple(name for name, _ in m.files))
            for m in self.chat.messages.values()
            if m.author == BOT
        ]

    async def take_away(self, message_id: str) -> None:
        self.chat.delete(message_id)

    def lose_post(self) -> None:
        self.chat.lost += 1

    async def with_talk(self, *texts: str) -> tuple[Surface, Incoming]:
        root = self.chat.add(engine_room.GRACE, "general", texts[0])
        for text in texts[1:]:
            self.chat.add(engine_room.GRACE, "general", text, thread=root.id)
        said = self.chat.add(engine_room.ADA, "general", f"{MENTION} and you?", thread=root.id)
        question = await self.heard.message(said.id)
        return surface_of(self.platform, question), question


@asynccontextmanager
async def in_memory(where: Where) -> AsyncIterator[InMemory]:
    stage = InMemory(where)
    async with running(stage.platform.run(stage.heard, NeverThere(), NeverThere().is_ours), stage.chat.ready()):
        yield stage


@asynccontextmanager
async def _fake(make: Callable[[], Stage]) -> AsyncIterator[Stage]:
    yield make()


@asynccontextmanager
async def on_discord(where: Where) -> AsyncIterator[OnDiscord]:
    async with SimulatedDiscord() as discord:
        stage = OnDiscord(discord, where)
        async with running(
            stage.platform.run(stage.heard, NeverThere(), NeverThere().is_ours), discord.gateway.ready()
        ):
            yield stage


@asynccontextmanager
async def on_slack(where: Where, delivery: Delivery = "edit") -> AsyncIterator[OnSlack]:
    async with SimulatedSlack() as slack:
        slack.settings.redeliver_after_s = 0.3
        stage = OnSlack(slack, where, delivery)
        async with running(stage.platform.run(stage.heard, NeverThere(), NeverThere().is_ours), slack.sockets.ready()):
            yield stage


class PlatformStage(Stage, Protocol):
    """A stage of a real platform, where the question can be changed, too, and what was heard is known.

    `delivers_again_s`: what was not taken comes once more within so long.
    """

    heard: Heard
    delivers_again_s: float

    @property
    def platform(self) -> Platform: ...

    async def edit(self, text: str) -> None:
        """Let who asked change the question's words."""
        ...

    async def delete(self) -> None:
        """Let who asked delete the question."""
        ...

    def look_up_fails(self) -> None:
        """Let the next look at a message fail."""
        ...


PLATFORMS: Mapping[str, Callable[[], AbstractAsyncContextManager[PlatformStage]]] = {
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
STAGES: Mapping[str, Callable[[], AbstractAsyncContextManager[Stage]]] = {
    "the reply's fake": partial(_fake, ReplyFake),
    "the engine's fake": partial(_fake, EngineFake),
    "a stream on Slack": partial(on_slack, "channel", "stream"),
    **PLATFORMS,
}
