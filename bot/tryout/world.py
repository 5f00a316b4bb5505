"""A small world to try the bot in: two platforms, two people, and the real bot between them."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import SecretStr

from bot import app
from bot.config import ClaudeSettings, DiscordSettings, Secrets, Settings, SlackSettings, StoreSettings
from bot.simulator.changes import Change, Changes
from bot.simulator.claude import Pace, SimulatedClaude
from bot.simulator.discord import SimulatedDiscord
from bot.simulator.slack import SimulatedSlack

File = tuple[str, bytes]
Kind = Literal["discord", "slack"]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a person can write. `thread` is a Discord thread's id or a Slack `thread_ts`; "" is the channel itself."""

    platform: Kind
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


class Bot:
    """The real bot as a task of its own, which can be stopped and started again on the same database."""

    def __init__(self, settings: Settings, secrets: Secrets) -> None:
        self._settings = settings
        self._secrets = secrets
        self._stop = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Start the bot; `failed` tells if it ended by itself."""
        self._stop = asyncio.Event()
        self._task = asyncio.create_task(app.serve(self._settings, self._secrets, self._stop), name="bot")

    async def stop(self) -> None:
        """End the bot as a signal would, and wait until it is gone. Raises what it failed with."""
        self._stop.set()
        if self._task:
            await self._task

    async def kill(self) -> None:
        """Cancel the bot wherever it is."""
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def alive_until(self, ready: Sequence[asyncio.Task[None]]) -> None:
        """Wait for the tasks, but raise at once what the bot failed with if it ends before them."""
        assert self._task is not None
        waiting = asyncio.gather(*ready)
        await asyncio.wait({self._task, waiting}, return_when=asyncio.FIRST_COMPLETED)
        if self._task.done():
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)
            self._task.result()
        await waiting


class World:
    """The simulated platforms with people in them, and the bot."""

    def __init__(self, discord: SimulatedDiscord, slack: SimulatedSlack, claude: SimulatedClaude, bot: Bot) -> None:
        self.discord = discord
        self.slack = slack
        self.claude = claude
        self.bot = bot
        guild = discord.add_guild("Analytical Engines")
        self._people = {
            "discord": {name: discord.add_person(name, guild=guild) for name in ("Ada", "Grace")},
            "slack": {name: slack.add_person(name) for name in ("Ada", "Grace")},
        }
        self.places = (
            Place("discord", "#general", discord.add_channel(guild, "general")),
            Place("discord", "DM", discord.dm(self._people["discord"]["Ada"]), direct=True),
            Place("slack", "#general", slack.add_channel("general")),
            Place("slack", "DM", slack.dm(self._people["slack"]["Ada"]), direct=True),
        )

    def mention(self, platform: Kind) -> str:
        """Return how the bot is mentioned there."""
        return self.discord.mention if platform == "discord" else self.slack.mention

    def changes(self, platform: Kind) -> Changes:
        """Return what happens on a platform."""
        return self.discord.changes if platform == "discord" else self.slack.changes

    async def say(self, who: str, place: Place, text: str, files: Sequence[File] = ()) -> str:
        """Write as a person; return the message's id. `@parley` in the text is a mention of the bot."""
        text = text.replace("@parley", self.mention(place.platform)).replace("@Parley", self.mention(place.platform))
        person = self._people[place.platform][who]
        if place.platform == "discord":
            return (await self.discord.say(person, place.thread or place.channel, text, files=list(files))).id
        return (await self.slack.say(person, place.channel, text, files=list(files), thread=place.thread)).ts

    def answered_in(self, place: Place, message: str) -> Place:
        """Return where the answer to a message will be: the thread it opens, or the place itself."""
        opens_thread = not place.thread and not (place.platform == "discord" and place.direct)
        return Place(place.platform, place.name, place.channel, place.direct, message) if opens_thread else place

    def lines(self, place: Place) -> list[Line]:
        """Return the messages of a place as they are shown now, oldest first."""
        if place.platform == "discord":
            return [
                Line(m.id, m.author.name, m.content, m.author.id == self.discord.bot_id, len(m.versions) - 1,
                     tuple(file.name for file in m.attachments))
                for m in self.discord.messages(place.thread or place.channel)
            ]  # fmt: skip
        names = {person.id: name for name, person in self._people["slack"].items()}
        return [
            Line(m.ts, names.get(m.user, "Parley"), m.shown, m.user == self.slack.bot_user_id, len(m.versions) - 1,
                 tuple(file.name for file in m.files))
            for m in self.slack.messages(place.channel, place.thread)
        ]  # fmt: skip

    def is_in(self, place: Place, change: Change) -> bool:
        """Say whether a change happened in a place."""
        if place.platform == "discord":
            return change.place == (place.thread or place.channel)
        return change.place == place.channel and change.thread in {place.thread, ""}

    async def start_bot(self) -> None:
        """Start the bot and wait until both platforms see it. Raises what it failed with."""
        self.bot.start()
        ready = [asyncio.create_task(self.discord.ready()), asyncio.create_task(self.slack.ready())]
        await self.bot.alive_until(ready)

    async def restart_bot(self) -> None:
        """Stop the bot cleanly and start it again on the same database."""
        await self.bot.stop()
        await self.start_bot()


@asynccontextmanager
async def world(key: SecretStr, pace: Pace) -> AsyncIterator[World]:
    """Run a world; everything of it, its database too, is gone afterwards. An empty key: Claude is simulated too."""
    async with AsyncExitStack() as stack:
        directory = stack.enter_context(tempfile.TemporaryDirectory(prefix="parley-"))
        discord = await stack.enter_async_context(SimulatedDiscord())
        slack = await stack.enter_async_context(SimulatedSlack())
        claude = await stack.enter_async_context(SimulatedClaude(pace=pace))
        given = bool(key.get_secret_value())
        settings = Settings(
            claude=ClaudeSettings() if given else ClaudeSettings(base_url=claude.base_url),
            store=StoreSettings(path=str(Path(directory) / "parley.sqlite3")),
            discord=DiscordSettings(
                api_url=discord.api_url, gateway_url=discord.gateway_url, cdn_hosts=(discord.cdn_host,)
            ),
            slack=SlackSettings(api_url=slack.api_url, file_hosts=(slack.file_host,)),
        )
        secrets = Secrets(
            anthropic_api_key=key if given else SecretStr(claude.api_key),
            discord_token=SecretStr(discord.token),
            slack_bot_token=SecretStr(slack.bot_token),
            slack_app_token=SecretStr(slack.app_token),
        )
        bot = Bot(settings, secrets)
        here = World(discord, slack, claude, bot)
        stack.push_async_callback(bot.kill)
        await here.start_bot()
        yield here
