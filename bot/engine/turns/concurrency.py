"""How many turns are answered at once: in all, and for one person."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Literal

Whose = Literal["own", "all"]


@dataclass(slots=True)
class _Share:
    """One person's places. `users`: how many turns hold one or wait for one."""

    places: asyncio.Semaphore
    users: int = field(default=0)


class ConcurrencyLimit:
    """Places for turns. A person's turns first wait for each other, so that nobody fills everybody's line."""

    def __init__(self, in_all: int, per_person: int) -> None:
        self._all = asyncio.Semaphore(in_all)
        self._per_person = per_person
        self._shares: dict[str, _Share] = {}

    @asynccontextmanager
    async def acquire(self, person: str, on_wait: Callable[[Whose], Awaitable[None]]) -> AsyncIterator[None]:
        """Hold a place while inside. If none is free, `on_wait` is called once with whose turns it waits for: the
        person's own, or all.
        """
        share = self._shares.setdefault(person, _Share(asyncio.Semaphore(self._per_person)))
        share.users += 1
        try:
            if share.places.locked() or self._all.locked():
                await on_wait("own" if share.places.locked() else "all")
            async with share.places, self._all:
                yield
        finally:
            share.users -= 1
            if not share.users:
                del self._shares[person]
