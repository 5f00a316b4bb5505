"""One event of a channel at a time, in the order in which they were said."""

import asyncio
import itertools
from bisect import insort
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass(order=True)
class _Waiter:
    said_s: float
    number: int
    settled: bool = field(default=False, compare=False)
    go: asyncio.Event = field(default_factory=asyncio.Event, compare=False)


class Turns:
    """Lets events through one at a time; of those that wait, what was said first."""

    def __init__(self) -> None:
        self._waiting: list[_Waiter] = []
        self._numbers = itertools.count()
        self._is_taken = False

    @asynccontextmanager
    async def turn(self, said_s: float, settle_s: float = 0.0) -> AsyncIterator[None]:
        """Wait for the turn of what was said at a time, and take it. What was said earlier has `settle_s` seconds to
        come before it.
        """
        waiter = _Waiter(said_s, next(self._numbers))
        insort(self._waiting, waiter)
        try:
            if settle_s:
                await asyncio.sleep(settle_s)
            waiter.settled = True
            self._next()
            await waiter.go.wait()
            yield
        finally:
            if waiter.go.is_set():
                self._is_taken = False
            else:
                self._waiting.remove(waiter)
            self._next()

    def _next(self) -> None:
        if self._waiting and self._waiting[0].settled and not self._is_taken:
            self._is_taken = True
            self._waiting.pop(0).go.set()
