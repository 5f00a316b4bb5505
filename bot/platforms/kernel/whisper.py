"""Whispers: what one person is told and nobody else sees."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from bot.errors import PlatformError
from bot.events import Edited, Event, Incoming, Reply
from bot.ports import EventHandler

log = structlog.get_logger()

Whisper = Callable[[Incoming, str], Awaitable[None]]
"""Shows the author of a message a sentence that nobody else sees. Raises `PlatformError`s."""


class Whispering:
    """Also shows each author, and nobody else, the reply to their message. `tasks` owns the showing: nobody waits for
    it.
    """

    def __init__(self, handle: EventHandler, whisper: Whisper, tasks: asyncio.TaskGroup) -> None:
        self._handle = handle
        self._whisper = whisper
        self._tasks = tasks

    async def handle(self, event: Event) -> Reply:
        """Hand an event in; return the reply."""
        reply = await self._handle(event)
        message = event.message if isinstance(event, Edited) else event
        if reply.text and isinstance(message, Incoming):
            self._tasks.create_task(self._tell(message, reply.text), name="whisper")
        return reply

    async def _tell(self, message: Incoming, sentence: str) -> None:
        try:
            await self._whisper(message, sentence)
        except PlatformError as error:
            log.info("person_not_told", message=str(message.key), reason=error.detail)
