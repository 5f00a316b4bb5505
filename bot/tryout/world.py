"""A small world to try the bot in: two platforms, two people, and the real bot between them."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from bot import app
from bot.config import ClaudeSettings, DiscordSettings, Secrets, Settings, SlackSettings, StoreSettings
from bot.simulator.changes import Change, Changes
from bot.simulator.claude import Pace, SimulatedClaude
from bot.simulator.discord import Person as DiscordPerson
from bot.simulator.discord import SimulatedDiscord
from bot.simulator.slack import Person as SlackPerson
from bot.simulator.slack import SimulatedSlack
from bot.store import open_store
from bot.tasks import Tasks
from bot.telemetry import Sink, to_log

File = tuple[str, bytes]


@dataclass(frozen=True, slots=True)
class Room:
    """Where a person can write. `thread` is a Discord thread's id or a Slack `thread_ts`; "" is the channel itself."""

    platform: str
    name: str
    channel: str
    direct: bool = False
    thread: str = ""

    @property
    def title(self) -> str:
        """What a person calls it."""
        return f"{self.platform.capitalize()} {self.name}{' › thread' if self.thread else ''}"


@dataclass(frozen=True, slots=True)
class Line:
    """One message as a person sees it now. `edits` counts the changes since it was posted."""

    message: str
    author: str
    text: str
    by_bot: bool
    edits: int
    files: tuple[str, ...] = ()
    buttons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ShownAnswer:
    """The answer to a message: its place, and its lines as they are shown now."""

    place: Room
    message: str
    lines: tuple[Line, ...]

    @property
    def text(self) -> str:
        """All of the answer's messages, joined."""
        return "\n".join(line.text for line in self.lines)


class Bot:
    """The real bot as a task of its own, which can be stopped and started again on the same database."""

    def __init__(self, settings: Settings, secrets: Secrets) -> None:
        self.settings = settings
        self._secrets = secrets
        self.open_store: app.OpenStore = open_store
        self.connect: app.Connect = app.platforms
        self.sinks: Sequence[Sink] = (to_log,)
        self._stop = asyncio.Event()
        self._tasks = Tasks()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Start the bot; `failed` shows whether it ended by itself."""
        self._stop = asyncio.Event()
        self._task = self._tasks.start(
            app.serve(
                self.settings, self._secrets, self._stop, self.open_store, connect=self.connect, sinks=self.sinks
            ),
            "bot",
        )

    async def stop(self) -> None:
        """End the bot as a signal would, and wait until it is gone. Raise what it failed with."""
        self._stop.set()
        if self._task:
            await self._task

    async def kill(self) -> None:
        """Cancel the bot, whatever it is doing."""
        await self._tasks.close()

    async def alive_until(self, *ready: Coroutine[Any, Any, None]) -> None:
        """Wait for all of `ready`. If the bot ends first, raise at once what it failed with."""
        assert self._task is not None
        waiting = {self._tasks.start(one, "ready") for one in ready}
        while waiting:
            done, _ = await asyncio.wait({self._task, *waiting}, return_when=asyncio.FIRST_COMPLETED)
            if self._task in done:
                for task in waiting:
                    task.cancel()
                await asyncio.gather(*waiting, return_exceptions=True)
            for task in done:
                task.result()
            waiting -= done


class World:
    """The simulated platforms with people in them, and the bot."""

    def __init__(self, discord: SimulatedDiscord, slack: SimulatedSlack, claude: SimulatedClaude, bot: Bot) -> None:
        self.discord = discord
        self.slack = slack
        self.claude = claude
        self.bot = bot
        self.guild = discord.add_guild("Analytical Engines")
        self._discord_people: dict[str, DiscordPerson] = {}
        self._slack_people: dict[str, SlackPerson] = {}
        for name in ("Ada", "Grace"):
            self.add_person("discord", name)
            self.add_person("slack", name)
        self.places: tuple[Room, ...] = (
            Room("discord", "#general", discord.add_channel(self.guild, "general")),
            Room("discord", "DM", discord.dm(self._discord_people["Ada"]), direct=True),
            Room("slack", "#general", slack.add_channel("general")),
            Room("slack", "DM", slack.dm(self._slack_people["Ada"]), direct=True),
        )

    def add_person(self, platform: str, name: str, *, bot: bool = False) -> str:
        """Add a person (or another bot); return the name to use for them."""
        if platform == "discord":
            self._discord_people[name] = self.discord.add_person(name, guild=self.guild, bot=bot)
        else:
            self._slack_people[name] = self.slack.add_person(name, bot=bot)
        return name

    def person_id(self, platform: str, name: str) -> str:
        """Return a person's id on a platform."""
        return (self._discord_people if platform == "discord" else self._slack_people)[name].id

    def discord_person(self, name: str) -> DiscordPerson:
        """Return a person on Discord, for actions that only Discord has."""
        return self._discord_people[name]

    def slack_person(self, name: str) -> SlackPerson:
        """Return a person on Slack, for actions that only Slack has."""
        return self._slack_people[name]

    async def open_thread(self, who: str, place: Room, message: str) -> Room:
        """Open a thread on a message as a person (on Slack, every message is one already); return it."""
        if place.platform == "discord":
            await self.discord.open_thread(self._discord_people[who], place.channel, "a thread", on=message)
        return replace(place, thread=message)

    def mention(self, platform: str) -> str:
        """Return how the bot is mentioned there."""
        return self.discord.app.mention if platform == "discord" else self.slack.app.mention

    def changes(self, platform: str) -> Changes:
        """Return the changes on a platform."""
        return self.discord.changes if platform == "discord" else self.slack.changes

    async def say(
        self,
        who: str,
        place: Room,
        text: str,
        files: Sequence[File] = (),
        *,
        reply_to: str | None = None,
        stickers: Sequence[str] = (),
    ) -> str:
        """Write as a person; return the message's id. `@parley` in the text is a mention of the bot.

        `reply_to`: the message it replies to, and `stickers`: names of stickers, on Discord.
        """
        text = text.replace("@parley", self.mention(place.platform)).replace("@Parley", self.mention(place.platform))
        if place.platform == "discord":
            writer, where = self._discord_people[who], place.thread or place.channel
            said = await self.discord.say(writer, where, text, files=list(files), reply_to=reply_to, stickers=stickers)
            return said.id
        member = self._slack_people[who]
        return (await self.slack.say(member, place.channel, text, files=list(files), thread=place.thread)).ts

    async def press(self, who: str, place: Room, message: str, label: str) -> str:
        """Press a button on a message; return the whisper to the presser. Raise `LookupError` if there is none."""
        if place.platform == "discord":
            return await self.discord.press(self._discord_people[who], message, label)
        return await self.slack.press(self._slack_people[who], place.channel, message, label)

    async def press_native_stop(self, who: str, place: Room) -> None:
        """Press the Stop button that Slack itself shows beside an agent's session."""
        await self.slack.press_stop(self._slack_people[who], place.channel, place.thread)

    async def react(self, who: str, place: Room, message: str) -> None:
        """Put a ❌ on a message."""
        if place.platform == "discord":
            await self.discord.react(self._discord_people[who], message, "❌")
        else:
            await self.slack.react(self._slack_people[who], place.channel, message, "x")

    async def edit(self, who: str, place: Room, message: str, text: str) -> None:
        """Change a person's own message; `@parley` in the text is a mention of the bot."""
        text = text.replace("@parley", self.mention(place.platform))
        if place.platform == "discord":
            await self.discord.edit(self._discord_people[who], message, text)
        else:
            await self.slack.edit(self._slack_people[who], place.channel, message, text)

    async def delete(self, place: Room, message: str) -> None:
        """Delete a message."""
        if place.platform == "discord":
            await self.discord.delete(message)
        else:
            await self.slack.delete(place.channel, message)

    def answered_in(self, place: Room, message: str) -> Room:
        """Return where the answer to a message will be: the thread it opens, or the place itself."""
        opens_thread = not place.thread and not (place.platform == "discord" and place.direct)
        return replace(place, thread=message) if opens_thread else place

    def lines(self, place: Room) -> list[Line]:
        """Return the messages of a place as they are shown now, oldest first; a thread begins with its root."""
        return self._discord_lines(place) if place.platform == "discord" else self._slack_lines(place)

    def _discord_lines(self, place: Room) -> list[Line]:
        messages = self.discord.messages(place.channel)
        if place.thread:
            is_open = place.thread in {thread.id for thread in self.discord.threads(place.channel)}
            replies = self.discord.messages(place.thread) if is_open else []
            messages = [message for message in messages if message.id == place.thread] + replies
        me = self.discord.app.id
        return [
            Line(m.id, m.author.name, self._read(m.content), m.author.id == me, len(m.versions) - 1,
                 tuple(file.name for file in m.attachments), tuple(m.buttons))
            for m in messages
        ]  # fmt: skip

    def _slack_lines(self, place: Room) -> list[Line]:
        names = {person.id: name for name, person in self._slack_people.items()}
        me = self.slack.app.bot.id
        return [
            Line(m.ts, names.get(m.user, "Parley"), self._read(m.shown), m.user == me, len(m.versions) - 1,
                 tuple(file.name for file in m.files), tuple(m.buttons))
            for m in self.slack.messages(place.channel, place.thread)
        ]  # fmt: skip

    def _read(self, text: str) -> str:
        """Return text with the bot's mention as people see it."""
        return text.replace(self.discord.app.mention, "@Parley").replace(self.slack.app.mention, "@Parley")

    def answer(self, there: Room, message: str) -> ShownAnswer:
        """Return what the bot has posted in a place after a message, as it is shown now."""
        return ShownAnswer(there, message, tuple(li for li in self.lines(there) if li.by_bot and li.message > message))

    async def ask(
        self,
        who: str,
        place: Room,
        text: str,
        files: Sequence[File] = (),
        *,
        reply_to: str | None = None,
        timeout_s: float = 60.0,
    ) -> ShownAnswer:
        """Write as a person and wait for the whole answer. Raise `TimeoutError` if it does not arrive whole and once.

        Whole: the visible messages hold exactly what Claude wrote, white space aside, which a page's end may take away.
        """
        turn = len(self.claude.requests)
        since = len(self.changes(place.platform).seen)
        message = await self.say(who, place, text, files, reply_to=reply_to)
        there = self.answered_in(place, message)

        def is_whole(change: Change) -> bool:
            asked = self.claude.requests[turn:]
            if not asked or not asked[0].done or not self.is_in(there, change):
                return False
            return "".join(self.answer(there, message).text.split()) == "".join(asked[0].answer.split())

        await self.changes(place.platform).wait(is_whole, since=since, timeout_s=timeout_s)
        return self.answer(there, message)

    def is_in(self, place: Room, change: Change) -> bool:
        """Return whether a change happened in a place."""
        if place.platform == "discord":
            return change.place == (place.thread or place.channel)
        return change.place == place.channel and change.thread in {place.thread, ""}

    async def start_bot(self) -> None:
        """Start the bot and wait until both platforms see it. Raise what it failed with."""
        self.bot.start()
        await self.bot.alive_until(self.discord.gateway.ready(), self.slack.sockets.ready())

    async def restart_bot(self) -> None:
        """Stop the bot cleanly and start it again on the same database."""
        await self.bot.stop()
        await self.start_bot()


@asynccontextmanager
async def world(key: SecretStr, pace: Pace, kind: type[World] = World, *, limits: bool = True) -> AsyncIterator[World]:
    """Run a world; everything of it, its database too, is gone afterwards. An empty key: Claude is simulated too.

    `kind`: a world with more platforms in it. `limits` False: the platforms' rate limits are off.
    """
    async with AsyncExitStack() as stack:
        directory = stack.enter_context(tempfile.TemporaryDirectory(prefix="parley-"))
        discord = await stack.enter_async_context(SimulatedDiscord(limits=limits))
        slack = await stack.enter_async_context(SimulatedSlack(limits=limits))
        claude = await stack.enter_async_context(SimulatedClaude(pace=pace))
        given = bool(key.get_secret_value())
        settings = Settings(
            claude=ClaudeSettings() if given else ClaudeSettings(base_url=claude.base_url),
            store=StoreSettings(path=str(Path(directory) / "parley.sqlite3")),
            discord=DiscordSettings(
                api_url=discord.api_url, gateway_url=discord.gateway.url, cdn_hosts=(discord.cdn_host,)
            ),
            slack=SlackSettings(api_url=slack.api_url, file_hosts=(slack.file_host,)),
        )
        secrets = Secrets(
            anthropic_api_key=key if given else SecretStr(claude.api_key),
            discord_token=SecretStr(discord.app.token),
            slack_bot_token=SecretStr(slack.app.bot_token),
            slack_app_token=SecretStr(slack.app.app_token),
        )
        bot = Bot(settings, secrets)
        here = kind(discord, slack, claude, bot)
        stack.push_async_callback(bot.kill)
        await here.start_bot()
        yield here
