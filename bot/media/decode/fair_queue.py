"""Who is next where few can be served at a time: one of each message in turn, so that ten files hold up nobody."""

import asyncio
import heapq
import weakref
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from itertools import count


class Flow:
    """Whose files are read: those of one message share a place in the line."""


_message: ContextVar[Flow | None] = ContextVar("message", default=None)


@contextmanager
def one_message() -> Iterator[None]:
    """What is read inside, also by tasks that begin inside, belongs to one message."""
    token = _message.set(Flow())
    try:
        yield
    finally:
        _message.reset(token)


class FairQueue:
    """Places, given out by start-time fair queueing: a message's second file waits for everybody's first."""

    def __init__(self, places: int) -> None:
        self._free = places
        self._round = 0
        self._numbers = count()
        self._waiting: list[tuple[int, int, asyncio.Future[None]]] = []
        self._next_round: weakref.WeakKeyDictionary[Flow, int] = weakref.WeakKeyDictionary()

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """Have a place while inside."""
        message = _message.get() or Flow()
        rank = max(self._round, self._next_round.get(message, 0))
        self._next_round[message] = rank + 1
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (rank, next(self._numbers), turn))
        self._give_out()
        try:
            await turn
            yield
        finally:
            if turn.done() and not turn.cancelled():
                self._free += 1
            self._give_out()

    def _give_out(self) -> None:
        while self._free and self._waiting:
            rank, _, turn = heapq.heappop(self._waiting)
            if not turn.done():  # else who waited was cancelled
                self._free -= 1
                self._round = max(self._round, rank)
                turn.set_result(None)
