"""What is written into the log, for tests that wait for it."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from structlog.typing import EventDict


class Logs(list[EventDict]):
    """What is written into the log; it can be waited for."""

    def __init__(self) -> None:
        super().__init__()
        self._more = asyncio.Event()

    def __call__(self, _: object, __: str, entry: EventDict) -> EventDict:
        self.append(entry)
        self._more.set()
        raise structlog.DropEvent

    def of(self, event: str) -> list[EventDict]:
        return [entry for entry in self if entry["event"] == event]

    async def until(self, event: str, times: int = 1) -> list[EventDict]:
        async with asyncio.timeout(120):
            while len(found := self.of(event)) < times:
                self._more.clear()
                await self._more.wait()
        return found


@contextmanager
def capture_logs() -> Iterator[Logs]:
    processors, logs = structlog.get_config()["processors"], Logs()
    before = [*processors]
    try:
        processors[:] = [logs]
        structlog.configure(processors=processors)
        yield logs
    finally:
        processors[:] = before
        structlog.configure(processors=processors)
