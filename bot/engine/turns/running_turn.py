"""One turn while it is answered: what others need to end it early, and what it has used so far."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from bot.events import Turn

Late = Callable[[], bool]
"""Says whether a turn comes so long after it was asked that one line is all it gets, once its platform is there."""


def in_time() -> bool:
    """A `Late`: no."""
    return False


@dataclass(frozen=True, slots=True)
class UserMessage:
    """The user message of a turn, and the notes its readers get about its files."""

    blocks: Sequence[dict[str, Any]]
    notes: Sequence[str] = ()


class Written:
    """What Claude has written for a turn: the longest text of all attempts, this process's and earlier ones': the text
    that readers see.
    """

    def __init__(self, draft: str) -> None:
        self._before = draft
        self._now: Callable[[], str] = lambda: ""

    def follow(self, text: Callable[[], str]) -> None:
        """Take a new attempt, of which `text` returns what there is so far."""
        self._before, self._now = self.text, text

    @property
    def fresh(self) -> bool:
        """Whether the newest attempt has come as far as those before it."""
        return len(self._now()) >= len(self._before)

    @property
    def text(self) -> str:
        """The longest text; of two, the newer one."""
        return self._now() if self.fresh else self._before


class RunningTurn:
    """A turn that is being answered.

    `late`: see `Late`. `left`: by an earlier process.
    `begun`: it no longer waits for a place. `stopped`: a reader wants no more of the answer. `refused`: nobody who
    asked may speak to the bot any more. `told`: what Claude is told, once that is known. `written`: what it wrote.
    """

    def __init__(self, turn: Turn, *, late: Late = in_time, left: bool = False) -> None:
        self.turn = turn
        self.late = late
        self.left = left
        self.begun = False
        self.stopped = False
        self.refused = False
        self.told: UserMessage | None = None
        self.written = Written(turn.draft)
        self.task: asyncio.Task[Turn | None] | None = None
        self._scope: asyncio.Timeout | None = None

    def take(self, turn: Turn) -> None:
        """Take the turn as the store has it now."""
        self.turn, self.written = turn, Written(turn.draft)
        if turn.stopping:
            self.stop()

    @asynccontextmanager
    async def until_stopped(self) -> AsyncIterator[None]:
        """Cut off what is inside as soon as `stop` is called; `stopped` then says so."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout_at(loop.time() if self.stopped else None) as self._scope:
                yield
        except TimeoutError:
            if not self.stopped:
                raise
        finally:
            self._scope = None

    def stop(self) -> None:
        """End Claude's answer here; what was said of it stays."""
        if not self.stopped:
            self.stopped = True
            if self._scope is not None:
                self._scope.reschedule(asyncio.get_running_loop().time())

    async def drop(self) -> None:
        """Break off, whatever is going on. When this returns, the store has the turn as it was left."""
        if self.task is not None:
            self.task.cancel()
            await asyncio.wait([self.task])
