"""A fair queue for work that only few can do at a time: messages take turns, so that ten files delay nobody else."""

import asyncio
import heapq
import weakref
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from itertools import count


class Flow:
    """What the queue is fair between: all files of one message are one flow."""


_message: ContextVar[Flow | None] = ContextVar("message", default=None)


@contextmanager
def one_message() -> Iterator[None]:
    """Count what is read inside, also by tasks that begin inside, as one message's files."""
    token = _message.set(Flow())
    try:
        yield
    finally:
        _message.reset(token)


class FairQueue:
    """Places, granted by start-time fair queueing: a message's second file waits for everybody's first one."""

    def __init__(self, places: int) -> None:
        self._free = places
        self._round = 0
        self._numbers = count()
        self._waiting: list[tuple[int, int, asyncio.Future[None]]] = []
        self._next_round: weakref.WeakKeyDictionary[Flow, int] = weakref.WeakKeyDictionary()

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """Wait for a place, and keep it while inside."""
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
            if not turn.done():  # otherwise the waiting task was cancelled
                self._free -= 1
                self._round = max(self._round, rank)
                turn.set_result(None)
