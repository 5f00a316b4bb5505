"""One turn while it is being answered: what others need to end it early, and what it has used so far."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from math import inf
from typing import Any

from bot.events import MessageKey, Outcome, Turn, TurnState


@dataclass(frozen=True, slots=True)
class UserMessage:
    """The user message of a turn, and the notes its readers get about its files."""

    blocks: Sequence[dict[str, Any]]
    notes: Sequence[str] = ()


class Written:
    """What Claude has written for a turn: the longest text of all attempts, of this process and earlier ones. Readers
    see it.
    """

    def __init__(self, draft: str) -> None:
        self._before = draft
        self._now: Callable[[], str] = lambda: ""

    def follow(self, text: Callable[[], str]) -> None:
        """Follow a new attempt; `text` returns what it has so far."""
        self._before, self._now = self.text, text

    @property
    def fresh(self) -> bool:
        """Whether the newest attempt is as long as those before it."""
        return len(self._now()) >= len(self._before)

    @property
    def text(self) -> str:
        """The longest text; of two, the newer one."""
        return self._now() if self.fresh else self._before


class RunningTurn:
    """A turn that is being answered.

    `expires_at_s`, `taken_s`, `recovered`: see `Waiting`. `started`: it no longer waits for a place. `stopped`: a
    reader stopped the answer. `refused`: nobody who asked may still speak to the bot. `told`: what Claude is told, once
    known. `written`: what Claude wrote.
    """

    def __init__(self, turn: Turn, *, expires_at_s: float = inf, taken_s: float = 0.0, recovered: bool = False) -> None:
        self.turn = turn
        self.thread = turn.questions[0].thread
        self.recovered = recovered
        self.started = False
        self.stopped = False
        self.refused = False
        self.told: UserMessage | None = None
        self.written = Written(turn.draft)
        self._expires_at_s = expires_at_s
        self._taken_s = taken_s
        self._scope: asyncio.Timeout | None = None
        self._posting: set[str] = set()
        self._posted = asyncio.Event()
        self._posted.set()

    def expired(self, now_s: float) -> bool:
        """Return whether all of it was too old when this process learned of it. `now_s`: the time by its platform's
        clock, which is known once the platform is connected.
        """
        return now_s - self.known_for_s > self._expires_at_s

    @property
    def known_for_s(self) -> float:
        """How long this process has known of the turn."""
        return asyncio.get_running_loop().time() - self._taken_s

    def may_hold(self, message: MessageKey) -> bool:
        """Return whether a message is in the place where this turn is answered."""
        there, asked = self.thread, self.turn.key
        channels = {there.channel, there.thread, asked.channel}
        return (message.platform, message.workspace) == (
            there.platform,
            there.workspace,
        ) and message.channel in channels

    @property
    def is_posting(self) -> bool:
        """Whether a message of the answer may exist whose id is not stored yet."""
        return not self._posted.is_set()

    def post_begins(self, idempotency_key: str) -> None:
        """Note that a message of the answer is about to be posted."""
        self._posting.add(idempotency_key)
        self._posted.clear()

    def post_ended(self, idempotency_key: str) -> None:
        """Note that the id of a message of the answer is stored, or that there is no such message."""
        self._posting.discard(idempotency_key)
        if not self._posting:
            self._posted.set()

    def posting_ended(self) -> None:
        """Note that nothing more will be posted."""
        self._posting.clear()
        self._posted.set()

    async def posted(self) -> None:
        """Return once the ids of all messages that may exist are stored, or this run will not store them."""
        await self._posted.wait()

    def start(self) -> None:
        """Note that the turn has a place."""
        self.started = True

    def begun(self) -> None:
        """Note that the store has it as being answered."""
        if self.turn.state == TurnState.ACCEPTED:
            self.turn = replace(self.turn, state=TurnState.ANSWERING)

    def recorded(self, outcome: Outcome) -> None:
        """Note that the store has its outcome."""
        self.turn = replace(self.turn, state=TurnState.ANSWERED, outcome=outcome)

    def refuse(self) -> None:
        """Note that nobody who asked may still speak to the bot."""
        self.refused = True

    def leave_out(self, questions: frozenset[MessageKey]) -> None:
        """Leave some of its questions out of what Claude is asked."""
        self.turn = replace(self.turn, deleted=self.turn.deleted | questions)

    def tell(self, message: UserMessage) -> None:
        """Note what Claude is told."""
        self.told = message

    def forget_written(self) -> None:
        """Forget what was written: it must not be shown again."""
        self.written = Written("")

    def take(self, turn: Turn) -> None:
        """Take the turn as the store has it now."""
        self.turn, self.written = turn, Written(turn.draft)
        if turn.stopping:
            self.stop()

    @asynccontextmanager
    async def until_stopped(self) -> AsyncIterator[None]:
        """Cancel the block inside as soon as `stop` is called; `stopped` then says so."""
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
        """End Claude's answer here; what was written stays."""
        if not self.stopped:
            self.stopped = True
            if self._scope is not None:
                self._scope.reschedule(asyncio.get_running_loop().time())
