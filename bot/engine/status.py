"""The sign that an answer is on its way, for as long as the turn lasts."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from bot.ports import Surface

THINKING = "is thinking…"


@asynccontextmanager
async def working(surface: Surface) -> AsyncIterator[Callable[[], None]]:
    """Show the status while inside, and take it away at the end whatever happened.

    Yields a function to call when a message was posted: both platforms take the status away at a post
    (Discord docs, resources/channel, typing; Slack docs, assistant.threads.setStatus).
    """
    renew = asyncio.Event()

    async def keep() -> None:
        while True:
            await surface.status(THINKING)
            renew.clear()
            try:
                async with asyncio.timeout(surface.limits.status_lasts_s):
                    await renew.wait()
            except TimeoutError:
                continue

    keeper = asyncio.create_task(keep())
    try:
        yield renew.set
    finally:
        keeper.cancel()
        await asyncio.gather(keeper, return_exceptions=True)
        await surface.status("")
