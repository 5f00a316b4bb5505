"""What stands at the other end of a platform: somebody who hears, and a log of what was heard."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from bot.events import Event, Incoming, Reply, ThreadKey


@dataclass
class Heard:
    """A `Hear` that keeps what it is told. `refuses`: so many events it does not take, as a store that fails; `refused`
    is set when it did not.
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
        del idempotency_key
        return False


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
