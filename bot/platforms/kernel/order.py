"""Hands on the events of a channel one at a time, in order: of two that wait, the earlier one goes first."""

import asyncio
import itertools
import math
from bisect import insort
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self

Settle = Callable[[], Awaitable[object]]
"""What an event waits for before it may be handed on; until then, lower-ranked ones may still join ahead of it."""


class ChannelOrder:
    """A line for each channel."""

    def __init__(self) -> None:
        self._lines: dict[str, _Line] = {}
        self._numbers = itertools.count()

    def slot(
        self, channel: str, rank: float = 0.0, *, settle: Settle | None = None, since_s: float = math.inf
    ) -> "Slot":
        """Join a channel's line at once and return the slot: the event is handed on inside `async with`, which must
        follow.

        The lowest `rank` that waits goes first; of equal ones, the one that joined first. Lower-ranked events may join
        ahead until `settle` is over. `since_s`: when the event was written, in seconds since 1970, for
        `waiting_since_s`.
        """
        line = self._lines.setdefault(channel, _Line(self, channel))
        return line.join(Slot(line, (rank, next(self._numbers)), settle, since_s))

    def waiting_since_s(self) -> float:
        """Return when the earliest event that is not fully handled was written; infinity if there is none."""
        return min((slot.since_s for line in self._lines.values() for slot in line.slots()), default=math.inf)

    def forget(self, channel: str) -> None:
        """Drop an empty line."""
        self._lines.pop(channel, None)


class Slot:
    """One event's place in its channel's line."""

    def __init__(self, line: "_Line", place: tuple[float, int], settle: Settle | None, since_s: float) -> None:
        self.place = place
        self.since_s = since_s
        self.settled = False
        self.go = asyncio.Event()
        self._line = line
        self._settle = settle

    async def __aenter__(self) -> Self:
        """Wait until it is this event's turn."""
        try:
            if self._settle is not None:
                await self._settle()
            self.settled = True
            self._line.go_on()
            await self.go.wait()
        except BaseException:
            self._line.leave(self)
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let the next one through, however this one ended."""
        self._line.leave(self)


class _Line:
    """The slots of one channel: who waits, in order, and who has been let through."""

    def __init__(self, order: ChannelOrder, channel: str) -> None:
        self.waiting: list[Slot] = []
        self._order = order
        self._channel = channel
        self._holder: Slot | None = None

    def slots(self) -> list[Slot]:
        return [*self.waiting, *filter(None, [self._holder])]

    def join(self, slot: Slot) -> Slot:
        insort(self.waiting, slot, key=lambda slot: slot.place)
        return slot

    def go_on(self) -> None:
        if self.waiting and self.waiting[0].settled and not self._holder:
            self._holder = self.waiting.pop(0)
            self._holder.go.set()

    def leave(self, slot: Slot) -> None:
        if slot is self._holder:
            self._holder = None
        else:
            self.waiting.remove(slot)
        self.go_on()
        if not self.slots():
            self._order.forget(self._channel)
