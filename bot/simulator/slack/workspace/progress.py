"""Waiting until something is so, without asking again and again."""

import asyncio
from collections.abc import Callable


class Progress:
    """Something that moves now and then. Single event loop."""

    def __init__(self) -> None:
        self._moved = asyncio.Event()

    def moved(self) -> None:
        """Have everybody who waits look again."""
        self._moved.set()

    async def until(self, done: Callable[[], bool], timeout_s: float) -> None:
        """Return when `done()`; it is asked after each `moved`. Raises `TimeoutError` after `timeout_s` seconds."""
        async with asyncio.timeout(timeout_s):
            while not done():
                self._moved.clear()
                await self._moved.wait()
