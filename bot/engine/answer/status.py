"""The sign that an answer is on its way: while there is nothing to read yet, and while a tool works."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import structlog

from bot.ports import Surface
from bot.tasks import beside

log = structlog.get_logger()

THINKING = "is thinking…"


class Status:
    """What the status should say now, "" for nothing; `working` shows it, and says at first that Claude thinks."""

    def __init__(self) -> None:
        self.text = ""
        self.shown = ""
        self.changed = asyncio.Event()
        self._readable = False
        self._showing: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Say that Claude thinks: what was posted before does not count as something to read."""
        self._readable = False
        self.say("")

    def say(self, text: str) -> None:
        """Say what is going on; "": that Claude thinks, if there is nothing to read yet."""
        self.text = text or ("" if self._readable else THINKING)
        self.changed.set()

    def posted(self) -> None:
        """Note that there is something to read, and both platforms have removed the status (Discord docs,
        resources/channel, typing; Slack docs, assistant.threads.setStatus).
        """
        self.shown, self._readable = "", True
        self.say("" if self.text == THINKING else self.text)
        if not self.text and self._showing is not None:
            self._showing.cancel()

    async def unless_posted(self, showing: Coroutine[Any, Any, None]) -> None:
        """Show the status, after more urgent calls; drop it if there is something to read first."""
        async with asyncio.TaskGroup() as tasks:
            self._showing = tasks.create_task(showing)


@asynccontextmanager
async def working(status: Status, surface: Surface, phrase: str = "{}") -> AsyncIterator[None]:
    """Show a status while inside, and take it away at the end whatever happened. `phrase`: see `Traits.status`."""
    status.begin()

    async def show(text: str) -> None:
        try:
            await surface.status(phrase.format(text) if text else "")
        except Exception:  # the status is a mere sign: whatever goes wrong with it, the answer counts
            log.exception("status_not_shown")

    async def keep() -> None:
        while True:
            status.changed.clear()
            if status.text or status.shown:
                status.shown = status.text
                await status.unless_posted(show(status.text))
            try:
                async with asyncio.timeout(surface.limits.status_lasts_s if status.text else None):
                    await status.changed.wait()
            except TimeoutError:
                continue

    try:
        async with beside(keep(), "status"):
            yield
    finally:
        await show("")
