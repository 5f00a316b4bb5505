"""What stands at the other end of a platform: somebody who hears, and a log of what was heard."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from bot.events import Edited, Event, Incoming, Reply, ThreadKey


@dataclass
class Heard:
    """Keeps what it is told. `refuses`: so many events it does not take, as a store that fails; `refused` is set when
    it did not.
    """

    all: list[Event] = field(default_factory=list)
    refuses: int = 0
    refused: asyncio.Event = field(default_factory=asyncio.Event)
    _more: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def __call__(self, event: Event) -> Reply:
        async with self._more:
            if self.refuses:
                self.refuses -= 1
                self.refused.set()
                raise OSError("the disk is full")
            self.all.append(event)
            self._more.notify_all()
        return Reply()

    async def until(self, count: int, kind: type[Event]) -> list[Event]:
        """Return the events of a kind when there are so many."""
        async with asyncio.timeout(120), self._more:
            await self._more.wait_for(lambda: len(self.of(kind)) >= count)
        return self.of(kind)

    def of(self, kind: type[Event]) -> list[Event]:
        return [event for event in self.all if isinstance(event, kind)]

    async def message(self, message_id: str) -> Incoming:
        """Return what was heard of a message."""

        def found() -> list[Incoming]:
            return [one for one in self.all if isinstance(one, Incoming) and one.key.message == message_id]

        async with asyncio.timeout(120), self._more:
            await self._more.wait_for(found)
        return found()[0]


@dataclass
class Inbox:
    """Takes each message once, whatever is handed in twice, as the store does. It outlives the processes of a bot, and
    is its `Checkpoints`, too. `refuses`: so many messages it does not take. `held`: what taking one waits for, if
    given. `noted`: set when a checkpoint is saved.
    """

    accepted: list[Incoming] = field(default_factory=list)
    edited: list[Incoming] = field(default_factory=list)
    refuses: int = 0
    held: asyncio.Event | None = None
    entered: asyncio.Event = field(default_factory=asyncio.Event)
    until_s: float = 0.0
    noted: asyncio.Event = field(default_factory=asyncio.Event)
    _more: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def __call__(self, event: Event) -> Reply:
        message = event.message if isinstance(event, Edited) else event
        if not isinstance(message, Incoming):
            return Reply()
        self.entered.set()
        if self.held is not None:
            await self.held.wait()
        async with self._more:
            if self.refuses:
                self.refuses -= 1
                raise OSError("the disk is full")
            if isinstance(event, Edited):
                self.edited.append(message)
            elif message.key not in [one.key for one in self.accepted]:
                self.accepted.append(message)
            self._more.notify_all()
        return Reply()

    async def until(self, happened: Callable[[], object]) -> None:
        """Return when something has happened by what was taken."""
        async with asyncio.timeout(120), self._more:
            await self._more.wait_for(happened)

    def texts(self) -> list[str]:
        return [message.text for message in self.accepted]

    async def last(self, platform: str) -> float:
        del platform
        return self.until_s

    async def save(self, platform: str, at_s: float) -> None:
        del platform
        self.until_s = max(self.until_s, at_s)
        self.noted.set()

    async def threads(self, platform: str, since_s: float) -> Sequence[ThreadKey]:
        del since_s
        asked = [message.thread for message in reversed(self.accepted) if message.mentions_bot or message.direct]
        return [thread for thread in dict.fromkeys(asked) if thread.platform == platform]

    async def is_ours(self, idempotency_key: str) -> bool:
        del idempotency_key
        return True


class NeverThere:
    """The `Checkpoints` of a bot that was never there before."""

    async def last(self, platform: str) -> float:
        del platform
        return 0.0

    async def save(self, platform: str, at_s: float) -> None:
        """Nobody asks for it."""

    async def threads(self, platform: str, since_s: float) -> Sequence[ThreadKey]:
        del platform, since_s
        return ()

    async def is_ours(self, idempotency_key: str) -> bool:
        """Nobody else uses the bot's account."""
        del idempotency_key
        return True


@asynccontextmanager
async def running(work: Coroutine[Any, Any, None], ready: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Do some work that never ends by itself while inside, from when it is ready."""
    task = asyncio.create_task(work)
    try:
        await ready
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
