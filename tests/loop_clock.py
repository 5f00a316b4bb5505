"""The running loop's clock in a test's hand: the bot, the SDKs and the simulators in one process all go by it.

A busy machine changes nothing for them then: a window of a minute ends when the test says so, not before.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager


def time_passes(seconds: float) -> None:
    """Let so much time pass at once: whatever waits for a moment in it is due."""
    loop = asyncio.get_running_loop()
    before = loop.time
    loop.time = lambda: before() + seconds  # type: ignore[method-assign]


@contextmanager
def time_stands_still() -> Iterator[None]:
    """Let no time pass inside the block, however long it takes; nothing in it may wait for a moment to come."""
    loop = asyncio.get_running_loop()
    before = loop.time
    at_s = before()
    loop.time = lambda: at_s  # type: ignore[method-assign]
    try:
        yield
    finally:
        late_s = before() - at_s
        loop.time = lambda: before() - late_s  # type: ignore[method-assign]


async def until(happened: Callable[[], object]) -> None:
    """Let everything go on until something has happened that tells nobody."""
    async with asyncio.timeout(120):
        while not happened():  # noqa: ASYNC110
            await asyncio.sleep(0)
