"""How many channels are read back at once, and which is next: not to be in the way of answers, nor of who waits."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

_AT_ONCE, _SLOT_S = 4, 0.2
"""Channels read side by side, and how long each has its place: so many calls, twenty a second, are not for answers."""


class ReadSlots:
    """Places for reading channels, in the order they were asked for, but `is_urgent` channels first."""

    def __init__(self, is_urgent: Callable[[int], bool]) -> None:
        self._is_urgent = is_urgent
        self._free = _AT_ONCE
        self._waiting: dict[int, asyncio.Future[None]] = {}

    @asynccontextmanager
    async def one(self, channel: int) -> AsyncIterator[None]:
        """Wait for a place and keep it for `_SLOT_S` at least; a channel waits once at a time."""
        loop = asyncio.get_running_loop()
        if self._free:
            self._free -= 1
        else:
            turn = self._waiting[channel] = loop.create_future()
            try:
                await turn
            except asyncio.CancelledError:
                if not turn.cancelled():  # it was given the place at the same moment
                    self._pass_on()
                self._waiting.pop(channel, None)
                raise
        until_s = loop.time() + _SLOT_S
        try:
            yield
        finally:
            loop.call_at(until_s, self._pass_on)

    def _pass_on(self) -> None:
        waiting = [channel for channel, turn in self._waiting.items() if not turn.done()]  # not: cancelled just now
        chosen = next(filter(self._is_urgent, waiting), waiting[0] if waiting else None)
        if chosen is None:
            self._free += 1
        else:
            self._waiting.pop(chosen).set_result(None)
