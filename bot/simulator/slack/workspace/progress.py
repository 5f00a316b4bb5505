"""Waiting for a condition without polling it."""

import asyncio
from collections.abc import Callable


class Progress:
    """Something that changes now and then. Single event loop."""

    def __init__(self) -> None:
        self._moved = asyncio.Event()

    def moved(self) -> None:
        """Wake everybody who waits, to check again."""
        self._moved.set()

    async def until(self, done: Callable[[], bool], timeout_s: float) -> None:
        """Return when `done()`; it is asked after each `moved`. Raise `TimeoutError` after `timeout_s` seconds."""
        async with asyncio.timeout(timeout_s):
            while not done():
                self._moved.clear()
                await self._moved.wait()
