"""Tells readers that Claude is not answering: after five seconds, and with the reason if it is known."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from bot.claude import AskedAgain, ClaudeError, End, Event
from bot.engine.answer.status import Status
from bot.engine.sentences import delayed
from bot.ports import Surface
from bot.reply import LiveReply

SLOW_AFTER_S = 5.0


class Delay:
    """Watches how long a request has brought nothing. Readers are told in the status, and in the reply where a line can
    be taken away again.
    """

    def __init__(self, surface: Surface, reply: LiveReply, status: Status) -> None:
        self._reply = reply
        self._status = status
        self._in_reply = not surface.limits.append_only
        self._timer: asyncio.TimerHandle | None = None
        self._why: ClaudeError | None = None
        self._said = False

    def waits(self) -> None:
        """Note that a request is about to be made."""
        self._timer = asyncio.get_running_loop().call_later(SLOW_AFTER_S, self._say)

    def came(self, event: Event) -> None:
        """Note that something came."""
        if isinstance(event, AskedAgain):
            self._why = event.why
            if self._said:
                self._say()
            return
        if self._timer is not None:
            self.ended()
        if isinstance(event, End):  # another request may follow
            self.waits()

    def ended(self) -> None:
        """Note that nothing is awaited any more."""
        if self._timer is not None:
            self._timer.cancel()
        if self._said:
            self._tell("", "")
        self._timer, self._why, self._said = None, None, False

    def _say(self) -> None:
        self._said = True
        self._tell(*delayed(self._why))

    def _tell(self, line: str, status: str) -> None:
        if self._in_reply:
            self._reply.set_activity(line)
        self._status.say(status)


@contextmanager
def delay_told(surface: Surface, reply: LiveReply, status: Status) -> Iterator[Delay]:
    """Watch while inside."""
    delay = Delay(surface, reply, status)
    delay.waits()
    try:
        yield delay
    finally:
        delay.ended()
