"""One turn through the lives of a bot that dies at chosen points, on one platform: what is violated afterwards."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from load import Conversation
from points import Points, Wire, with_points
from process import Row, counted_tokens, rows_of
from pydantic import SecretStr
from talk import LONG, VERY_LONG, answer_to, asked, judged, question, squeezed

from bot import app
from bot.config import ClaudeSettings, DiscordSettings, Secrets, Settings, SlackSettings
from bot.ports import Store
from bot.simulator.claude import Reply, SimulatedClaude
from bot.simulator.discord import SimulatedDiscord
from bot.simulator.slack import SimulatedSlack
from bot.store import BlobLimits, open_store
from bot.telemetry import Emit

PATIENCE_S = 20.0


@dataclass
class Story:
    """What became of one question. `points`: those each life reached; `cut`: how many of the deaths came about."""

    deaths: tuple[int, ...]
    points: list[list[str]] = field(default_factory=list)
    cut: int = 0
    violations: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        where = " then ".join(points[-1] for points in self.points[: self.cut])
        return f"died {where}: {'; '.join(self.violations)}"


class Stage:
    """One simulated platform, Claude, the wire between them and the bot, and one person who asks."""

    def __init__(self, platform: str, directory: Path) -> None:
        self._platform = platform
        self._database = directory / f"{platform}.sqlite3"
        self._number = 0
        self._told: list[tuple[Conversation, str]] = []
        self.discord: SimulatedDiscord | None = None
        self.slack: SimulatedSlack | None = None

    @asynccontextmanager
    async def open(self) -> AsyncIterator["Stage"]:
        async with AsyncExitStack() as stack:
            self._claude = await stack.enter_async_context(SimulatedClaude(otherwise=_reply))
            targets = {"claude": self._claude.base_url}
            if self._platform == "discord":
                self.discord = await stack.enter_async_context(SimulatedDiscord(limits=False))
                targets["discord"] = self.discord.api_url.removesuffix("/api/v10")
                guild = self.discord.add_guild("Analytical Engines")
                self._person, self._channel = self.discord.add_person("Ada", guild=guild), None
                self._channel = self.discord.add_channel(guild, "general")
            else:
                self.slack = await stack.enter_async_context(SimulatedSlack(limits=False))
                self.slack.settings.redeliver_after_s = 60.0  # so that its three retries are for the next lives
                targets["slack"] = self.slack.api_url.removesuffix("/api/")
                self._person, self._channel = self.slack.add_person("Ada"), self.slack.add_channel("general")
            self._wire = await stack.enter_async_context(Wire(targets).open())
            yield self

    async def tell(self, *deaths: int) -> Story:
        """Ask one question of a bot that dies at point `deaths[0]` of its first life, `deaths[1]` of its second, …,
        and whose last life is not cut short.
        """
        self._number += 1
        if self.discord is not None:  # some eight hundred lives, all begun within minutes, are not one application's
            self.discord.gateway.starts.allow(1000, 86_400.0)
        name = f"{LONG if self.discord else VERY_LONG}{self._number:04d}"
        story, known = Story(deaths), 0
        for number, death in enumerate((*deaths, None)):
            points = self._wire.points = Points(death, counting=number > 0)
            row = self._row(name)
            async with self._life(points):
                if number == 0:
                    points.counting = True
                    there = await self._ask(name)
                if row is None or row.state != "delivered":
                    await _end_of(points)
                died = points.dead.is_set()
            story.points.append(points.reached)
            if not died:
                break
            story.cut += 1
            known = self._check_payment(story, name, known)
        self._check_payment(story, name, known)
        self._check(story, there, name)
        self._told.append((there, name))
        return story

    def changed(self) -> list[str]:
        """What is wrong with the answers of all stories so far as they are shown now: nothing came later."""
        found = [judged(self._shown(there), [name]) for there, name in self._told]
        return [f"{kind}: {names[0][:60]}" for wrong in found for kind, names in wrong.items() if names]

    @asynccontextmanager
    async def _life(self, points: Points) -> AsyncIterator[None]:
        """The bot, until the block ends: then it is cancelled wherever it is."""
        bot = asyncio.create_task(_serve(self._settings(), self._secrets(), points), name="bot")
        connected = self.discord.gateway.ready() if self.discord else self.slack.sockets.ready()
        ready = asyncio.create_task(connected)
        dead = asyncio.create_task(points.dead.wait())
        try:
            await asyncio.wait({bot, ready, dead}, return_when=asyncio.FIRST_COMPLETED)
            if bot.done():
                await bot  # raises what it ended with
            yield
        finally:
            points.dead.set()
            for task in (bot, ready, dead):
                task.cancel()
            await asyncio.gather(bot, ready, dead, return_exceptions=True)

    def _row(self, name: str) -> Row | None:
        if not self._database.exists():
            return None
        return next((row for row in rows_of(self._database) if row.token == name), None)

    def _check_payment(self, story: Story, name: str, known: int) -> int:
        """After a life: remember how often Claude was asked, once the answer is recorded; it may not be more later."""
        row = self._row(name)
        calls = self._calls(name)
        if known and calls > known:
            story.violations.append(f"Claude was asked {calls - known} times for an answer that was recorded")
        return calls if row is not None and row.state in {"answered", "delivered"} else known

    def _calls(self, name: str) -> int:
        return sum(name in asked(request.body) for request in self._claude.requests)

    def _check(self, story: Story, there: Conversation, name: str) -> None:
        row = self._row(name)
        if row is None or row.state != "delivered":
            story.violations.append(f"the turn is {row.state if row else 'not accepted'}")
        for kind, found in judged(self._shown(there), [name]).items():
            if found:
                story.violations.append(f"{kind}: {found[0][:60]}")
        billed, counted = self._claude.billed_tokens, counted_tokens(self._database)
        if counted < billed:
            story.violations.append(f"{billed} tokens were billed and {counted} counted")
        if self._calls(name) > story.cut + 1:
            story.violations.append(f"Claude was asked {self._calls(name)} times")

    async def _ask(self, name: str) -> Conversation:
        if self.discord is not None:
            message = await self.discord.say(
                self._person, self._channel, f"{self.discord.app.mention} {question(name)}"
            )
            return Conversation("discord", self._channel, message.id)
        assert self.slack is not None
        said = await self.slack.say(self._person, self._channel, f"{self.slack.app.mention} {question(name)}")
        return Conversation("slack", self._channel, said.ts)

    def _shown(self, there: Conversation) -> str:
        if self.slack is not None:
            me = self.slack.app.bot.id
            lines = [m.shown for m in self.slack.messages(there.channel, there.thread) if m.user == me]
            return squeezed("".join(lines))
        assert self.discord is not None
        if there.thread not in {thread.id for thread in self.discord.threads(there.channel)}:
            return ""
        me = self.discord.app.id
        return squeezed("".join(m.content for m in self.discord.messages(there.thread) if m.author.id == me))

    def _settings(self) -> Settings:
        there = self._wire.url
        platform = (
            {"discord": DiscordSettings(api_url=f"{there}/discord/api/v10", gateway_url=self.discord.gateway.url)}
            if self.discord is not None
            else {"slack": SlackSettings(api_url=f"{there}/slack/api/")}
        )
        return Settings(
            claude=ClaudeSettings(base_url=f"{there}/claude"),
            store={"path": str(self._database)},
            limits={"drain_s": 0},
            **platform,
        )

    def _secrets(self) -> Secrets:
        key = SecretStr(self._claude.api_key)
        if self.discord is not None:
            return Secrets(anthropic_api_key=key, discord_token=SecretStr(self.discord.app.token))
        assert self.slack is not None
        return Secrets(
            anthropic_api_key=key,
            slack_bot_token=SecretStr(self.slack.app.bot_token),
            slack_app_token=SecretStr(self.slack.app.app_token),
        )


async def _end_of(points: Points) -> None:
    """Wait for the death or for the turn's end; if neither comes, what there is will be judged."""
    waits = [asyncio.create_task(points.dead.wait()), asyncio.create_task(points.ended.wait())]
    await asyncio.wait(waits, timeout=PATIENCE_S, return_when=asyncio.FIRST_COMPLETED)
    for task in waits:
        task.cancel()
    await asyncio.gather(*waits, return_exceptions=True)


async def _serve(settings: Settings, secrets: Secrets, points: Points) -> None:
    """The bot, but for its store, which is watched."""

    @asynccontextmanager
    async def watched(path: str, kept: BlobLimits, _: Emit) -> AsyncIterator[Store]:
        async with open_store(path, kept) as store:
            yield with_points(store, points)

    await app.serve(settings, secrets, asyncio.Event(), watched)


def _reply(body: dict[str, object]) -> Reply:
    return Reply(text="\n\n".join(answer_to(name) for name in asked(body)), pieces=12, piece_s=0.02)
