"""The real slack-bolt in the bot's adapter, against the simulated Slack: one channel, three people."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import TypeVar

import pytest
from contracts.listeners import NeverThere

from bot.events import Event, Incoming, Reply
from bot.platforms.slack import SlackPlatform
from bot.platforms.slack.growth.delivery import Delivery
from bot.platforms.slack.surface import SlackSurface
from bot.simulator.slack import Message, Person, SimulatedSlack

E = TypeVar("E", bound=Event)


@dataclass
class Heard:
    """An `EventHandler` that keeps what it was told, says a sentence, and can be made to fail or to wait."""

    all: list[Event] = field(default_factory=list)
    sentence: str = ""
    fail_with: Exception | None = None
    go_on: asyncio.Event = field(default_factory=asyncio.Event)
    entered: asyncio.Event = field(default_factory=asyncio.Event)
    _arrived: asyncio.Queue[Event] = field(default_factory=asyncio.Queue)

    def __post_init__(self) -> None:
        self.go_on.set()

    async def __call__(self, event: Event) -> Reply:
        self.entered.set()
        await self.go_on.wait()
        if self.fail_with is not None:
            error, self.fail_with = self.fail_with, None
            raise error
        self.all.append(event)
        self._arrived.put_nowait(event)
        return Reply(self.sentence)

    async def next(self, kind: type[E]) -> E:
        """The next event of a kind; those of other kinds before it are passed over."""
        async with asyncio.timeout(120):
            while not isinstance(event := await self._arrived.get(), kind):
                pass
        return event


@dataclass
class Scene:
    """A bot that is connected."""

    slack: SimulatedSlack
    platform: SlackPlatform
    heard: Heard
    channel: str
    ann: Person
    ben: Person
    robot: Person
    running: "asyncio.Task[None]"

    async def say(
        self, text: str = "{bot} hello", where: str = "", *, who: Person | None = None, **more: object
    ) -> Message:
        """Somebody (Ann) says something. `{bot}`, `{ben}`: mentions."""
        text = text.format(bot=self.slack.app.mention, ben=f"<@{self.ben.id}>", ann=f"<@{self.ann.id}>")
        return await self.slack.say(who or self.ann, where or self.channel, text, **more)  # type: ignore[arg-type]

    async def asked(self, text: str = "{bot} hello", where: str = "", **more: object) -> Incoming:
        """Somebody says something; what the bot hears of it."""
        message = await self.say(text, where, **more)  # type: ignore[arg-type]
        while (heard := await self.heard.next(Incoming)).key.message != message.ts:
            pass
        return heard

    def at(self, question: Incoming) -> SlackSurface:
        """Return the place where a question is answered."""
        return self.platform.surface(question.address, question.key)

    async def surface(self) -> SlackSurface:
        """The place where a new question of Ann's is answered."""
        return self.at(await self.asked())

    def calls(self, method: str) -> int:
        return sum(call.method == method for call in self.slack.api.calls)

    def own(self, thread: str) -> list[Message]:
        """What the bot has written in a thread."""
        return [m for m in self.slack.messages(self.channel, thread) if m.user == self.slack.app.bot.id]


def platform_for(slack: SimulatedSlack, delivery: Delivery = "edit") -> SlackPlatform:
    return SlackPlatform(
        slack.app.bot_token, slack.app.app_token, api_url=slack.api_url, file_hosts=[slack.file_host], delivery=delivery
    )


async def cancel(task: "asyncio.Task[None]") -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@asynccontextmanager
async def _connected(*, limits: bool = True, deny: str = "", delivery: Delivery = "edit") -> AsyncIterator[Scene]:
    async with SimulatedSlack(limits=limits) as slack:
        slack.settings.redeliver_after_s = 0.3
        channel = slack.add_channel("general")
        ann, ben = slack.add_person("Ann"), slack.add_person("Ben")
        robot = slack.add_person("Robot", bot=True)
        if deny:
            slack.app.deny(deny)
        platform, heard = platform_for(slack, delivery), Heard()
        running = asyncio.create_task(platform.run(heard, NeverThere(), NeverThere().is_ours))
        try:
            await slack.sockets.ready()
            yield Scene(slack, platform, heard, channel, ann, ben, robot, running)
        finally:
            await cancel(running)


@pytest.fixture
def connected() -> Callable[..., AbstractAsyncContextManager[Scene]]:
    return _connected


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    async with _connected() as connected:
        yield connected
